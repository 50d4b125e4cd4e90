/// Which tokens stand in a text so far, for penalties.
struct TokenHistory: Sendable {
  /// How often each stands in the output; 0 for one that stands in the prompt alone.
  private var counts: [Int32: Int] = [:]

  mutating func add(_ token: Int32, isOutput: Bool) { counts[token, default: 0] += isOutput ? 1 : 0 }

  func penalize(_ scores: inout [Float], _ parameters: SamplingParameters) {
    let (repetition, frequency, presence) = (parameters.repetitionPenalty, parameters.frequencyPenalty, parameters.presencePenalty)
    guard repetition != 1 || frequency != 0 || presence != 0 else { return }
    for (token, count) in counts where token >= 0 && Int(token) < scores.count {
      var score = scores[Int(token)]
      score = score < 0 ? score * repetition : score / repetition
      if count > 0 { score -= Float(count) * frequency + presence }
      scores[Int(token)] = score
    }
  }
}
