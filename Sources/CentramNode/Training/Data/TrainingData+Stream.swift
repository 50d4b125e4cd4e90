internal import CentramNumerics
public import CentramPluginAPI
internal import Synchronization

extension TrainingData {
  /// The data as a trainer reads it. Each epoch has an order of its own, drawn from the seed.
  public func stream() -> any TokenStream { DataStream(self) }

  /// The rows of a step, for messages: number and place in the files.
  public func rows(step: Int, batch: Int) -> [(index: Int, place: String)] {
    let stream = DataStream(self)
    return (0..<batch).map { stream.index(step, batch, $0) }.map { ($0, training.place($0)) }
  }

  public func place(_ sequence: Int) -> String { training.place(sequence) }
}

private final class DataStream: TokenStream {
  let data: TrainingData
  private let order = Mutex<(epoch: Int, rows: [Int32])>((-1, []))

  init(_ data: TrainingData) { self.data = data }

  var count: Int { data.training.count }

  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    try check(length)
    guard batch > 0, batch <= 1 << 20 else { throw PluginError(.invalid, "a batch of \(batch); from 1 to 1,048,576 are possible") }
    var tokens: [Int32] = []
    tokens.reserveCapacity(batch * length)
    if step >= 0 {
      guard !step.multipliedReportingOverflow(by: batch).overflow else { throw PluginError(.invalid, "step \(step) is beyond all data") }
      for row in 0..<batch { append(data.training[index(step, batch, row)], length, &tokens) }
    } else {
      let (first, overflow) = (~step).multipliedReportingOverflow(by: batch)
      guard !overflow, first < data.validation.count else { throw PluginError(.unavailable, "there are \(data.validation.count) held-out sequences") }
      for row in first..<first + batch { append(row < data.validation.count ? data.validation[row] : [], length, &tokens) }
    }
    return tokens
  }

  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] {
    try check(length)
    guard index >= 0, index < count else { throw PluginError(.invalid, "sequence \(index) was asked for, there are \(count)") }
    var tokens: [Int32] = []
    append(data.training[index], length, &tokens)
    return tokens
  }

  private func check(_ length: Int) throws(PluginError) {
    guard length == data.length else { throw PluginError(.shapeMismatch, "rows of \(length) tokens were asked for; the data was cut into rows of \(data.length)") }
  }

  /// A row with what fills it up: token 0, not counted.
  private func append(_ row: ArraySlice<Int32>, _ length: Int, _ tokens: inout [Int32]) {
    tokens.append(contentsOf: row)
    if row.count < length { tokens.append(contentsOf: repeatElement(~0, count: length - row.count)) }
  }

  /// The sequence in a row of a step.
  func index(_ step: Int, _ batch: Int, _ row: Int) -> Int {
    let sample = step * batch + row, epoch = sample / count
    return order.withLock { order in
      if order.epoch != epoch { order = (epoch, permutation(epoch)) }
      return Int(order.rows[sample % count])
    }
  }

  /// Sorted by random keys, and by index where two are equal.
  private func permutation(_ epoch: Int) -> [Int32] {
    var words = [UInt32](repeating: 0, count: count)
    ElementRandom(seed: data.seed, name: "order", stream: epoch).fill(&words, index: 0, count: count)
    let keys = (0..<count).map { UInt64(words[$0]) << 32 | UInt64($0) }
    return keys.sorted().map { Int32(truncatingIfNeeded: $0 & 0xffff_ffff) }
  }
}
