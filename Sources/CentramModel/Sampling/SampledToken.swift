/// A token with the logarithm of its probability.
public struct TokenLogProbability: Sendable, Equatable {
  public let token: Int32
  /// Natural, at most 0.
  public let logProbability: Float

  public init(token: Int32, logProbability: Float) { (self.token, self.logProbability) = (token, logProbability) }
}

/// A token that was chosen.
public struct SampledToken: Sendable, Equatable {
  public let token: Int32
  /// Of the model's own distribution, before bias, penalties, temperature and filters; nil where none were asked for.
  public let logProbability: Float?
  /// The likeliest tokens of that distribution, likeliest first.
  public let top: [TokenLogProbability]
}
