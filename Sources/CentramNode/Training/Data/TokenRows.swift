/// Sequences of tokens, one behind the other in memory, each with the place that it came from. Ids below 0 are not counted.
struct TokenRows: Sendable {
  /// Far below what an index can hold, and 8 GiB of memory.
  static let maximumTokens = 1 << 31

  private(set) var tokens: [Int32] = []
  private var ends: [Int] = []
  private var places: [(file: Int32, line: Int32)] = []
  private(set) var files: [String] = []
  /// Records that were longer than a row, and their tokens that were left out.
  var cutRecords = 0, cutTokens = 0

  var count: Int { ends.count }

  subscript(row: Int) -> ArraySlice<Int32> { tokens[(row == 0 ? 0 : ends[row - 1])..<ends[row]] }

  /// `train.jsonl:6`.
  func place(_ row: Int) -> String {
    let place = places[row]
    return "\(files[Int(place.file)]):\(place.line)"
  }

  mutating func begin(file: String) { files.append(file) }

  mutating func append(_ row: some Collection<Int32>, line: Int) throws(TrainingJobError) {
    guard tokens.count + row.count <= Self.maximumTokens else {
      throw TrainingJobError(.data, "\(files.last ?? "")): more than \(Self.maximumTokens) tokens in all; train on a part of the data")
    }
    tokens.append(contentsOf: row)
    ends.append(tokens.count)
    places.append((Int32(files.count - 1), Int32(clamping: line)))
  }

  /// Adds a row of another set.
  mutating func append(_ row: Int, of other: TokenRows) throws(TrainingJobError) {
    if files.isEmpty { files = other.files }
    tokens.append(contentsOf: other[row])
    ends.append(tokens.count)
    places.append(other.places[row])
  }
}
