/// JSON with its members in order: in `rank_pattern` the first match counts. Reads strictly, since adapters come from
/// strangers: no duplicate keys, no more than 32 levels unless told, nothing after the end.
enum OrderedJSON: Sendable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([OrderedJSON])
  case object([Member])

  struct Member: Sendable, Equatable {
    let key: String
    let value: OrderedJSON
  }

  struct Failure: Error {
    let message: String
    let position: Int
  }

  init(parsing bytes: [UInt8], levels: Int = 32) throws(Failure) {
    var reader = Reader(bytes: bytes, levels: levels)
    self = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.failure("text after the end") }
  }

  /// Nothing that could change a result: null, false, "", [] or {}.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .boolean(let flag): !flag
    case .number: false
    case .string(let text): text.isEmpty
    case .array(let items): items.isEmpty
    case .object(let members): members.isEmpty
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    let levels: Int
    var position = 0

    func failure(_ message: String) -> Failure { Failure(message: message, position: position) }

    mutating func skipSpace() {
      while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
    }

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
      guard depth < levels else { throw failure("more than \(levels) levels") }
      switch try peek() {
      case UInt8(ascii: "{"): return try object(depth)
      case UInt8(ascii: "["):
        position += 1
        var items: [OrderedJSON] = []
        if try take("]") { return .array(items) }
        repeat { items.append(try value(depth: depth + 1)) } while try take(",")
        try expect("]")
        return .array(items)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .boolean(true))
      case UInt8(ascii: "f"): return try word("false", .boolean(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return .number(try number())
      }
    }

    private mutating func object(_ depth: Int) throws(Failure) -> OrderedJSON {
      position += 1
      var members: [Member] = []
      var seen = Set<String>()
      if try take("}") { return .object(members) }
      repeat {
        let key = try string()
        guard seen.insert(key).inserted else { throw failure("the key \"\(key.prefix(100))\" stands twice") }
        try expect(":")
        members.append(Member(key: key, value: try value(depth: depth + 1)))
      } while try take(",")
      try expect("}")
      return .object(members)
    }

    private mutating func word(_ text: String, _ meaning: OrderedJSON) throws(Failure) -> OrderedJSON {
      guard bytes[position...].starts(with: text.utf8) else { throw failure("expected \(text)") }
      position += text.utf8.count
      return meaning
    }

    private mutating func number() throws(Failure) -> Double {
      let start = position
      while position < bytes.count, "+-.eE0123456789".utf8.contains(bytes[position]) { position += 1 }
      // Python's json writes NaN and Infinity; neither is a number here.
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "."), text.utf8.last != UInt8(ascii: "."),
        let number = Double(text), number.isFinite
      else { throw failure("expected a value") }
      return number
    }

    private mutating func string() throws(Failure) -> String {
      try expect("\"")
      let start = position - 1
      while position < bytes.count, bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
      guard position < bytes.count else { throw failure("a string does not end") }
      position += 1
      let outcome: Result<String, StrictJSON.Failure> = bytes.withUnsafeBytes { all in
        do throws(StrictJSON.Failure) {
          var strict = StrictJSON(UnsafeRawBufferPointer(rebasing: all[start..<position]))
          return .success(try strict.string())
        } catch { return .failure(error) }
      }
      switch outcome {
      case .success(let text): return text
      case .failure(let failure): throw Failure(message: failure.message, position: start + failure.position)
      }
    }
  }
}

extension OrderedJSON {
  /// The text, one member a line.
  func text(indent: String = "") -> String {
    let inner = indent + "  "
    switch self {
    case .null: return "null"
    case .boolean(let flag): return "\(flag)"
    case .number(let number): return number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
    case .string(let text): return Self.quoted(text)
    case .array(let items):
      return items.isEmpty ? "[]" : "[\n" + items.map { inner + $0.text(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
    case .object(let members):
      let lines = members.map { inner + Self.quoted($0.key) + ": " + $0.value.text(indent: inner) }
      return members.isEmpty ? "{}" : "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
    }
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
