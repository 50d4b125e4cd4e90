public import CentramPluginAPI
public import CentramStore

/// Everything that gate layers ask of a node, over its genome store. Evaluation, fitness and behaviour run the model and come from elsewhere; without
/// them the layers that need them refuse.
public struct GateServices: Sendable {
  /// By interface id, for the host that loads the layers.
  public let services: [String: any Sendable]
  public let bases: NodeBases
  public let sketches: StoredSketches

  /// What the node has besides its store.
  public struct Sources: Sendable {
    public var clock: any ClockService
    public var random: any RandomService
    public var fetch: NodeAncestry.Fetch = { _ in nil }
    public var remake: NodeAncestry.Remake = { _ in nil }
    public var evaluation: (any EvaluationService)?
    public var fitness: (any FitnessService)?
    public var behaviour: (any BehaviourService)?
    public var log: @Sendable (LogLevel, String) -> Void = { _, _ in }
    public init(clock: any ClockService, random: any RandomService) { (self.clock, self.random) = (clock, random) }
  }

  /// - Parameters:
  ///   - own: this node's key, 64 hexadecimal digits.
  ///   - bases: the models that it runs.
  /// - Throws: `storage`.
  public init(store: GenomeStore, own: String, bases: NodeBases, _ sources: Sources) throws(GateError) {
    sketches = try StoredSketches(store: store, random: sources.random)
    self.bases = bases
    var services: [String: any Sendable] = [
      "centram.clock/1": sources.clock, "centram.random/1": sources.random, "centram.base/1": bases, "centram.lineage/1": StoredLineage(store: store),
      "centram.authors/1": StoredAuthors(store: store, own: own, clock: sources.clock), "centram.sketches/1": sketches,
      "centram.ancestry/1": NodeAncestry(store: store, clock: sources.clock, fetch: sources.fetch, remake: sources.remake, log: sources.log),
      "centram.updates/1": StoredUpdates(store: store, bases: bases), "centram.privacy-account/1": StoredPrivacyAccount(store: store),
    ]
    if let evaluation = sources.evaluation { services["centram.evaluation/1"] = evaluation }
    if let fitness = sources.fitness { services["centram.fitness/1"] = fitness }
    if let behaviour = sources.behaviour { services["centram.behaviour/1"] = behaviour }
    self.services = services
  }
}
