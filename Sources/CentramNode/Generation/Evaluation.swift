public import CentramModel

/// How well models foretell texts: mean losses of tokens, in fixed windows.
///
/// A text is cut into windows of `window` tokens, one after the other; a last, shorter one counts if it has two tokens. What the tokenizer's
/// rule puts before a text stands before each window, and counts as part of it. In a window every token after the first `skip` is scored
/// by what comes before it in that window. Hugging Face's rule without overlap is `skip` 1; llama.cpp's `perplexity` scores the second half,
/// which is `skip` window / 2 + 1, and leaves out the shorter last window.
public struct Evaluation {
  public struct Voice {
    public var name: String
    public var adapters: [AppliedAdapter]
    public init(name: String, adapters: [AppliedAdapter]) { (self.name, self.adapters) = (name, adapters) }
  }
  public struct Mixture {
    /// Places in the list of voices.
    public var experts: [Int]
    public var priors: [Double]?
    public var keptExperts: Int?
    public var pruningBytes = 16
    public init(experts: [Int], priors: [Double]? = nil, keptExperts: Int? = nil) {
      (self.experts, self.priors, self.keptExperts) = (experts, priors, keptExperts)
    }
  }
  public struct Text {
    public var name: String
    public var text: String
    public init(name: String, text: String) { (self.name, self.text) = (name, text) }
  }
  /// Sums over scored tokens.
  public struct Score: Sendable, Encodable, Equatable {
    public internal(set) var name: String
    public internal(set) var tokens = 0
    public internal(set) var bytes = 0
    public internal(set) var nats = 0.0
    /// Of a mixture: the mean weight of each expert.
    public internal(set) var responsibilities: [String: Double]?

    public var natsPerToken: Double { tokens == 0 ? 0 : nats / Double(tokens) }
    /// Of the bytes that the scored tokens stand for.
    public var natsPerByte: Double { bytes == 0 ? 0 : nats / Double(bytes) }
    /// Of tokens; infinite where a token was held impossible.
    public var perplexity: Double { MixtureState.exponential(natsPerToken) }

    private enum Keys: String, CodingKey { case name, tokens, bytes, nats, natsPerToken, natsPerByte, perplexity, responsibilities }
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(name, forKey: .name)
      try container.encode(tokens, forKey: .tokens)
      try container.encode(bytes, forKey: .bytes)
      // JSON has no infinity.
      for (key, value) in [(Keys.nats, nats), (.natsPerToken, natsPerToken), (.natsPerByte, natsPerByte), (.perplexity, perplexity)] where value.isFinite {
        try container.encode(value, forKey: key)
      }
      try container.encodeIfPresent(responsibilities, forKey: .responsibilities)
    }
  }

  public let engine: Engine
  public let tokenizer: Tokenizer
  public let voices: [Voice]
  public let mixture: Mixture?
  public let window: Int
  public let skip: Int
  /// A voice each, and the mixture's last.
  public private(set) var scores: [Score]
  private var responsibilities: [Double]

  /// - Throws: `.parameter` for windows that the model has no room for, or in which no token is scored.
  public init(engine: Engine, tokenizer: Tokenizer, voices: [Voice], mixture: Mixture? = nil, window: Int = 512, skip: Int = 1) throws(GenerationError) {
    let context = engine.model.configuration.usableContext
    guard window > tokenizer.prefix.count + 1, window <= context else {
      throw GenerationError(.parameter, "windows of \(window) tokens: from \(tokenizer.prefix.count + 2) to the model's context, \(context)")
    }
    guard skip >= 1, skip < window else { throw GenerationError(.parameter, "\(skip) tokens of a window not scored: from 1 to \(window - 1)") }
    (self.engine, self.tokenizer, self.voices, self.mixture, self.window, self.skip) = (engine, tokenizer, voices, mixture, window, skip)
    scores = voices.map { Score(name: $0.name) } + (mixture == nil ? [] : [Score(name: "mixture")])
    responsibilities = [Double](repeating: 0, count: mixture?.experts.count ?? 0)
    if let mixture { _ = try MixtureState(experts: mixture.experts.count, priors: mixture.priors) }
  }

  /// The windows of a text.
  public func windows(_ text: String) -> [[Int32]] {
    let tokens = tokenizer.encode(text), prefix = tokenizer.prefix, length = window - prefix.count
    return stride(from: 0, to: tokens.count, by: length).map { prefix + tokens[$0..<min($0 + length, tokens.count)] }.filter { $0.count > max(1, skip) }
  }

  /// Adds a text. A mixture's weights go on from window to window, and begin anew with each text.
  /// - Parameters:
  ///   - progress: called with the tokens of each window that is done.
  ///   - isCancelled: asked before each window; the text is not added then.
  /// - Returns: false where it was cancelled.
  public mutating func add(_ windows: [[Int32]], progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws -> Bool {
    var state = try mixture.map { try MixtureState(experts: $0.experts.count, priors: $0.priors) }
    var fresh = scores, seen = 0
    for window in windows {
      if isCancelled() { return false }
      let cache = try KeyValueCache(model: engine.model, capacity: window.count)
      let losses = try voices.map { voice in
        cache.truncate(to: 0)
        return try engine.losses(window, cache: cache, adapters: voice.adapters)
      }
      for place in skip..<window.count {
        let bytes = tokenizer.bytes(of: window[place]).count
        for voice in voices.indices { fresh[voice].add(losses[voice][place - 1], bytes) }
        guard let mixture else { continue }
        let logProbability = state!.observe(mixture.experts.map { -losses[$0][place - 1] })
        fresh[fresh.count - 1].add(-logProbability, bytes)
        seen += bytes
        if let kept = mixture.keptExperts, seen >= mixture.pruningBytes, state!.active.count > kept { state!.keepBest(kept) }
      }
      progress(window.count)
    }
    if let state {
      for index in responsibilities.indices { responsibilities[index] += state.weightSums[index] }
      let last = fresh.count - 1, tokens = Double(max(1, fresh[last].tokens))
      fresh[last].responsibilities = Dictionary(uniqueKeysWithValues: zip(mixture!.experts, responsibilities).map { (voices[$0].name, $1 / tokens) })
    }
    scores = fresh
    return true
  }
}

extension Evaluation.Score {
  fileprivate mutating func add(_ loss: Double, _ count: Int) {
    nats += loss
    tokens += 1
    bytes += count
  }
}
