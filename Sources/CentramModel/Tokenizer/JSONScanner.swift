/// Walks over JSON without making anything of it, for the long lists of a tokenizer.json: 150,000 tokens in a few hundredths of a second.
/// What it skips, others read strictly.
struct JSONScanner {
  struct Failure: Error {
    let message: String
    let position: Int
  }

  let bytes: UnsafeRawBufferPointer
  var position = 0
  private static let maximumDepth = 64

  init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) { (self.bytes, self.position) = (bytes, position) }

  func failure(_ message: String) -> Failure { Failure(message: message, position: position) }

  mutating func peek() throws(Failure) -> UInt8 {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
      position += 1
    }
    throw failure("the text ends too early")
  }

  mutating func take(_ character: Unicode.Scalar) throws(Failure) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    guard try take(character) else { throw failure("expected '\(character)'") }
  }

  /// Reads a string's UTF-8 into a buffer, which it empties first.
  mutating func string(into text: inout [UInt8]) throws(Failure) {
    text.removeAll(keepingCapacity: true)
    try expect("\"")
    var start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
        position += 1
        return
      }
      guard byte >= 0x20 else { throw failure("a string holds a control character") }
      position += 1
      guard byte == UInt8(ascii: "\\") else { continue }
      text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<(position - 1)]))
      try escape(into: &text)
      start = position
    }
    throw failure("a string does not end")
  }

  private mutating func escape(into text: inout [UInt8]) throws(Failure) {
    guard position < bytes.count else { throw failure("a string does not end") }
    position += 1
    switch bytes[position - 1] {
    case UInt8(ascii: "\""): text.append(0x22)
    case UInt8(ascii: "\\"): text.append(0x5c)
    case UInt8(ascii: "/"): text.append(0x2f)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var value = try hexadecimal()
      if value & 0xfc00 == 0xd800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") {
        position += 2
        let second = try hexadecimal()
        guard second & 0xfc00 == 0xdc00 else { throw failure("half of a surrogate pair") }
        value = 0x10000 + (value - 0xd800) << 10 + (second - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw failure("half of a surrogate pair") }
      text.append(contentsOf: UTF8.encode(scalar)!)
    default: throw failure("no such escape")
    }
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("a string does not end") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt32
      switch bytes[position] {
      case 0x30...0x39: digit = UInt32(bytes[position]) - 0x30
      case 0x41...0x46: digit = UInt32(bytes[position]) - 0x37
      case 0x61...0x66: digit = UInt32(bytes[position]) - 0x57
      default: throw failure("no four hexadecimal digits after \\u")
      }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  /// A whole number from 0 to 2³¹ - 1.
  mutating func integer() throws(Failure) -> Int {
    let first = try peek()
    var value = 0, digits = 0
    while position < bytes.count, case let digit = Int(bytes[position]) - 0x30, (0...9).contains(digit) {
      value = value * 10 + digit
      guard value <= Int(Int32.max) else { throw failure("the number is 2³¹ or more") }
      digits += 1
      position += 1
    }
    guard digits > 0 else { throw failure(first == UInt8(ascii: "-") ? "the number is negative" : "expected a whole number") }
    guard digits == 1 || first != UInt8(ascii: "0") else { throw failure("a number starts with 0") }
    if position < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) { throw failure("expected a whole number") }
    return value
  }

  /// Stands behind a value. Only brackets and strings are looked at.
  mutating func skip() throws(Failure) {
    var depth = 0
    repeat {
      switch try peek() {
      case UInt8(ascii: "\""):
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
        guard position < bytes.count else { throw failure("a string does not end") }
        position += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("more than \(Self.maximumDepth) levels") }
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { throw failure("expected a value") }
        depth -= 1
        position += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw failure("expected a value") }
        position += 1
      default:
        let start = position
        while position < bytes.count, case let byte = bytes[position],
          byte == 0x2b || byte == 0x2d || byte == 0x2e || (0x30...0x39).contains(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
        {
          position += 1
        }
        guard position > start else { throw failure("expected a value") }
      }
    } while depth > 0
  }
}
