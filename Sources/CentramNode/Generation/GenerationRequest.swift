public import CentramModel

/// What to write after a prompt. Fields stand for those of OpenAI's completions API: `max_tokens`, `stop`, `n`, `logprobs` and so on.
public struct GenerationRequest: Sendable {
  /// At least one token.
  public var prompt: [Int32]
  /// Most tokens to write; nil: as many as the context holds.
  public var maximumTokens: Int?
  public var sampling = SamplingParameters()
  /// How many answers, each with its own draws.
  public var count = 1
  /// Texts that end the answer and do not belong to it.
  public var stops: [String] = []
  /// Whether end tokens are written like others.
  public var ignoresEnd = false
  /// Whether the text shows special tokens.
  public var showsSpecial = false
  public var adapters: [AppliedAdapter] = []
  /// What the answer must keep to.
  public var grammar: GrammarMatcher?
  /// Several models instead of one; `adapters` are not used then.
  public var mixture: Mixture?

  public init(prompt: [Int32]) { self.prompt = prompt }

  public struct Mixture: Sendable {
    public var experts: [MixtureExpert]
    /// Nil for equal ones.
    public var priors: [Double]?
    /// After `pruningBytes` bytes of output only so many experts go on; nil: all do.
    public var keptExperts: Int?
    public var pruningBytes = 16

    public init(experts: [MixtureExpert], priors: [Double]? = nil, keptExperts: Int? = nil) {
      (self.experts, self.priors, self.keptExperts) = (experts, priors, keptExperts)
    }
  }
}

/// One voice of a mixture: the base with these adapters, or the base alone.
public struct MixtureExpert: Sendable {
  public var name: String
  public var adapters: [AppliedAdapter]
  public init(name: String, adapters: [AppliedAdapter]) { (self.name, self.adapters) = (name, adapters) }
}
