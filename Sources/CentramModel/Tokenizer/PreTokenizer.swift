/// Cuts text into the pieces that byte-pair encoding works within.
struct PreTokenizer: Sendable {
  /// What becomes of what a pattern finds; the names are the tokenizers library's.
  enum Behavior: Sendable { case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous }

  enum Step: Sendable {
    /// Cuts at the words of a scanner, which leaves nothing between them.
    case words(WordScanner)
    /// Cuts where a pattern matches; `inverted`, where it does not.
    case split(SplitPattern, Behavior, inverted: Bool)
    /// Cuts off numbers, each digit alone or all together.
    case digits(alone: Bool)
    /// Puts a space in front of a piece that does not start with one.
    case prefixSpace
  }

  var steps: [Step]

  /// Calls `body` with each piece, in order.
  func pieces(_ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) { run(0, text, body) }

  private func run(_ index: Int, _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    guard !text.isEmpty else { return }
    guard index < steps.count else { return body(text) }
    switch steps[index] {
    case .words(let scanner):
      var start = 0
      while start < text.count {
        let end = scanner.end(text, from: start)
        let piece = UnsafeRawBufferPointer(rebasing: text[start..<end])
        if index + 1 == steps.count { body(piece) } else { run(index + 1, piece, body) }
        start = end
      }
    case .split(let pattern, let behavior, let inverted):
      for range in behavior.pieces(pattern.matches(in: text), inverted, text.count) {
        run(index + 1, UnsafeRawBufferPointer(rebasing: text[range]), body)
      }
    case .digits(let alone): digits(index, text, alone, body)
    case .prefixSpace:
      guard text[0] != 0x20 else { return run(index + 1, text, body) }
      let prefixed = [0x20] + [UInt8](text)
      prefixed.withUnsafeBytes { run(index + 1, $0, body) }
    }
  }

  private func digits(_ index: Int, _ text: UnsafeRawBufferPointer, _ alone: Bool, _ body: (UnsafeRawBufferPointer) -> Void) {
    var start = 0, position = 0, wasNumber = false
    func cut(_ end: Int) {
      if end > start { run(index + 1, UnsafeRawBufferPointer(rebasing: text[start..<end]), body) }
      start = end
    }
    while position < text.count {
      let (kind, length) = CharacterClass.of(text, position)
      let isNumber = kind == .number
      if isNumber != wasNumber || isNumber && alone { cut(position) }
      wasNumber = isNumber
      position += length
    }
    cut(text.count)
  }
}

extension PreTokenizer.Behavior {
  /// The pieces of a text of `count` bytes in which a pattern matched.
  func pieces(_ matches: [Range<Int>], _ inverted: Bool, _ count: Int) -> [Range<Int>] {
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var end = 0
    for match in matches {
      if match.lowerBound > end { parts.append((end..<match.lowerBound, inverted)) }
      parts.append((match, !inverted))
      end = match.upperBound
    }
    if end < count { parts.append((end..<count, inverted)) }
    switch self {
    case .isolated: return parts.map(\.range)
    case .removed: return parts.filter { !$0.isMatch }.map(\.range)
    case .contiguous: return Self.joined(parts) { $0 == $1 }
    case .mergedWithPrevious: return Self.joined(parts) { !$0 && $1 }
    case .mergedWithNext: return Self.joined(parts) { $0 && !$1 }
    }
  }

  /// Joins each part with the one before it where the rule says so of the two's being matches.
  private static func joined(_ parts: [(range: Range<Int>, isMatch: Bool)], _ rule: (Bool, Bool) -> Bool) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for (index, part) in parts.enumerated() {
      if index > 0, rule(parts[index - 1].isMatch, part.isMatch) {
        result[result.count - 1] = result[result.count - 1].lowerBound..<part.range.upperBound
      } else {
        result.append(part.range)
      }
    }
    return result
  }
}
