internal import CModelKernels
internal import CentramNumerics

/// Chooses the next token of one text. The choice is a function of parameters, scores, tokens so far and position: the same alone and in a
/// batch, on every processor.
public struct Sampler: Sendable {
  public let parameters: SamplingParameters
  private let random: ElementRandom
  private var history = TokenHistory()
  private var scores: [Float] = []
  private var weights: [Float] = []

  public init(_ parameters: SamplingParameters) throws(GenerationError) {
    try parameters.validate()
    self.parameters = parameters
    random = ElementRandom(seed: parameters.seed, name: "sampling.token", stream: parameters.sample)
  }

  /// Tokens before the output: they count for the repetition penalty.
  public mutating func observe(prompt: some Sequence<Int32>) { for token in prompt { history.add(token, isOutput: false) } }

  /// A token of the output; what `sample` returned is accepted already.
  public mutating func accept(_ token: Int32) { history.add(token, isOutput: true) }

  /// Draws a token and accepts it.
  /// - Parameters:
  ///   - logits: the model's scores, one for each token.
  ///   - position: tokens that stand before this one; no two draws of a text share one.
  ///   - allowed: the only tokens to choose from.
  public mutating func sample(_ logits: UnsafeBufferPointer<Float>, position: Int, allowed: TokenMask? = nil) throws(GenerationError) -> SampledToken {
    let token = try choose(logits, position: position, allowed: allowed)
    history.add(token, isOutput: true)
    guard let count = parameters.topLogProbabilities else { return SampledToken(token: token, logProbability: nil, top: []) }
    let normalizer = mk_log_sum_exp(logits.baseAddress!, logits.count)
    // Rounding must not make a probability exceed 1.
    func logProbability(_ token: Int32) -> Float { min(0, logits[Int(token)] - normalizer) }
    let top = Self.largest(min(count, logits.count), of: logits).map { TokenLogProbability(token: $0, logProbability: logProbability($0)) }
    return SampledToken(token: token, logProbability: logProbability(token), top: top)
  }

  /// The tokens that filters keep, in order of their ids, with the probabilities that `sample` draws them with. At temperature 0 one token.
  public mutating func distribution(_ logits: UnsafeBufferPointer<Float>, allowed: TokenMask? = nil) throws(GenerationError) -> [(token: Int32, probability: Double)] {
    let range = try prepare(logits, allowed: allowed)
    if parameters.temperature == 0 { return [(Self.largest(1, of: scores)[0], 1)] }
    let kept = filter(range)
    return scores.withUnsafeBufferPointer { scores in
      weights.withUnsafeBufferPointer { weights in
        let total = Double(mk_kept_mass(scores.baseAddress, weights.baseAddress, scores.count, kept))
        return scores.indices.compactMap { index in
          let mass = mk_kept_mass(scores.baseAddress! + index, weights.baseAddress! + index, 1, kept.moved(by: index))
          return mass == 0 ? nil : (Int32(index), Double(mass) / total)
        }
      }
    }
  }

  private mutating func choose(_ logits: UnsafeBufferPointer<Float>, position: Int, allowed: TokenMask?) throws(GenerationError) -> Int32 {
    let range = try prepare(logits, allowed: allowed)
    if parameters.temperature == 0 { return Self.largest(1, of: scores)[0] }
    let kept = filter(range)
    var words: (UInt32, UInt32) = (0, 0)
    withUnsafeMutableBytes(of: &words) { random.fill($0.baseAddress!.assumingMemoryBound(to: UInt32.self), index: 2 * position, count: 2) }
    let draw = UInt64(words.0) << 32 | UInt64(words.1)
    return scores.withUnsafeBufferPointer { scores in
      weights.withUnsafeBufferPointer { weights in
        let total = mk_kept_mass(scores.baseAddress, weights.baseAddress, scores.count, kept)
        return Int32(mk_pick(scores.baseAddress, weights.baseAddress, scores.count, kept, total.multipliedFullWidth(by: draw).high))
      }
    }
  }

  /// Leaves scores after mask, bias and penalties in `scores`; returns their finite range.
  private mutating func prepare(_ logits: UnsafeBufferPointer<Float>, allowed: TokenMask?) throws(GenerationError) -> ClosedRange<Float> {
    precondition(!logits.isEmpty, "a vocabulary has at least one token")
    scores.removeAll(keepingCapacity: true)
    scores.append(contentsOf: logits)
    for (token, bias) in parameters.logitBias where token >= 0 && Int(token) < scores.count { scores[Int(token)] += bias }
    history.penalize(&scores, parameters)
    if let allowed {
      precondition(allowed.count == logits.count, "a mask of \(allowed.count) tokens for a vocabulary of \(logits.count)")
      scores.withUnsafeMutableBufferPointer { scores in
        allowed.words.withUnsafeBufferPointer { mk_keep_allowed(scores.baseAddress, $0.baseAddress, scores.count) }
      }
    }
    var least: Float = 0, greatest: Float = 0
    guard mk_score_range(scores, scores.count, &least, &greatest) != 0 else {
      if allowed?.isEmpty == true { throw GenerationError(.deadEnd, "no token of the vocabulary may follow") }
      guard logits.allSatisfy({ $0 < .infinity }) else {
        throw GenerationError(.numerics, "the model's output holds NaN or infinity: its weights or an adapter's are damaged")
      }
      throw GenerationError(.deadEnd, "no token may follow: biases or the grammar forbid all that the model allows")
    }
    return least...greatest
  }

  private mutating func filter(_ range: ClosedRange<Float>) -> mk_kept {
    let greatest = range.upperBound
    scores.withUnsafeMutableBufferPointer { mk_shift_scale($0.baseAddress, greatest, parameters.temperature, $0.baseAddress, $0.count) }
    if weights.count != scores.count { weights = [Float](repeating: 0, count: scores.count) }
    mk_exp(scores, &weights, scores.count)
    return ScoreFilter(scores: scores, weights: weights, least: (range.lowerBound - greatest) / parameters.temperature).kept(parameters)
  }

  private static func largest(_ count: Int, of scores: [Float]) -> [Int32] { scores.withUnsafeBufferPointer { largest(count, of: $0) } }

  private static func largest(_ count: Int, of scores: UnsafeBufferPointer<Float>) -> [Int32] {
    guard count > 0 else { return [] }
    let places = [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
      mk_largest(scores.baseAddress, scores.count, count, buffer.baseAddress)
      filled = count
    }
    return places.map { Int32($0) }
  }
}

extension mk_kept {
  /// For a row that starts at `index`.
  fileprivate func moved(by index: Int) -> mk_kept {
    // A place before the row's start keeps none of those that equal the cut.
    Int(place) >= index ? mk_kept(cut: cut, place: place - UInt32(index), least: least) : mk_kept(cut: cut.nextUp, place: .max, least: least)
  }
}
