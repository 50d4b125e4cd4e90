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

  private let source: [UInt32]
  private var position = 0
  private var line = 1
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

  private func at(_ place: Int, _ text: StaticString) -> Bool {
    guard place + text.utf8CodeUnitCount <= source.count else { return false }
    for index in 0..<text.utf8CodeUnitCount where source[place + index] != UInt32(text.utf8Start[index]) { return false }
    return true
  }

  private func string(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    for value in source[range] { view.append(Unicode.Scalar(value) ?? "\u{fffd}") }
    return String(view)
  }

  private mutating func advance(to end: Int) {
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
  private mutating func close(at place: Int, sign: UInt32, isOutput: Bool) {
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

extension JinjaLexer {
  private static let signs = ["//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|"]

  private mutating func tokens(closing: StaticString) throws(JinjaFailure) -> [JinjaToken] {
    var result: [JinjaToken] = []
    let start = line
    var depth = 0
    while true {
      while position < source.count, JinjaText.isSpace(source[position]) { advance(to: position + 1) }
      guard position < source.count else { throw JinjaFailure("a tag does not end", line: start) }
      let isOutput = closing.utf8Start[0] == 0x7d
      let sign = source[position]
      if depth == 0 {
        let hasSign = (sign == 0x2d || sign == 0x2b && !isOutput) && at(position + 1, closing)
        if hasSign || at(position, closing) {
          result.append(JinjaToken(kind: .end, line: line))
          close(at: hasSign ? position + 1 : position, sign: hasSign ? sign : 0, isOutput: isOutput)
          return result
        }
      }
      let token = try token()
      if case .sign(let text) = token.kind {
        if ["(", "[", "{"].contains(text) { depth += 1 }
        if [")", "]", "}"].contains(text) { depth -= 1 }
        guard depth >= 0 else { throw JinjaFailure("a \(text) too many", line: line) }
      }
      result.append(token)
    }
  }

  private mutating func token() throws(JinjaFailure) -> JinjaToken {
    let first = source[position], here = line
    if first == 0x27 || first == 0x22 { return JinjaToken(kind: .text(try text(quote: first)), line: here) }
    if (0x30...0x39).contains(first) { return try number() }
    func isName(_ value: UInt32) -> Bool { value == 0x5f || value < 0x80 && (0x61...0x7a).contains(value | 0x20) || (0x30...0x39).contains(value) }
    var end = position
    while end < source.count, isName(source[end]) { end += 1 }
    if end > position {
      defer { position = end }
      return JinjaToken(kind: .name(string(position..<end)), line: here)
    }
    for sign in Self.signs where source[position...].starts(with: sign.unicodeScalars.lazy.map(\.value)) {
      position += sign.utf8.count
      return JinjaToken(kind: .sign(sign), line: here)
    }
    throw JinjaFailure("the character \(string(position..<(position + 1))) has no meaning here", line: line)
  }

  private mutating func number() throws(JinjaFailure) -> JinjaToken {
    var end = position, isFloat = false
    while end < source.count {
      let value = source[end]
      if (0x30...0x39).contains(value) || value == 0x5f {
        end += 1
      } else if value == 0x2e, !isFloat, end + 1 < source.count, (0x30...0x39).contains(source[end + 1]) {
        (isFloat, end) = (true, end + 1)
      } else {
        break
      }
    }
    // An exponent: e, a sign, digits.
    if end < source.count, source[end] | 0x20 == 0x65 {
      var place = end + 1
      if place < source.count, source[place] == 0x2b || source[place] == 0x2d { place += 1 }
      if place < source.count, (0x30...0x39).contains(source[place]) {
        while place < source.count, (0x30...0x39).contains(source[place]) { place += 1 }
        (isFloat, end) = (true, place)
      }
    }
    let text = string(position..<end).filter { $0 != "_" }
    position = end
    if isFloat, let number = Double(text), number.isFinite { return JinjaToken(kind: .float(number), line: line) }
    guard let number = Int(text) else { throw JinjaFailure("the number \(text.prefix(40)) is 2⁶³ or more", line: line) }
    return JinjaToken(kind: .integer(number), line: line)
  }

  /// A text in quotes, with Python's escapes.
  private mutating func text(quote: UInt32) throws(JinjaFailure) -> String {
    let start = line
    advance(to: position + 1)
    var view = String.UnicodeScalarView()
    while position < source.count, source[position] != quote {
      var value = source[position]
      advance(to: position + 1)
      if value == 0x5c {
        guard position < source.count else { break }
        let letter = source[position]
        advance(to: position + 1)
        switch Unicode.Scalar(letter) ?? " " {
        case "n": value = 0x0a
        case "t": value = 0x09
        case "r": value = 0x0d
        case "b": value = 0x08
        case "f": value = 0x0c
        case "v": value = 0x0b
        case "a": value = 0x07
        case "0": value = 0
        case "\\", "'", "\"": value = letter
        case "\n": continue
        case "x": value = try hexadecimal(2)
        case "u": value = try hexadecimal(4)
        case "U": value = try hexadecimal(8)
        default:
          view.append("\\")
          value = letter
        }
      }
      guard let scalar = Unicode.Scalar(value) else { throw JinjaFailure("an escape is no character", line: line) }
      view.append(scalar)
    }
    guard position < source.count else { throw JinjaFailure("a text in quotes does not end", line: start) }
    position += 1
    return String(view)
  }

  private mutating func hexadecimal(_ digits: Int) throws(JinjaFailure) -> UInt32 {
    guard position + digits <= source.count, case let text = string(position..<(position + digits)), text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16)
    else { throw JinjaFailure("an escape has too few hexadecimal digits", line: line) }
    position += digits
    return value
  }
}
