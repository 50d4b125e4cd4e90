/// Cuts a file's text into its documents.
enum DocumentText {
  /// - Parameter starts: the line of each document's first value, in order.
  /// - Returns: the text of each, without the line that separates it from the one before.
  static func split(_ text: String, starts: [Int]) -> [String] {
    guard starts.count > 1 else { return [text] }
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
    // A line that begins with --- or ... and nothing else ends a document wherever it stands, even in a block of text.
    let marks = lines.indices.filter { isMark(lines[$0], "---") || isMark(lines[$0], "...") }
    return starts.map { start in
      let first = marks.last { $0 < start } ?? 0
      let end = marks.first { $0 >= start } ?? lines.count
      let bare = marks.contains(first) && lines[first].trimmingSuffix(while: \.isWhitespace).count == 3
      return lines[(bare ? first + 1 : first)..<end].joined(separator: "\n") + (end == lines.count ? "" : "\n")
    }
  }

  private static func isMark(_ line: Substring, _ mark: String) -> Bool {
    line.hasPrefix(mark) && (line.dropFirst(3).first?.isWhitespace ?? true)
  }
}

extension Substring {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
