/// How accepted genomes become part of the node's model.
public struct EvolutionSettings: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// One adapter: own and peer's added up.
    case merge
    /// Base and genomes mixed causally, each as it is.
    case mixture
    /// Whichever of both measures better.
    case bothMeasured = "both-measured"
  }

  public var mode = Mode.merge
  /// The node's own; nil: that of its newest trained genome.
  public var domain: String?
  /// The peer's part of a blend; the own one keeps the rest.
  public var share = 0.15
  /// Id of a merge operator. `merge.lora_cat` adds up exactly.
  public var mergeOperator = EvolutionSettings.exactOperator
  /// Of the operator, a JSON object.
  public var parametersJSON = "{}"
  /// The highest rank of a merged adapter; a sum beyond it is compressed to it.
  public var rankLimit = 64
  /// Nat a byte by which a domain may become worse.
  public var fall = 0.01
  /// Of the bootstrap's one-sided bound.
  public var confidence = 0.95
  public var resamples = 2000
  /// Of a genome that enters a mixture; what is there shares the rest.
  public var newcomerPrior = EvolutionSettings.standardNewcomerPrior
  /// After a merge, hours or requests until it counts as proved.
  public var shadowHours = 24.0, shadowRequests = 200
  /// Of a request's text, tokens on which the models before and after a merge on trial are measured; 0: requests are not counted.
  public var shadowTokens = 256

  public init() {}

  public static let exactOperator = "merge.lora_cat", compressingOperator = "merge.lora_svd"
  public static let standardNewcomerPrior = 0.1
  /// Factors of the peer's part that the line search tries, in steps of two from 1 on: up while it becomes better, else down. More than the gate's factor
  /// is never merged.
  static let largestLambda = 4.0, smallestLambda = 0.125
  /// Live requests from which a merged genome is judged by them.
  static let judgedRequests = 48
}
