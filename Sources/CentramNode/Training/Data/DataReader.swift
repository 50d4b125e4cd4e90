internal import Foundation

/// Reads data into rows of at most `length` tokens.
struct DataReader {
  let encoding: any TrainingEncoding
  let length: Int
  /// Whether the tokens of prompts are counted.
  let masksPrompts: Bool
  /// Whether short records share a row. Attention goes across them; the end token tells them apart.
  let packs: Bool
  let isCancelled: () -> Bool

  /// - Parameter path: a file: `.jsonl` is one record a line, anything else is one text.
  func read(file path: String, into rows: inout TokenRows) throws(TrainingJobError) {
    rows.begin(file: (path as NSString).lastPathComponent)
    if path.hasSuffix(".jsonl") { try readRecords(path, into: &rows) } else { try readText(path, into: &rows) }
  }

  private func readRecords(_ path: String, into rows: inout TokenRows) throws(TrainingJobError) {
    var reader = try LineReader(path: path)
    var packed: [Int32] = [], packedLine = 0
    func flush(_ rows: inout TokenRows) throws(TrainingJobError) {
      if CountedRow.hasTarget(packed[...]) { try rows.append(packed, line: packedLine) }
      packed = []
    }
    while let line = try reader.next() {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      guard !isCancelled() else { throw TrainingJobError(.cancelled, "interrupted while reading the data; nothing was written") }
      var row: [Int32]
      do throws(TrainingJobError) { row = try tokens(line) } catch {
        throw TrainingJobError(error.code, "\(path):\(reader.line): \(error.message)")
      }
      if row.count > length {
        (rows.cutRecords, rows.cutTokens) = (rows.cutRecords + 1, rows.cutTokens + row.count - length)
        row.removeSubrange(length...)
      }
      // Where the cut left only a prompt there is nothing to learn.
      guard CountedRow.hasTarget(row[...]) else { continue }
      if packed.count + row.count > length || !packs { try flush(&rows) }
      if packed.isEmpty { packedLine = reader.line } else { row[0] = row[0] < 0 ? row[0] : ~row[0] }
      packed += row
    }
    try flush(&rows)
  }

  private func tokens(_ line: [UInt8]) throws(TrainingJobError) -> [Int32] {
    let record: TrainingRecord
    do throws(TrainingRecord.Failure) { record = try TrainingRecord(json: line) } catch { throw TrainingJobError(.data, error.message) }
    var (tokens, prompt) = try record.encoded(encoding)
    if masksPrompts { for index in 0..<min(prompt, tokens.count) { tokens[index] = ~tokens[index] } }
    return tokens
  }

  /// One text: its tokens cut into rows.
  private func readText(_ path: String, into rows: inout TokenRows) throws(TrainingJobError) {
    var reader = try LineReader(path: path)
    // Pieces of whole lines, so that memory is bounded and a word is not cut where lines end.
    var pending: [UInt8] = [], row = encoding.prefix, first = 1, start = 1
    func take(_ rows: inout TokenRows) throws(TrainingJobError) {
      guard let text = String(validating: pending, as: UTF8.self) else {
        throw TrainingJobError(.data, "\(path):\(Self.badLine(pending, from: first)): not UTF-8; convert the file")
      }
      row += try encoding.encode(text)
      (pending, first) = ([], reader.line + 1)
      while row.count >= length {
        try rows.append(row[..<length], line: start)
        row.removeSubrange(..<length)
        start = reader.line
      }
    }
    while let line = try reader.next() {
      guard !isCancelled() else { throw TrainingJobError(.cancelled, "interrupted while reading the data; nothing was written") }
      pending += line
      pending.append(0x0a)
      if pending.count >= 1 << 20 { try take(&rows) }
    }
    try take(&rows)
    if let end = encoding.endToken { row.append(end) }
    while row.count >= 2 {
      try rows.append(row.prefix(length), line: start)
      row.removeSubrange(..<min(length, row.count))
    }
  }

  private static func badLine(_ bytes: [UInt8], from first: Int) -> Int {
    for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() where String(validating: line, as: UTF8.self) == nil {
      return first + index
    }
    return first
  }
}

enum CountedRow {
  /// Whether any token but the first is counted.
  static func hasTarget(_ row: ArraySlice<Int32>) -> Bool { row.dropFirst().contains { $0 >= 0 } }
}
