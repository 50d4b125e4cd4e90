/// Turns a conversation into the text that a model was trained on. Templates are Jinja, as transformers' `apply_chat_template` takes them; the part
/// of it that chat templates use is understood, and anything else is refused by name.
///
/// The text says of each character whether it comes from the template or from a message, and `Tokenizer.encode(_:addingSpecial:)` finds special tokens
/// only in what comes from the template: a user who writes `<|im_end|>` ends nothing. Texts keep their origin through slices, replacements, changes
/// of case and so on. What this cannot hold: a template that decides by what a message says (`if '</think>' in content`) can be led by it, and a
/// template that prints a literal because a message asks for it prints it as its own. A role counts as the template's where it is
/// letters, digits, `_` and `-`, since templates make `<|user|>` of it; so roles are not for users to choose.
public struct ChatTemplate: Sendable {
  private let body: [JinjaStatement]
  public let source: String
  static let maximumLength = 1 << 20
  var limits = JinjaInterpreter.Limits()

  /// - Parameter source: Jinja.
  /// - Throws: `.malformed` against Jinja's rules, `.unsupported` for what is not understood.
  public init(source: String) throws(ModelFileError) {
    self.source = source
    guard source.utf8.count <= Self.maximumLength else {
      throw ModelFileError(.unsupported, "the chat template has \(source.utf8.count) bytes; \(Self.maximumLength) is the limit. \(Self.wayOut)")
    }
    do throws(JinjaFailure) {
      body = try JinjaParser.parse(source)
    } catch { throw Self.error(error) }
  }

  /// The template of a format that models share.
  public init(preset: ChatTemplatePreset) throws(ModelFileError) { try self.init(source: preset.source) }

  private static let wayOut = "Give a template of your own by --chat-template FILE"

  private static func error(_ failure: JinjaFailure) -> ModelFileError {
    let place = failure.line > 0 ? ", line \(failure.line)" : ""
    switch failure.kind {
    case .wrong: return ModelFileError(.malformed, "the chat template\(place): \(failure.message). \(wayOut)")
    case .unsupported: return ModelFileError(.unsupported, "the chat template\(place): \(failure.message). \(wayOut)")
    case .raised: return ModelFileError(.unsupported, "the chat template does not take this conversation: \(failure.message)")
    }
  }

  /// The conversation as text.
  /// - Parameters:
  ///   - addGenerationPrompt: whether it ends with the beginning of an answer.
  ///   - variables: the template's own words, as `bos_token` and `eos_token`; special tokens in them count.
  ///   - tools: descriptions of functions; nil where there are none.
  /// - Throws: `.unsupported` where the template refuses the conversation or goes beyond a limit.
  public func render(
    messages: [ChatMessage], addGenerationPrompt: Bool, variables: [String: ChatValue] = [:], tools: [ChatValue]? = nil
  ) throws(ModelFileError) -> String {
    try renderPieces(messages: messages, addGenerationPrompt: addGenerationPrompt, variables: variables, tools: tools).map(\.text).joined()
  }

  /// The same in pieces, of which the template's are trusted and the messages' are not.
  public func renderPieces(
    messages: [ChatMessage], addGenerationPrompt: Bool, variables: [String: ChatValue] = [:], tools: [ChatValue]? = nil
  ) throws(ModelFileError) -> [TextPiece] {
    var values: [String: JinjaValue] = [:]
    for (name, value) in variables { values[name] = try Self.value(value, trusted: true) }
    var list: [JinjaValue] = []
    for message in messages { list.append(try Self.value(message)) }
    values["messages"] = .items(list)
    values["add_generation_prompt"] = .boolean(addGenerationPrompt)
    values["tools"] = try tools.map { (tools) throws(ModelFileError) in try Self.value(.array(tools), trusted: false) } ?? JinjaValue.none
    if values["documents"] == nil { values["documents"] = JinjaValue.none }
    do throws(JinjaFailure) {
      return try JinjaInterpreter.render(body, values, limits).pieces
    } catch { throw Self.error(error) }
  }

  private static func value(_ message: ChatMessage) throws(ModelFileError) -> JinjaValue {
    var object = JinjaObject()
    let isPlain = message.role.utf8.count <= 64 && message.role.utf8.allSatisfy { $0 == 0x5f || $0 == 0x2d || (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) }
    object.set(JinjaText("role"), .text(JinjaText(message.role, trusted: isPlain)))
    object.set(JinjaText("content"), try value(message.content, trusted: false))
    for (name, value) in message.members { object.set(JinjaText(name, trusted: false), try Self.value(value, trusted: false)) }
    return .object(object)
  }

  private static func value(_ value: ChatValue, trusted: Bool, depth: Int = 1) throws(ModelFileError) -> JinjaValue {
    guard depth < JinjaValue.maximumNesting - 8 else { throw ModelFileError(.malformed, "a message has more than \(JinjaValue.maximumNesting - 8) levels of lists and objects") }
    switch value {
    case .null: return .none
    case .boolean(let flag): return .boolean(flag)
    case .integer(let number): return .integer(number)
    case .number(let number): return .float(number)
    case .string(let text): return .text(JinjaText(text, trusted: trusted))
    case .array(let items):
      var list: [JinjaValue] = []
      for item in items { list.append(try Self.value(item, trusted: trusted, depth: depth + 1)) }
      return .items(list)
    case .object(let members):
      var object = JinjaObject()
      for member in members { object.set(JinjaText(member.name, trusted: trusted), try Self.value(member.value, trusted: trusted, depth: depth + 1)) }
      return .object(object)
    }
  }
}
