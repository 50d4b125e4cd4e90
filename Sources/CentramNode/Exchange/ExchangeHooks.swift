public import CentramWire

/// What the rest of a node tells the exchange, and is told by it. All may be left out.
public struct ExchangeHooks: Sendable {
  /// Hashes of the base models that the node runs; nil: it does not say, and genomes of any base are fetched.
  public var bases: (@Sendable () -> Set<String>)?
  /// A genome was accepted by the gate. Called once for each judgement that says so; returns when the node has taken it over.
  public var onAccepted: @Sendable (_ genome: String, _ report: GateReport) async -> Void = { _, _ in }
  /// A revocation arrived: the ids whose state changed.
  public var onRevoked: @Sendable (_ changed: [String], _ revocation: SignedRevocation) async -> Void = { _, _ in }
  /// A peer judged a genome: who signed it, and what.
  public var onVerdict: @Sendable (_ signer: NodeKey, _ verdict: WireVerdict) async -> Void = { _, _ in }
  /// An author was frozen for a proof that a peer sent.
  public var onFrozen: @Sendable (_ author: String) async -> Void = { _ in }
  /// What this node measured of genomes; signed and sent to peers that ask.
  public var fitness: (@Sendable (_ genomes: [String]) async -> [WireFitnessRecord])?
  /// Carries out a peer's request to evaluate a genome. Without it every request is refused.
  public var evaluator: (@Sendable (WireEvaluationRequest, NodeKey) async throws -> [WireFitnessRecord])?
  /// What the training of a genome of this node spent of its privacy; nil where nothing is to be said.
  public var privacy: (@Sendable (_ genome: String) async -> WirePrivacyRecord?)?
  /// Called at each step; tests end the process in it.
  public var reached: @Sendable (ExchangeStep) -> Void = { _ in }
  public init() {}
}
