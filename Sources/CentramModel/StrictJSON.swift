/// Reads JSON from left to right, strictly, for headers that come from strangers: no duplicate keys, no numbers but
/// integers where integers are due, no more depth than the caller asks for, no copies of what is skipped.
struct StrictJSON {
  struct Failure: Error {
    let message: String
    let position: Int
  }

  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func failure(_ message: String) -> Failure { Failure(message: message, position: position) }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
  }

  /// The next byte that is not white space, not consumed.
  private mutating func peek() throws(Failure) -> UInt8 {
    skipSpace()
    guard position < bytes.count else { throw failure("the text ends too early") }
    return bytes[position]
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    let found = try peek()
    guard found == UInt8(ascii: character) else {
      throw failure("expected '\(character)', found '\(Unicode.Scalar(found))'")
    }
    position += 1
  }

  private mutating func take(_ character: Unicode.Scalar) throws(Failure) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Calls `member` for each key; it must read the value.
  mutating func object(_ member: (inout StrictJSON, String) throws(Failure) -> Void) throws(Failure) {
    try expect("{")
    var seen = Set<String>()
    if try take("}") { return }
    repeat {
      let key = try string()
      guard seen.insert(key).inserted else { throw failure("the key \"\(key.prefix(100))\" stands twice") }
      try expect(":")
      try member(&self, key)
    } while try take(",")
    try expect("}")
  }

  /// Calls `element` for each element; it must read the value.
  mutating func array(_ element: (inout StrictJSON) throws(Failure) -> Void) throws(Failure) {
    try expect("[")
    if try take("]") { return }
    repeat { try element(&self) } while try take(",")
    try expect("]")
  }

  /// A non-negative integer below 2⁶³, written without sign, fraction or exponent.
  mutating func integer() throws(Failure) -> Int {
    var value = 0, digits = 0
    _ = try peek()
    let leadingZero = bytes[position] == UInt8(ascii: "0")
    while position < bytes.count, case let digit = Int(bytes[position]) - 0x30, (0...9).contains(digit) {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(digit)
      guard !overflow, !carry else { throw failure("the number is 2⁶³ or more") }
      value = sum
      digits += 1
      position += 1
    }
    guard digits > 0 else { throw failure("expected a whole number") }
    guard digits == 1 || !leadingZero else { throw failure("a number starts with 0") }
    return value
  }

  mutating func string() throws(Failure) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while true {
      guard position < bytes.count else { throw failure("a string does not end") }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else { throw failure("a string is not UTF-8") }
        return result
      case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20: throw failure("a string holds a control character")
      default: text.append(byte)
      }
    }
  }

  private mutating func escape() throws(Failure) -> Unicode.Scalar {
    guard position < bytes.count else { throw failure("a string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard (0xd800..<0xdc00).contains(first), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw failure("half of a surrogate pair") }
      position += 2
      let second = try hexadecimal()
      guard (0xdc00..<0xe000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
      else { throw failure("half of a surrogate pair") }
      return scalar
    default: throw failure("no such escape")
    }
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count, let text = String(validating: bytes[position..<position + 4], as: UTF8.self),
      text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16)
    else { throw failure("no four hexadecimal digits after \\u") }
    position += 4
    return value
  }

  /// Nothing but white space may follow.
  mutating func end() throws(Failure) {
    skipSpace()
    guard position == bytes.count else { throw failure("text after the end") }
  }
}
