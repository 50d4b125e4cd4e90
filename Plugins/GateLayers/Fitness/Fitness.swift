import CentramGateStatistics
import CentramGateSupport
import CentramNumerics
public import CentramPluginAPI

/// Layer 9: does the candidate make the node's model better on the node's secret hold-out? Stops useless and harmful genomes, and those fitted to
/// what earlier verdicts told. After a merge the same layer says whether to revert.
///
/// Reasons may reach the author, so they hold rules and limits and no loss; what was measured stands in the evidence, which stays.
struct Fitness: GateLayer {
  static let id: StaticString = "gate.fitness", version: StaticString = "1.0.0"
  let services: any HostServices

  let info = GateLayerInfo(
    position: 9,
    parameters: [
      .init("sequences", .integer, default: .number(48), limits: 48...100_000, "hold-out sequences that each domain needs, at least"),
      .init("fall", .number, default: .number(0.01), limits: 0...10, "nat a byte by which a domain may become worse"),
      .init("eta", .number, default: .number(0.002), limits: 1e-6...1, "nat a byte by which a score must be above the last that its author was told"),
      .init("confidence", .number, default: .number(0.95), limits: 0.5...0.9999, "of the bootstrap's one-sided bound"),
      .init("resamples", .integer, default: .number(2000), limits: 200...100_000, "of the bootstrap"),
      .init("tests", .integer, default: .number(50), limits: 1...1_000_000, "candidates after which a quarter of the hold-out must be replaced"),
      .init("live", .integer, default: .number(48), limits: 8...1_000_000, "live requests from which a merged genome is judged by them"),
      .init("scale", .number, default: .number(1), limits: 1e-6...1, "factor that layers before asked for; the line search starts from it"),
      .init("seed", .integer, default: .number(0), limits: 0...9e15, "of bootstrap and controls, together with the candidate's hash"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.fitness", json: candidate.policyJSON, info.parameters)
    let controls = try services.required("centram.fitness/1", for: "gate.fitness", as: (any FitnessService).self)
    let manifest = try candidate.openedManifest()
    let seed = candidateSeed(candidate.contentHash, UInt64(policy.integer("seed")))
    if let live = try await controls.live(contentHash: candidate.contentHash) { return try Self.revertRule(live, policy, seed) }
    let evaluation = try services.required("centram.evaluation/1", for: "gate.fitness", as: (any EvaluationService).self)
    let holdOut = try await controls.holdOut(author: manifest.author)
    guard holdOut.testsSinceRefresh < policy.integer("tests") else {
      throw PluginError(
        .unavailable, "gate.fitness: the hold-out answered \(holdOut.testsSinceRefresh) tests, and \(policy.integer("tests")) are the limit; replace a quarter of it first")
    }
    var search = try await LineSearch(candidate, evaluation, controls, policy: policy, seed: seed)
    try await search.run()
    return try await search.verdict(domain: manifest.domain, holdOut: holdOut)
  }

  /// Revert where live requests became worse: the upper bound of the gain is below 0.
  static func revertRule(_ live: LiveFitness, _ policy: LayerPolicy, _ seed: UInt64) throws(PluginError) -> Verdict {
    guard live.before.count == live.after.count else {
      throw PluginError(.shapeMismatch, "gate.fitness: \(live.before.count) live losses before the merge and \(live.after.count) after it are no pairs")
    }
    let least = policy.integer("live")
    guard live.before.count >= least else {
      return Verdict(.accept, evidence: [.init("live", "\(live.before.count) live requests since the merge; from \(least) on they are judged")])
    }
    let gains = zip(live.before, live.after).map { $0 - $1 }
    guard gains.allSatisfy(\.isFinite) else { return Verdict(.reject(reason: "revert: a live loss is not finite since the merge"), evidence: []) }
    let bootstrap = Bootstrap([gains], resamples: policy.integer("resamples"), seed: seed)
    let upper = bootstrap.upperBound(confidence: policy.number("confidence"))
    let evidence = [
      Verdict.Evidence("live", "gain of \(shown(bootstrap.mean)) nat a byte over \(gains.count) live requests, at most \(shown(upper)) by the bootstrap"),
      .measure("live.gain", bootstrap.mean),
    ]
    guard upper >= 0 else {
      return Verdict(.reject(reason: "revert: live fitness fell after the merge, by the bootstrap's bound over \(gains.count) requests"), evidence: evidence)
    }
    return Verdict(.accept, evidence: evidence)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Fitness.id, version: Fitness.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Measures what a genome does for the node's own hold-out"
) { pluginInterface($0, .gateLayer { environment in Fitness(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_fitness) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
