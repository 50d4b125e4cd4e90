extension ModelConfiguration {
  /// Positions that an engine counts to: far above any model in use, and small enough for exact rotary angles.
  public static let maximumContext = 1 << 20
  static let maximumLayers = 1024
  /// Of any width of a matrix, the vocabulary's included.
  static let maximumWidth = 1 << 24

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
    func within(_ name: String, _ value: Int, _ limit: Int) throws(ModelFileError) {
      guard value >= 1 else { throw ModelFileError(.malformed, "\(path): the configuration's \(name) is \(value); at least 1 is needed") }
      guard value <= limit else { throw ModelFileError(.unsupported, "\(path): the configuration's \(name) is \(value); \(limit) is the limit") }
    }
    try within("number of layers", layers, Self.maximumLayers)
    try within("hidden size", hidden, Self.maximumWidth)
    try within("intermediate size", intermediate, Self.maximumWidth)
    try within("number of heads", heads, 1 << 14)
    try within("number of key-value heads", keyValueHeads, 1 << 14)
    try within("head size", headSize, 1 << 14)
    try within("width of all heads", heads * headSize, Self.maximumWidth)
    try within("vocabulary", vocabulary, Self.maximumWidth)
    try within("context length", contextLength, .max)
    guard heads % keyValueHeads == 0 else {
      throw ModelFileError(.malformed, "\(path): \(heads) heads cannot share \(keyValueHeads) key-value heads evenly")
    }
    guard normEpsilon.isFinite, normEpsilon >= 0 else {
      throw ModelFileError(.malformed, "\(path): the norms' epsilon is \(normEpsilon), not a small positive number")
    }
    switch family.positions {
    case .learned: break
    case .rotary:
      guard let rope else { throw ModelFileError(.malformed, "\(path): the configuration of a \(family.name) model says nothing of rotary positions") }
      guard headSize % 2 == 0 else { throw ModelFileError(.malformed, "\(path): a head size of \(headSize) is odd; rotary positions turn pairs") }
      if let fault = rope.fault { throw ModelFileError(.malformed, "\(path): rotary positions: \(fault)") }
    }
  }
}

extension RotaryEmbedding {
  /// What is wrong with the numbers; nil where nothing is.
  var fault: String? {
    guard theta.isFinite, theta >= 1 else { return "theta is \(theta); a finite number from 1 on is needed" }
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
