internal import Synchronization

/// One model's embedding or output head with its rows at the places that the output's vocabulary gives them.
///
/// Holds the order of the rows and at most one row of values, whatever the tensor's size; everything else is read from
/// the models' tensors when it is asked for.
public final class AlignedRowsSource: TensorSource {
  public let count: Int
  let columns: Int
  private let sources: [(any TensorSource)?]
  private let rows: AlignedRows
  /// The mean over all rows of tokens, once somebody has asked for it.
  private let paddingRow = Mutex<[Float]?>(nil)

  /// - Parameters:
  ///   - model: index of the model whose tensor this is; missing rows are filled from the others.
  ///   - columns: elements a row; 1 for a bias.
  ///   - sources: this tensor in each of the plan's models, in their order; nil where a model is not to lend rows.
  /// - Throws: `.mismatch` where a tensor is not made of such rows, or lacks one that the settings name.
  public init(plan: VocabularyPlan, model: Int, columns: Int, sources: [(any TensorSource)?]) throws(MergeError) {
    precondition(sources.count == plan.models.count, "one source a model")
    precondition(sources[model] != nil, "the model's own tensor is there")
    guard columns > 0 else { throw MergeError(.mismatch, "a tensor with rows of \(columns) elements cannot be aligned to a vocabulary") }
    for (source, model) in zip(sources, plan.models) {
      if let count = source?.count, !count.isMultiple(of: columns) {
        throw MergeError(.mismatch, "\(model.reference): a tensor of \(count) elements has no rows of \(columns)")
      }
    }
    rows = try AlignedRows(plan, model: model, rows: sources.map { $0.map { $0.count / columns } })
    (self.columns, self.sources, count) = (columns, sources, plan.rowCount * columns)
  }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    var position = offset
    while position < offset + count {
      let row = position / columns
      let stop = min(offset + count, (row + run(from: row, upTo: offset + count)) * columns)
      fill(row, column: position % columns, count: stop - position, into: floats + (position - offset))
      position = stop
    }
  }

  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? {
    guard count > 0 else { return nil }
    let row = offset / columns, origin = rows.origins[row]
    guard origin.model >= 0, (row + run(from: row, upTo: offset + count)) * columns >= offset + count else { return nil }
    return sources[Int(origin.model)]?.lend(offset: Int(origin.row) * columns + offset % columns, count: count)
  }

  /// How many rows from this one on lie side by side in the same tensor too.
  private func run(from row: Int, upTo end: Int) -> Int {
    let first = rows.origins[row]
    guard first.model >= 0 else { return 1 }
    var length = 1
    while (row + length) * columns < end, case let next = rows.origins[row + length],
      next.model == first.model, Int(next.row) == Int(first.row) + length
    { length += 1 }
    return length
  }

  private func fill(_ row: Int, column: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    let origin = rows.origins[row]
    switch origin {
    case .zero: floats.update(repeating: 0, count: count)
    case .mean: fillMean(rows.means[row] ?? [], column: column, count: count, into: floats)
    case .padding:
      padding().withUnsafeBufferPointer { floats.update(from: $0.baseAddress! + column, count: count) }
    default: read(origin, column: column, count: count, into: floats)
    }
  }

  private func read(_ origin: AlignedRows.Origin, column: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    sources[Int(origin.model)]?.read(offset: Int(origin.row) * columns + column, count: count, into: floats)
  }

  private func fillMean(_ owners: [AlignedRows.Origin], column: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { sum in
      sum.initialize(repeating: 0)
      for owner in owners {
        read(owner, column: column, count: count, into: floats)
        for index in 0..<count { sum[index] += Double(floats[index]) }
      }
      for index in 0..<count { floats[index] = Float(sum[index] / Double(owners.count)) }
    }
  }

  private func padding() -> [Float] {
    paddingRow.withLock { known in
      if let known { return known }
      var sum = [Double](repeating: 0, count: columns), tokens = 0
      withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
        for index in rows.origins.indices where rows.origins[index] != .padding {
          fill(index, column: 0, count: columns, into: row.baseAddress!)
          for column in 0..<columns { sum[column] += Double(row[column]) }
          tokens += 1
        }
      }
      let mean = sum.map { Float($0 / Double(max(1, tokens))) }
      known = mean
      return mean
    }
  }
}
