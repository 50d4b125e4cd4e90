internal import CentramModel

/// A model's own tokenizer and chat template, for training data.
struct ModelEncoding: TrainingEncoding {
  let tokenizer: Tokenizer
  let endToken: Int32?
  /// Nil where the model has none. One that cannot be read is an error only where it is needed.
  private let template: Result<ChatTemplate, ModelFileError>?

  init(_ tokenizer: Tokenizer, configuration: ModelConfiguration, template source: String? = nil) {
    self.tokenizer = tokenizer
    endToken = tokenizer.endTokens.first ?? configuration.endTokens.first
    template = source.map { source in Result { () throws(ModelFileError) in try ChatTemplate(source: source) } }
  }

  var prefix: [Int32] { tokenizer.prefix }
  var hasChatTemplate: Bool { template != nil }

  func encode(_ text: String) throws(TrainingJobError) -> [Int32] { tokenizer.encode(text, parsingSpecial: false, addingSpecial: false) }

  func encode(chat: [TrainingRecord.Message], opensAnswer: Bool) throws(TrainingJobError) -> [Int32] {
    guard let template else { throw TrainingJobError(.data, "the model has no chat template, so messages cannot be put into its words") }
    var variables: [String: ChatValue] = [:]
    for (name, id) in [("bos_token", tokenizer.beginToken), ("eos_token", endToken), ("pad_token", tokenizer.paddingToken), ("unk_token", tokenizer.unknownToken)] {
      if let text = id.flatMap({ tokenizer.text(of: $0) }) { variables[name] = .string(text) }
    }
    do throws(ModelFileError) {
      let pieces = try template.get().renderPieces(
        messages: chat.map { ChatMessage(role: $0.role, content: $0.content) }, addGenerationPrompt: opensAnswer, variables: variables)
      return tokenizer.encode(pieces, addingSpecial: false)
    } catch { throw TrainingJobError(.data, error.message) }
  }
}
