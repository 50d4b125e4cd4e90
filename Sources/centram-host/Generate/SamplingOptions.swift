internal import ArgumentParser
internal import CentramModel

/// How tokens are chosen.
struct SamplingOptions: ParsableArguments {
  @Option(help: "What scores are divided by; 0 takes the likeliest token.") var temperature: Float?
  @Option(help: "Keep the k likeliest tokens; 0 keeps all.") var topK: Int?
  @Option(help: "Keep the likeliest tokens up to this probability; 1 keeps all.") var topP: Float?
  @Option(help: "Keep tokens at least this share as likely as the likeliest; 0 keeps all.") var minP: Float?
  @Option(help: "Make tokens that stand in prompt or answer less likely; 1 changes nothing.") var repetitionPenalty: Float?
  @Option(help: "Subtract this from a token's score for each time that it stands in the answer.") var frequencyPenalty: Float = 0
  @Option(help: "Subtract this from the score of each token that stands in the answer.") var presencePenalty: Float = 0
  @Option(help: "The same seed gives the same text, alone or beside others.") var seed: UInt64 = 0

  /// - Parameter defaults: where no option says otherwise.
  func parameters(_ defaults: SamplingParameters) -> SamplingParameters {
    var result = defaults
    if let temperature { result.temperature = temperature }
    if let topK { result.topK = topK }
    if let topP { result.topP = topP }
    if let minP { result.minP = minP }
    if let repetitionPenalty { result.repetitionPenalty = repetitionPenalty }
    (result.frequencyPenalty, result.presencePenalty, result.seed) = (frequencyPenalty, presencePenalty, seed)
    return result
  }
}
