extension ModelConfiguration {
  /// Positions that an engine counts to: far above any model in use, and small enough for exact rotary angles.
  public static let maximumContext = 1 << 20

  /// Floats of all heads' queries; keys and values of one position have `keyValueWidth` each.
  public var queryWidth: Int { heads * headSize }
  public var keyValueWidth: Int { keyValueHeads * headSize }
  /// Positions that a session can have.
  public var usableContext: Int { min(contextLength, Self.maximumContext) }

  /// Outputs and inputs of a matrix of a block.
  public func shape(_ linear: ModelFamily.Linear) -> (outputs: Int, inputs: Int) {
    switch linear {
    case .queryKeyValue: (queryWidth + 2 * keyValueWidth, hidden)
    case .query: (queryWidth, hidden)
    case .key, .value: (keyValueWidth, hidden)
    case .output: (hidden, queryWidth)
    case .gate, .up: (intermediate, hidden)
    case .down: (hidden, intermediate)
    }
  }

  /// Refuses what cannot be run, before anything is allocated by it.
  /// - Parameter path: of the model, for messages.
  /// - Throws: `.malformed` where numbers do not fit together, `.unsupported` beyond a limit.
  public func check(path: String) throws(ModelFileError) {
    func within(_ name: String, _ value: Int, _ limits: ClosedRange<Int>) throws(ModelFileError) {
      guard value >= limits.lowerBound else { throw ModelFileError(.malformed, "\(path): the configuration's \(name) is \(value); at least \(limits.lowerBound) is needed") }
      guard value <= limits.upperBound else { throw ModelFileError(.unsupported, "\(path): the configuration's \(name) is \(value); \(limits.upperBound) is the limit") }
    }
    try within("number of layers", layers, ModelLimits.layers)
    try within("hidden size", hidden, ModelLimits.hidden)
    try within("intermediate size", intermediate, ModelLimits.intermediate)
    try within("number of heads", heads, ModelLimits.heads)
    try within("number of key-value heads", keyValueHeads, ModelLimits.heads)
    try within("head size", headSize, ModelLimits.headSize)
    try within("vocabulary", vocabulary, ModelLimits.vocabulary)
    try within("context length", contextLength, 1...Int.max)
    try check(path)
    guard normEpsilon.isFinite, normEpsilon >= 0 else {
      throw ModelFileError(.malformed, "\(path): the norms' epsilon is \(normEpsilon), not a small positive number")
    }
    switch family.positions {
    case .learned: break
    case .rotary:
      guard let rope else { throw ModelFileError(.malformed, "\(path): the configuration of a \(family.name) model says nothing of rotary positions") }
      if let fault = rope.fault { throw ModelFileError(.malformed, "\(path): rotary positions: \(fault)") }
    }
  }
}

extension RotaryEmbedding {
  /// What is wrong with the numbers; nil where nothing is.
  var fault: String? {
    guard ModelLimits.theta.contains(theta) else { return "theta is \(theta), not between \(ModelLimits.theta.lowerBound) and \(ModelLimits.theta.upperBound)" }
    switch scaling {
    case .none: return nil
    case .linear(let factor): return factor.isFinite && factor >= 1 ? nil : "the factor is \(factor); a finite number from 1 on is needed"
    case .llama3(let factor, let low, let high, let context):
      guard factor.isFinite, factor >= 1 else { return "the factor is \(factor); a finite number from 1 on is needed" }
      guard low.isFinite, high.isFinite, low > 0, high > low else { return "low_freq_factor \(low) is not between 0 and high_freq_factor \(high)" }
      return context.isFinite && context >= 1 ? nil : "the original context is \(context); at least 1 is needed"
    }
  }
}
