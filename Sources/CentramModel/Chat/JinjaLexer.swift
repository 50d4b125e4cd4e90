/// A token within `{{ }}` or `{% %}`.
struct JinjaToken: Sendable {
  enum Kind: Sendable, Equatable {
    case name(String)
    case text(String)
    case integer(Int)
    case float(Double)
    /// A sign of one or two characters.
    case sign(String)
    case end
  }

  let kind: Kind
  let line: Int
}

/// A template, cut into its texts and its tags, with white space trimmed as transformers has it: `trim_blocks` and `lstrip_blocks`.
struct JinjaLexer {
  enum Part: Sendable {
    case text(String)
    case output([JinjaToken])
    case block([JinjaToken])
  }

  let source: [UInt32]
  var position = 0
  var line = 1
  private(set) var parts: [Part] = []
  /// Whether what was read last ended a line.
  private var startsLine = true
  /// Whether the last block took the line break behind it.
  private var tookBreak = false

  static let maximumParts = 100_000

  init(_ text: String) throws(JinjaFailure) {
    var scalars: [UInt32] = []
    for scalar in text.unicodeScalars {
      if scalar == "\n", scalars.last == 0x0d { scalars.removeLast() }
      scalars.append(scalar.value)
    }
    source = Array(scalars.map { $0 == 0x0d ? 0x0a : $0 }.dropLast(scalars.last == 0x0a || scalars.last == 0x0d ? 1 : 0))
    try read()
  }

  func at(_ place: Int, _ text: StaticString) -> Bool {
    guard place + text.utf8CodeUnitCount <= source.count else { return false }
    for index in 0..<text.utf8CodeUnitCount where source[place + index] != UInt32(text.utf8Start[index]) { return false }
    return true
  }

  func string(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    for value in source[range] { view.append(Unicode.Scalar(value) ?? "\u{fffd}") }
    return String(view)
  }

  mutating func advance(to end: Int) {
    for value in source[position..<end] where value == 0x0a { line += 1 }
    position = end
  }

  private mutating func read() throws(JinjaFailure) {
    while position < source.count {
      guard parts.count < Self.maximumParts else { throw JinjaFailure(.unsupported, "more than \(Self.maximumParts) parts", line: line) }
      var start = position
      while start < source.count, !(source[start] == 0x7b && (at(start, "{{") || at(start, "{%") || at(start, "{#"))) { start += 1 }
      guard start < source.count else {
        parts.append(.text(string(position..<start)))
        return
      }
      text(position..<start, isOutput: at(start, "{{"), sign: start + 2 < source.count ? source[start + 2] : 0)
      let sign = start + 2 < source.count && (source[start + 2] == 0x2d || source[start + 2] == 0x2b && !at(start, "{{")) ? 1 : 0
      let kind = source[start + 1]
      advance(to: start + 2 + sign)
      startsLine = false
      switch kind {
      case 0x23: try comment()
      case 0x7b: parts.append(.output(try tokens(closing: "}}")))
      default:
        let tokens = try tokens(closing: "%}")
        if tokens.first?.kind == .name("raw") {
          // Alone among blocks it leaves the line break behind it.
          if tookBreak { (position, line) = (position - 1, line - 1) }
          try raw()
        } else {
          parts.append(.block(tokens))
        }
      }
    }
  }

  /// The text before a tag, without the space that the tag takes.
  private mutating func text(_ range: Range<Int>, isOutput: Bool, sign: UInt32) {
    var end = range.upperBound
    if sign == 0x2d {
      while end > range.lowerBound, JinjaText.isSpace(source[end - 1]) { end -= 1 }
    } else if sign != 0x2b, !isOutput {
      var place = end
      while place > range.lowerBound, source[place - 1] != 0x0a, JinjaText.isSpace(source[place - 1]) { place -= 1 }
      if place == range.lowerBound ? startsLine : source[place - 1] == 0x0a { end = place }
    }
    if end > range.lowerBound { parts.append(.text(string(range.lowerBound..<end))) }
  }

  /// Stands behind a tag's end, which is at this place: a `-` before it takes all space behind it; a block takes one line break.
  mutating func close(at place: Int, sign: UInt32, isOutput: Bool) {
    var end = place + 2
    tookBreak = false
    if sign == 0x2d {
      while end < source.count, JinjaText.isSpace(source[end]) { end += 1 }
    } else if sign != 0x2b, !isOutput, end < source.count, source[end] == 0x0a {
      end += 1
      tookBreak = true
    }
    startsLine = source[end - 1] == 0x0a
    advance(to: end)
  }

  private mutating func comment() throws(JinjaFailure) {
    var place = position
    while place < source.count, !at(place, "#}") { place += 1 }
    guard place < source.count else { throw JinjaFailure("a comment does not end", line: line) }
    close(at: place, sign: place > position ? source[place - 1] : 0, isOutput: false)
  }

  /// Up to `{% endraw %}` nothing has a meaning.
  private mutating func raw() throws(JinjaFailure) {
    let begin = position
    var place = position
    while place < source.count {
      guard at(place, "{%") else {
        place += 1
        continue
      }
      var inner = place + 2
      let sign = inner < source.count ? source[inner] : 0
      if sign == 0x2d || sign == 0x2b { inner += 1 }
      while inner < source.count, JinjaText.isSpace(source[inner]) { inner += 1 }
      guard at(inner, "endraw") else {
        place += 1
        continue
      }
      inner += 6
      while inner < source.count, JinjaText.isSpace(source[inner]) { inner += 1 }
      let closing = inner < source.count ? source[inner] : 0
      if closing == 0x2d || closing == 0x2b { inner += 1 }
      guard at(inner, "%}") else { throw JinjaFailure("the tag endraw does not end", line: line) }
      text(begin..<place, isOutput: false, sign: sign)
      advance(to: place)
      close(at: inner, sign: closing, isOutput: false)
      return
    }
    throw JinjaFailure("a raw block does not end", line: line)
  }
}
