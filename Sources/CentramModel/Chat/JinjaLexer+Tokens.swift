/// What stands within tags.
extension JinjaLexer {
  private static let signs = ["//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|"]

  mutating func tokens(closing: StaticString) throws(JinjaFailure) -> [JinjaToken] {
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
