import CentramModel
import Foundation
import Testing

/// Everything as transformers' `apply_chat_template` has it; `make_chat.py` made the values.
@Suite struct ChatGoldenTests {
  /// A template by file or as text, its variables, and the text that it makes; nil where it raises.
  struct Case {
    let name: String, source: String, text: String?
    let variables: [ChatValue.Member]
  }

  static func cases() throws -> [Case] {
    let json = try ChatValue(json: try Fixtures.bytes("chat/golden.json"))
    guard case .array(let items)? = json["cases"], case .object(let shared)? = json["variables"] else { return [] }
    return try items.map { item in
      let file = item["file"]?.string
      let source = try file.map { String(decoding: try Fixtures.bytes("chat/\($0)"), as: UTF8.self) } ?? item["template"]?.string ?? ""
      var variables = shared
      if case .object(let own)? = item["variables"] { variables = own }
      return Case(name: file ?? source, source: source, text: item["text"]?.string, variables: variables)
    }
  }

  static func render(_ one: Case) throws -> [TextPiece] {
    var messages: [ChatMessage] = [], tools: [ChatValue]?, prompt = false, variables: [String: ChatValue] = [:]
    for member in one.variables {
      switch (member.name, member.value) {
      case ("messages", .array(let list)): messages = list.map { ChatMessage($0) }
      case ("tools", .array(let list)): tools = list
      case ("tools", _): break
      case ("add_generation_prompt", .boolean(let flag)): prompt = flag
      default: variables[member.name] = member.value
      }
    }
    return try ChatTemplate(source: one.source).renderPieces(messages: messages, addGenerationPrompt: prompt, variables: variables, tools: tools)
  }

  @Test func textsAreTransformers() throws {
    let cases = try Self.cases()
    #expect(cases.count > 150)
    for one in cases {
      do {
        let text = try Self.render(one).map(\.text).joined()
        #expect(one.text != nil, "\(one.name) raises there, and makes here: \(text)")
        guard let wanted = one.text else { continue }
        #expect(Array(text.unicodeScalars) == Array(wanted.unicodeScalars), "\(one.name)\nmakes: \(text)\n there: \(wanted)")
      } catch let error as ModelFileError { #expect(one.text == nil, "\(one.name): \(error)") }
    }
  }
}

extension ChatValue {
  subscript(name: String) -> ChatValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}

extension ChatMessage {
  init(_ value: ChatValue) {
    guard case .object(let members) = value else { fatalError("a message is an object") }
    self.init(
      role: value["role"]?.string ?? "", content: value["content"] ?? .null,
      members: members.filter { $0.name != "role" && $0.name != "content" }.map { ($0.name, $0.value) })
  }
}
