internal import CModelKernels

/// What is measured of next-token distributions, without a copy of the logits.
extension Engine {
  /// Entropy in nat of the token that comes after each input's last.
  /// - Throws: as `step`.
  public func entropies(_ inputs: [StepInput]) throws(ModelFileError) -> [Double] {
    var inputs = inputs
    for index in inputs.indices { inputs[index].logits = .last }
    let logits = try step(inputs)
    return inputs.indices.map { mk_entropy(logits.last(of: $0).baseAddress!, logits.vocabulary) }
  }

  /// How badly an input's tokens were foreseen, in nat together: all but the first, whose predecessor may be in the cache.
  /// - Throws: as `step`.
  public func totalLosses(_ inputs: [StepInput]) throws(ModelFileError) -> [Double] {
    var inputs = inputs
    for index in inputs.indices { inputs[index].logits = .all }
    let logits = try step(inputs)
    return inputs.indices.map { index in
      let rows = logits.rows(of: index), tokens = inputs[index].tokens
      return zip(rows.dropLast(), tokens.dropFirst()).reduce(0) { sum, next in
        let values = logits[next.0]
        return sum + Double(mk_log_sum_exp(values.baseAddress!, values.count)) - Double(values[Int(next.1)])
      }
    }
  }

  /// The scores after each token of a text, row after row.
  /// - Throws: as `step`.
  public func scores(_ tokens: [Int32], adapters: [AppliedAdapter]) throws(ModelFileError) -> [Float] {
    let logits = try step([StepInput(tokens: tokens, cache: KeyValueCache(model: model, capacity: tokens.count), adapters: adapters, logits: .all)])
    var rows: [Float] = []
    rows.reserveCapacity(logits.count * logits.vocabulary)
    for row in 0..<logits.count { rows += logits[row] }
    return rows
  }

  /// Kullback–Leibler divergence in nat, after each token of a text, from the distribution with some adapters to that with others.
  /// - Throws: as `step`.
  public func divergences(_ tokens: [Int32], from base: [AppliedAdapter], to candidate: [AppliedAdapter]) throws(ModelFileError) -> [Double] {
    try divergences(tokens, fromScores: try scores(tokens, adapters: base), to: candidate)
  }

  /// - Parameter scores: of another model or of other adapters, as `scores` gives them for the same text.
  public func divergences(_ tokens: [Int32], fromScores scores: [Float], to candidate: [AppliedAdapter]) throws(ModelFileError) -> [Double] {
    let logits = try step([StepInput(tokens: tokens, cache: KeyValueCache(model: model, capacity: tokens.count), adapters: candidate, logits: .all)])
    guard scores.count == logits.count * logits.vocabulary else {
      throw ModelFileError(.invalid, "\(scores.count) scores for \(logits.count) tokens of a vocabulary of \(logits.vocabulary)")
    }
    return scores.withUnsafeBufferPointer { scores in
      (0..<logits.count).map { mk_divergence(scores.baseAddress! + $0 * logits.vocabulary, logits[$0].baseAddress!, logits.vocabulary) }
    }
  }
}
