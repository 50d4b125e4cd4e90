public import CentramModel

/// What comes of a request, answer by answer.
public enum GenerationEvent: Sendable {
  /// A token of an answer; its text may be empty while a character or a stop string may still grow.
  case token(GeneratedToken)
  /// The end of an answer, with text that was held back.
  case finished(GenerationResult)
  /// An answer that could not go on; the others do.
  case failed(index: Int, GenerationError)
}

public struct GeneratedToken: Sendable {
  /// Which of the request's answers.
  public let index: Int
  public let token: Int32
  /// What can be shown now.
  public let text: String
  public let logProbability: Float?
  public let top: [TokenLogProbability]
  /// The weights of a mixture's experts that foretold this token.
  public let responsibilities: [Double]?
}

public enum FinishReason: String, Sendable, Codable {
  /// A stop string.
  case stop
  /// An end token, or a grammar that allows nothing more.
  case end
  /// As many tokens as asked for, or as the context holds.
  case length
  case cancelled
}

public struct GenerationResult: Sendable {
  public let index: Int
  public let reason: FinishReason
  /// Which stop string.
  public let stop: String?
  /// Text that was held back until now.
  public let rest: String
  /// The whole answer.
  public let text: String
  /// Its tokens; a last end token is not among them.
  public let tokens: [Int32]
  public let usage: GenerationUsage
  /// Means over the answer's tokens, an expert each.
  public let responsibilities: [Double]?
}

/// What an answer took. Seconds are from when the request was added.
public struct GenerationUsage: Sendable {
  public var promptTokens = 0
  /// Of those, how many an earlier request had left in its prompt cache.
  public var cachedTokens = 0
  public var completionTokens = 0
  public var secondsToFirstToken = 0.0
  public var seconds = 0.0

  /// Tokens a second after the first; nil where there are fewer than two.
  public var tokensPerSecond: Double? {
    completionTokens > 1 && seconds > secondsToFirstToken ? Double(completionTokens - 1) / (seconds - secondsToFirstToken) : nil
  }
  /// Tokens a second of the prompt that was read.
  public var promptTokensPerSecond: Double? {
    promptTokens > cachedTokens && secondsToFirstToken > 0 ? Double(promptTokens - cachedTokens) / secondsToFirstToken : nil
  }
}
