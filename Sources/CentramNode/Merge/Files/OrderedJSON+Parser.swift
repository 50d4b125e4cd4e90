extension OrderedJSON {
  /// Where and why a text is not JSON.
  struct Failure: Error, Equatable {
    let message: String
    /// Byte of the text.
    let position: Int
  }

  /// Deeper than any file of a model, and no danger to the stack.
  static let maximumDepth = 64

  /// Reads a whole text strictly: UTF-8, no key twice in an object, nothing after the end, bounded depth.
  init(parsing bytes: [UInt8]) throws(Failure) {
    let result: Result<OrderedJSON, Failure> = bytes.withUnsafeBytes { buffer in
      var parser = Parser(bytes: buffer)
      do throws(Failure) {
        return .success(try parser.document())
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  fileprivate struct Parser {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    func failure(_ message: String) -> Failure { Failure(message: message, position: position) }

    mutating func document() throws(Failure) -> OrderedJSON {
      let value = try value(depth: 0)
      skipSpace()
      guard position == bytes.count else { throw failure("text after the end") }
      return value
    }

    mutating func skipSpace() {
      while position < bytes.count, case let byte = bytes[position], byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
        position += 1
      }
    }

    /// The next byte that is not white space, not consumed.
    mutating func peek() throws(Failure) -> UInt8 {
      skipSpace()
      guard position < bytes.count else { throw failure("the text ends too early") }
      return bytes[position]
    }

    mutating func take(_ character: Unicode.Scalar) throws(Failure) -> Bool {
      guard try peek() == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
      guard try take(character) else { throw failure("expected '\(character)'") }
    }

    mutating func value(depth: Int) throws(Failure) -> OrderedJSON {
      guard depth < maximumDepth else { throw failure("nested deeper than \(maximumDepth) levels") }
      switch try peek() {
      case UInt8(ascii: "{"): return .object(try object(depth: depth))
      case UInt8(ascii: "["): return .array(try array(depth: depth))
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t") where takeWord("true"): return .bool(true)
      case UInt8(ascii: "f") where takeWord("false"): return .bool(false)
      case UInt8(ascii: "n") where takeWord("null"): return .null
      case UInt8(ascii: "N") where takeWord("NaN"): return .number("NaN")
      case UInt8(ascii: "I") where takeWord("Infinity"): return .number("Infinity")
      case UInt8(ascii: "-") where takeWord("-Infinity"): return .number("-Infinity")
      case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
      default: throw failure("expected a value")
      }
    }

    mutating func takeWord(_ word: StaticString) -> Bool {
      let length = word.utf8CodeUnitCount
      guard position + length <= bytes.count, (0..<length).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] }) else { return false }
      position += length
      return true
    }

    mutating func object(depth: Int) throws(Failure) -> Object {
      try expect("{")
      var members: [Member] = []
      if try take("}") { return Object() }
      var seen = Set<ExactText>()
      repeat {
        guard try peek() == UInt8(ascii: "\"") else { throw failure("expected a key") }
        let key = try string()
        guard seen.insert(ExactText(key)).inserted else { throw failure("the key \"\(key.prefix(100))\" stands twice") }
        try expect(":")
        members.append(Member(key: key, value: try value(depth: depth + 1)))
      } while try take(",")
      try expect("}")
      return Object(members: members)
    }

    mutating func array(depth: Int) throws(Failure) -> [OrderedJSON] {
      try expect("[")
      var elements: [OrderedJSON] = []
      if try take("]") { return [] }
      repeat { elements.append(try value(depth: depth + 1)) } while try take(",")
      try expect("]")
      return elements
    }

    /// The spelling of a number: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
    mutating func number() throws(Failure) -> String {
      let start = position
      if bytes[position] == UInt8(ascii: "-") { position += 1 }
      let first = position
      guard takeDigits() > 0 else { throw failure("expected a digit") }
      guard bytes[first] != UInt8(ascii: "0") || position == first + 1 else { throw failure("a number starts with 0") }
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
        position += 1
        guard takeDigits() > 0 else { throw failure("expected a digit after the point") }
      }
      if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
        position += 1
        if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) { position += 1 }
        guard takeDigits() > 0 else { throw failure("expected a digit in the exponent") }
      }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func takeDigits() -> Int {
      let start = position
      while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
      return position - start
    }
  }
}

extension OrderedJSON.Parser {
  /// A string, the quotation mark in front not consumed yet.
  fileprivate mutating func string() throws(OrderedJSON.Failure) -> String {
    position += 1
    var start = position
    // Filled only when there is an escape: most strings have none.
    var text: [UInt8] = []
    while true {
      guard position < bytes.count else { throw failure("a string does not end") }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let end = position
        position += 1
        let tail = bytes[start..<end]
        let result = text.isEmpty ? String(validating: tail, as: UTF8.self) : String(validating: text + tail, as: UTF8.self)
        guard let result else { throw failure("a string is not UTF-8") }
        return result
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

  private mutating func escape() throws(OrderedJSON.Failure) -> Unicode.Scalar {
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
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("no such escape")
    }
  }

  private mutating func unicodeEscape() throws(OrderedJSON.Failure) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, takeWord("\\u") else { throw failure("half of a surrogate pair") }
    let second = try hexadecimal()
    guard (0xdc00..<0xe000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) else {
      throw failure("half of a surrogate pair")
    }
    return scalar
  }

  private mutating func hexadecimal() throws(OrderedJSON.Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw failure("no four hexadecimal digits after \\u")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
