/// JSON as strangers send it, read strictly: UTF-8, no key twice in an object, numbers as RFC 8259 spells them, a bounded depth,
/// nothing after the end.
public enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  /// As it is spelled. NaN and infinity are no numbers.
  case number(String)
  case string(String)
  case array([JSONValue])
  /// In the order of the text.
  case object([Member])

  public struct Member: Sendable, Equatable {
    public let key: String
    public let value: JSONValue
    public init(_ key: String, _ value: JSONValue) { (self.key, self.value) = (key, value) }
  }

  public static let maximumDepth = 16

  /// - Parameters:
  ///   - bytes: the whole text.
  ///   - name: what errors call it.
  /// - Throws: `malformed` with the byte's place, `tooLarge` for more than `maximumDepth` levels.
  public init(parsing bytes: UnsafeRawBufferPointer, name: String) throws(GenomeError) {
    var parser = JSONParser(bytes: bytes, name: name)
    self = try parser.document()
  }

  /// - Throws: as for lent bytes.
  public init(parsing bytes: [UInt8], name: String) throws(GenomeError) {
    let result: Result<JSONValue, GenomeError> = bytes.withUnsafeBytes { lent in
      do throws(GenomeError) { return .success(try JSONValue(parsing: lent, name: name)) } catch { return .failure(error) }
    }
    self = try result.get()
  }

  /// What a sentence calls its type.
  var typeName: String {
    switch self {
    case .null: "null"
    case .boolean: "true or false"
    case .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// Nothing that could change a result: null, false, "", [] or {}.
  public var isEmpty: Bool {
    switch self {
    case .null: true
    case .boolean(let flag): !flag
    case .number: false
    case .string(let text): text.isEmpty
    case .array(let items): items.isEmpty
    case .object(let members): members.isEmpty
    }
  }
}

extension JSONValue {
  /// The shortest text, members in their order.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let flag): text += flag ? "true" : "false"
    case .number(let spelling): text += spelling
    case .string(let value): Self.quote(value, to: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        Self.quote(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func quote(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
