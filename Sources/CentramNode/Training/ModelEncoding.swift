internal import CentramModel

/// A model's own tokenizer and chat template, for training data.
struct ModelEncoding: TrainingEncoding {
  let tokenizer: Tokenizer
  let hasChatTemplate = false
  var prefix: [Int32] { tokenizer.prefix }
  let endToken: Int32?

  init(_ tokenizer: Tokenizer, configuration: ModelConfiguration) {
    self.tokenizer = tokenizer
    endToken = tokenizer.endTokens.first ?? configuration.endTokens.first
  }

  func encode(_ text: String) throws(TrainingJobError) -> [Int32] { tokenizer.encode(text, parsingSpecial: false, addingSpecial: false) }

  func encode(chat: [TrainingRecord.Message], opensAnswer: Bool) throws(TrainingJobError) -> [Int32] {
    throw TrainingJobError(.data, "the model has no chat template, so messages cannot be put into its words")
  }
}
