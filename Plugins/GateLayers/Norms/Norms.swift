import CentramGateStatistics
import CentramGateSupport
public import CentramPluginAPI

/// Layer 6: bounds each matrix's update by the base's size and by what was accepted before, and holds up updates whose spectrum is unlike
/// any accepted one. Stops boosting, model replacement and rank-one backdoors.
struct Norms: GateLayer {
  static let id: StaticString = "gate.norms", version: StaticString = "1.0.0"
  /// History that medians need; until then only the absolute cap stands.
  static let minimumHistory = 20
  let services: any HostServices

  let info = GateLayerInfo(
    position: 6, directions: [.inbound, .outbound],
    parameters: [
      .init("rho", .number, default: .number(0.25), limits: 1e-6...10, "largest norm of a matrix's update as a share of the base matrix's norm"),
      .init("deviations", .number, default: .number(3), limits: 0.1...100, "median absolute deviations above the accepted median that a norm may be"),
      .init("scale_up_to", .number, default: .number(2), limits: 1...100, "times the limit up to which an update is scaled down instead of rejected"),
      .init("z", .number, default: .number(4), limits: 0.5...1000, "score of a spectral statistic beyond which a layer counts as an outlier"),
      .init("outlier_layers", .integer, default: .number(2), limits: 1...10_000, "outlying layers of the model that make a quarantine"),
      .init("spread_floor", .number, default: .number(0.05), limits: 0...1, "least spread of a spectral statistic as a share of its median"),
      .init("history", .integer, default: .number(100), limits: 20...10_000, "accepted genomes that are looked at, newest first"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.norms", json: candidate.policyJSON, info.parameters)
    let updates = try services.required("centram.updates/1", for: "gate.norms", as: (any UpdateService).self)
    let lineage = try services.required("centram.lineage/1", for: "gate.norms", as: (any LineageService).self)
    let update = try CandidateUpdate(candidate)
    let history = MeasureHistory(try await lineage.accepted(domain: nil, limit: policy.integer("history")))
    var judgement = NormsJudgement(policy: policy, history: history)
    for index in update.modules.indices {
      let name = update.modules[index]
      guard let base = try await updates.baseNorm(module: name) else {
        return Verdict(.reject(reason: "the base has no matrix for the module \(name)"), evidence: judgement.evidence)
      }
      guard base.isFinite, base >= 0 else { throw PluginError(.invalid, "gate.norms: the base's norm of \(name) is \(base)") }
      judgement.add(name, base: base, spectrum: try update.spectrum(index))
    }
    return judgement.verdict()
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Norms.id, version: Norms.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Bounds the size of each matrix's update and its spectrum"
) { pluginInterface($0, .gateLayer { environment in Norms(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_norms) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
