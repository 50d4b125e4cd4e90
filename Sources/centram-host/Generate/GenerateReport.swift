internal import CentramModel
internal import CentramNode

/// What `generate --json` prints.
struct GenerateReport: Encodable {
  struct Token: Encodable {
    struct Candidate: Encodable { let token: Int32, text: String, logProbability: Float }
    let token: Int32, text: String
    let logProbability: Float?
    let top: [Candidate]?
    let responsibilities: [String: Double]?
  }
  struct Choice: Encodable {
    let index: Int, text: String, finishReason: FinishReason, stop: String?, tokens: [Token]
    let secondsToFirstToken: Double, seconds: Double, tokensPerSecond: Double?
    /// The mean weight of each expert of a mixture.
    let responsibilities: [String: Double]?
  }
  let model: String
  let promptTokens: Int, completionTokens: Int
  let choices: [Choice]

  init(model: String, answers: [Answer], experts: [String]?, tokenizer: Tokenizer) {
    self.model = model
    func named(_ weights: [Double]?) -> [String: Double]? {
      experts.flatMap { names in weights.map { Dictionary(uniqueKeysWithValues: zip(names, $0)) } }
    }
    promptTokens = answers.first?.result?.usage.promptTokens ?? 0
    completionTokens = answers.reduce(0) { $0 + ($1.result?.usage.completionTokens ?? 0) }
    choices = answers.compactMap { answer in
      guard let result = answer.result else { return nil }
      let tokens = answer.tokens.map { token in
        Token(
          token: token.token, text: tokenizer.decode([token.token]), logProbability: token.logProbability,
          top: token.logProbability == nil ? nil : token.top.map { .init(token: $0.token, text: tokenizer.decode([$0.token]), logProbability: $0.logProbability) },
          responsibilities: named(token.responsibilities))
      }
      return Choice(
        index: answer.index, text: result.text, finishReason: result.reason, stop: result.stop, tokens: tokens,
        secondsToFirstToken: result.usage.secondsToFirstToken, seconds: result.usage.seconds, tokensPerSecond: result.usage.tokensPerSecond,
        responsibilities: named(result.responsibilities))
    }
  }
}
