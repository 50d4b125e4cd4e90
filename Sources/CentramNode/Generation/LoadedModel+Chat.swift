public import CentramModel
internal import Foundation

extension LoadedModel {
  /// The tokens of a conversation in a chat template, up to where the next answer begins. Special tokens are found only in what the template
  /// itself writes.
  /// - Parameter template: instead of the model's own.
  /// - Throws: `.unsupported` where the model has no template, or one that does not take the conversation.
  public func prompt(_ messages: [ChatMessage], template: ChatTemplate? = nil) throws(ModelFileError) -> [Int32] {
    let template = if let template { template } else { try ownTemplate() }
    var variables: [String: ChatValue] = [:]
    // As transformers has it, what a tokenizer lacks is not there.
    if let token = tokenizer.beginToken, let text = tokenizer.text(of: token) { variables["bos_token"] = .string(text) }
    if let token = tokenizer.endTokens.first, let text = tokenizer.text(of: token) { variables["eos_token"] = .string(text) }
    let pieces = try template.renderPieces(messages: messages, addGenerationPrompt: true, variables: variables)
    return tokenizer.encode(pieces)
  }

  private func ownTemplate() throws(ModelFileError) -> ChatTemplate {
    if let known = template { return known }
    guard let source = files.chatTemplate else {
      throw ModelFileError(
        .unsupported,
        "\(files.path): the model has no chat template; give one by --chat-template, a file or one of \(ChatTemplatePreset.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let made = try ChatTemplate(source: source)
    template = made
    return made
  }

  /// A template that a user names: one of the presets, or a file that holds Jinja.
  public static func template(_ name: String) throws(ModelFileError) -> ChatTemplate {
    if let preset = ChatTemplatePreset(rawValue: name) { return try ChatTemplate(preset: preset) }
    guard let data = FileManager.default.contents(atPath: name), let source = String(validating: data, as: UTF8.self) else {
      throw ModelFileError(
        .unreadable, "\(name): neither a file of text nor one of \(ChatTemplatePreset.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return try ChatTemplate(source: source)
  }
}
