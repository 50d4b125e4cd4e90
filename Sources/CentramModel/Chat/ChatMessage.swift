/// A message of a conversation, as a chat template sees it.
public struct ChatMessage: Sendable, Equatable {
  /// `system`, `user`, `assistant`, `tool`.
  public var role: String
  public var content: ChatValue
  /// Other members, as `tool_calls`.
  public var members: [(name: String, value: ChatValue)]

  public init(role: String, content: String) { self.init(role: role, content: .string(content)) }

  public init(role: String, content: ChatValue, members: [(name: String, value: ChatValue)] = []) { (self.role, self.content, self.members) = (role, content, members) }

  public static func == (first: ChatMessage, second: ChatMessage) -> Bool {
    first.role == second.role && first.content == second.content && first.members.elementsEqual(second.members) { $0.name == $1.name && $0.value == $1.value }
  }
}

/// A value for a chat template: what JSON has.
public indirect enum ChatValue: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([ChatValue])
  case object([Member])

  public struct Member: Sendable, Equatable {
    public let name: String, value: ChatValue
    public init(_ name: String, _ value: ChatValue) { (self.name, self.value) = (name, value) }
  }

  public init(stringLiteral text: String) { self = .string(text) }
  public init(booleanLiteral flag: Bool) { self = .boolean(flag) }
  public init(integerLiteral number: Int) { self = .integer(number) }

  /// Reads JSON.
  /// - Throws: `.malformed`.
  public init(json: [UInt8]) throws(ModelFileError) {
    do throws(OrderedJSON.Failure) {
      self.init(try OrderedJSON(parsing: json))
    } catch { throw ModelFileError(.malformed, "not good JSON: \(error.message) (byte \(error.position))") }
  }

  init(_ json: OrderedJSON) {
    switch json {
    case .null: self = .null
    case .boolean(let flag): self = .boolean(flag)
    // The reader makes no difference between 1 and 1.0.
    case .number(let number): self = Int(exactly: number).map { .integer($0) } ?? .number(number)
    case .string(let text): self = .string(text)
    case .array(let items): self = .array(items.map { ChatValue($0) })
    case .object(let members): self = .object(members.map { Member($0.key, ChatValue($0.value)) })
    }
  }
}
