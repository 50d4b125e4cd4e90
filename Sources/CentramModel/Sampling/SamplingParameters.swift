/// How a token is chosen from the model's scores. Applied in this order, as Hugging Face's `generate` does: bias, penalties, temperature,
/// top-k, top-p, min-p.
public struct SamplingParameters: Sendable, Equatable {
  /// What scores are divided by; 0 takes the likeliest token.
  public var temperature: Float = 0
  /// Keeps the k likeliest tokens, of equal ones those with lower ids; 0 keeps all.
  public var topK = 0
  /// Keeps the likeliest tokens until their probabilities reach this; 1 keeps all. Holtzman et al., https://arxiv.org/abs/1904.09751
  public var topP: Float = 1
  /// Keeps tokens at least this share as likely as the likeliest; 0 keeps all. https://arxiv.org/abs/2407.01082
  public var minP: Float = 0
  /// Divides positive and multiplies negative scores of tokens that stand in prompt or output; 1 changes nothing. Keskar et al.,
  /// https://arxiv.org/abs/1909.05858
  public var repetitionPenalty: Float = 1
  /// Subtracted from a token's score once for each time that it stands in the output.
  public var frequencyPenalty: Float = 0
  /// Subtracted from the score of each token that stands in the output.
  public var presencePenalty: Float = 0
  /// Added to scores; −∞ forbids a token.
  public var logitBias: [Int32: Float] = [:]
  /// With `sample` and the position it decides the draw, whatever else runs beside it.
  public var seed: UInt64 = 0
  /// Which of several answers to one prompt.
  public var sample = 0
  /// How many of the likeliest tokens to report with their log-probabilities, up to `mostTopLogProbabilities`; nil reports none, not even the
  /// chosen token's.
  public var topLogProbabilities: Int?

  public static let mostTopLogProbabilities = 100

  public init() {}

  func validate() throws(GenerationError) {
    func require(_ isValid: Bool, _ name: String, _ value: Any, _ limit: String) throws(GenerationError) {
      if !isValid { throw GenerationError(.parameter, "\(name) \(value): \(limit)") }
    }
    try require(temperature >= 0 && temperature.isFinite, "temperature", temperature, "at least 0, and finite")
    try require(topK >= 0, "top-k", topK, "at least 0")
    try require(topP > 0 && topP <= 1, "top-p", topP, "above 0 and at most 1")
    try require(minP >= 0 && minP <= 1, "min-p", minP, "from 0 to 1")
    try require(repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetition penalty", repetitionPenalty, "above 0, and finite")
    try require(abs(frequencyPenalty) <= 1000, "frequency penalty", frequencyPenalty, "from -1000 to 1000")
    try require(abs(presencePenalty) <= 1000, "presence penalty", presencePenalty, "from -1000 to 1000")
    try require(sample >= 0, "sample", sample, "at least 0")
    for (token, bias) in logitBias { try require(bias < .infinity, "bias of token \(token)", bias, "a number, or -infinity to forbid it") }
    if let topLogProbabilities {
      try require(
        (0...Self.mostTopLogProbabilities).contains(topLogProbabilities), "log-probabilities", topLogProbabilities, "from 0 to \(Self.mostTopLogProbabilities)")
    }
  }
}
