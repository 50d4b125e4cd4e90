/// Reads one JSON text from left to right.
struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let name: String
  private var position = 0

  init(bytes: UnsafeRawBufferPointer, name: String) { (self.bytes, self.name) = (bytes, name) }

  mutating func document() throws(GenomeError) -> JSONValue {
    let value = try value(depth: 1)
    skipSpace()
    guard position == bytes.count else { throw failure("text after the end") }
    return value
  }

  private func failure(_ message: String, _ code: GenomeError.Code = .malformed) -> GenomeError { GenomeError(code, "\(name): \(message) (byte \(position))") }

  private mutating func skipSpace() {
    while position < bytes.count, case let byte = bytes[position], byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
  }

  /// The next byte that is not white space, not consumed.
  private mutating func peek() throws(GenomeError) -> UInt8 {
    skipSpace()
    guard position < bytes.count else { throw failure("the text ends too early") }
    return bytes[position]
  }

  private mutating func take(_ character: Unicode.Scalar) throws(GenomeError) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(GenomeError) {
    guard try take(character) else { throw failure("expected '\(character)'") }
  }

  private mutating func value(depth: Int) throws(GenomeError) -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"):
      guard depth <= JSONValue.maximumDepth else { throw failure("more than \(JSONValue.maximumDepth) levels", .tooLarge) }
      return .object(try object(depth: depth))
    case UInt8(ascii: "["):
      guard depth <= JSONValue.maximumDepth else { throw failure("more than \(JSONValue.maximumDepth) levels", .tooLarge) }
      return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
    default: throw failure("expected a value")
    }
  }

  private mutating func object(depth: Int) throws(GenomeError) -> [JSONValue.Member] {
    position += 1
    var members: [JSONValue.Member] = []
    if try take("}") { return members }
    var seen = Set<String>()
    repeat {
      guard try peek() == UInt8(ascii: "\"") else { throw failure("expected a key") }
      let key = try string()
      guard seen.insert(key).inserted else { throw failure("the key \"\(GenomeError.shown(key))\" stands twice") }
      try expect(":")
      members.append(.init(key, try value(depth: depth + 1)))
    } while try take(",")
    try expect("}")
    return members
  }

  private mutating func array(depth: Int) throws(GenomeError) -> [JSONValue] {
    position += 1
    var items: [JSONValue] = []
    if try take("]") { return items }
    repeat { items.append(try value(depth: depth + 1)) } while try take(",")
    try expect("]")
    return items
  }

  private mutating func word(_ word: StaticString, _ meaning: JSONValue) throws(GenomeError) -> JSONValue {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count, (0..<length).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] }) else { throw failure("expected \(word)") }
    position += length
    return meaning
  }

  /// -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
  private mutating func number() throws(GenomeError) -> String {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    let first = position
    guard skipDigits() > 0 else { throw failure("expected a digit") }
    guard bytes[first] != UInt8(ascii: "0") || position == first + 1 else { throw failure("a number starts with 0") }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard skipDigits() > 0 else { throw failure("expected a digit after the point") }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position += 1 }
      guard skipDigits() > 0 else { throw failure("expected a digit in the exponent") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    return position - start
  }

  /// The quotation mark in front is not consumed yet.
  private mutating func string() throws(GenomeError) -> String {
    position += 1
    var start = position
    // Filled only where there is an escape: most strings have none.
    var text: [UInt8] = []
    while true {
      guard position < bytes.count else { throw failure("a string does not end") }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let tail = bytes[start..<position]
        position += 1
        let whole = text.isEmpty ? String(validating: tail, as: UTF8.self) : String(validating: text + tail, as: UTF8.self)
        guard let whole else { throw failure("a string is not UTF-8") }
        return whole
      case UInt8(ascii: "\\"):
        text.append(contentsOf: bytes[start..<position])
        position += 1
        text.append(contentsOf: String(try escape()).utf8)
        start = position
      case 0..<0x20: throw failure("a string holds a control character")
      default: position += 1
      }
    }
  }

  private mutating func escape() throws(GenomeError) -> Unicode.Scalar {
    guard position < bytes.count else { throw failure("a string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xdc00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
        throw failure("half of a surrogate pair")
      }
      position += 2
      let second = try codeUnit()
      guard (0xdc00..<0xe000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) else {
        throw failure("half of a surrogate pair")
      }
      return scalar
    default: throw failure("no such escape")
    }
  }

  private mutating func codeUnit() throws(GenomeError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Hexadecimal.digit(bytes[position]) else { throw failure("no four hexadecimal digits after \\u") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
