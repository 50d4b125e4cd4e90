/// How text becomes tokens: a tokenizer, and a chat template where the model has one.
public protocol TrainingEncoding: Sendable {
  /// The tokens of a text, in which nothing stands for a special token.
  func encode(_ text: String) throws(TrainingJobError) -> [Int32]
  /// What the model expects before a text, as `<|begin_of_text|>`; mostly nothing.
  var prefix: [Int32] { get }
  /// What ends a text; nil where the model has no such token.
  var endToken: Int32? { get }
  /// The tokens of a chat in the words of the model's template.
  /// - Parameter opensAnswer: whether the beginning of an answer stands at the end.
  func encode(chat: [TrainingRecord.Message], opensAnswer: Bool) throws(TrainingJobError) -> [Int32]
  var hasChatTemplate: Bool { get }
}

extension TrainingRecord {
  /// The tokens of a record, and how many of the first belong to the prompt.
  func encoded(_ encoding: some TrainingEncoding) throws(TrainingJobError) -> (tokens: [Int32], prompt: Int) {
    let end = encoding.endToken.map { [$0] } ?? []
    switch self {
    case .text(let text): return (encoding.prefix + (try encoding.encode(text)) + end, 0)
    case .completion(let prompt, let completion):
      if encoding.hasChatTemplate {
        return try Self.chat([.init(role: "user", content: prompt), .init(role: "assistant", content: completion)], encoding)
      }
      let first = encoding.prefix + (try encoding.encode(prompt))
      return (first + (try encoding.encode(completion)) + end, first.count)
    case .chat(let messages):
      guard encoding.hasChatTemplate else {
        throw TrainingJobError(.data, "the model has no chat template, so messages cannot be put into its words; use prompt and completion, or text")
      }
      return try Self.chat(messages, encoding)
    }
  }

  /// The prompt is all but the last answer, with the beginning of an answer, as in mlx-lm.
  private static func chat(_ messages: [Message], _ encoding: some TrainingEncoding) throws(TrainingJobError) -> (tokens: [Int32], prompt: Int) {
    let tokens = try encoding.encode(chat: messages, opensAnswer: false)
    let prompt = messages.count > 1 ? try encoding.encode(chat: Array(messages.dropLast()), opensAnswer: true) : []
    // A template may write the last answer in another way than it opens one: what both have in common is the prompt.
    return (tokens, zip(tokens, prompt).prefix { $0 == $1 }.count)
  }
}
