import CentramGateStatistics
import CentramGateSupport
import CentramGenome
public import CentramPluginAPI

/// Layer 7. Outbound: nothing leaves the node unless its training was private at every step and the node's whole account stays within
/// its limits. Inbound: the signed record must add up and be within the policy; it is attested, not verified.
struct Privacy: GateLayer {
  static let id: StaticString = "gate.privacy", version: StaticString = "1.0.0"
  static let attested = "attested, not verified"
  let services: any HostServices

  let info = GateLayerInfo(
    position: 7, directions: [.inbound, .outbound],
    parameters: [
      .init("epsilon", .number, default: .number(8), limits: 1e-3...1e4, "largest ε of a genome, and of the node's whole life for what leaves it"),
      .init("delta_max", .number, default: .number(1e-3), limits: 1e-30...0.5, "largest δ, whatever the number of sequences"),
      .init("clipping_norm_max", .number, default: .number(1000), limits: 1e-6...1e9, "clipping norm above which no gradient counts as clipped"),
      .init("tolerance", .number, default: .number(1e-3), limits: 0...0.1, "relative difference by which a record's ε may be below the account's"),
      .init("record", .string, default: .string("required"), "required, or optional: genomes without a record pass, and the verdict says so"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.privacy", json: candidate.policyJSON, info.parameters)
    let record = policy.string("record")
    guard ["required", "optional"].contains(record) else {
      throw PluginError(.invalid, "gate.privacy: record is \"\(record.prefix(40))\"; known are required and optional")
    }
    let manifest = try candidate.openedManifest()
    guard let privacy = manifest.privacy else {
      if record == "required", manifest.recipe != nil, !manifest.parents.isEmpty { return try await mergeVerdict(manifest, candidate.direction, policy) }
      return Self.missing(candidate.direction, policy)
    }
    var check = RecordCheck(privacy, policy)
    if let reason = check.failure() { return Verdict(.reject(reason: reason), evidence: check.evidence) }
    if candidate.direction == .inbound {
      check.evidence.append(.init("record", Self.attested))
      return Verdict(.accept, evidence: check.evidence)
    }
    let account = try services.required("centram.privacy-account/1", for: "gate.privacy", as: (any PrivacyAccountService).self)
    guard let training = try await account.training(contentHash: candidate.contentHash) else {
      let reason = "the node has no account of this genome's training, so nothing shows that it was private; train it here with trainer.dp-lora"
      return Verdict(.reject(reason: reason), evidence: check.evidence)
    }
    if let reason = check.failure(of: training) { return Verdict(.reject(reason: reason), evidence: check.evidence) }
    let lifetime = try await account.lifetime(without: candidate.contentHash)
    if let reason = try check.failure(lifetime: lifetime) { return Verdict(.reject(reason: reason), evidence: check.evidence) }
    return Verdict(.accept, evidence: check.evidence)
  }

  /// A merge uses its parents and no data, so it spends nothing that their records do not say. `gate.lineage` holds that it is a merge of them.
  private func mergeVerdict(_ manifest: Manifest, _ direction: GateDirection, _ policy: LayerPolicy) async throws(PluginError) -> Verdict {
    let lineage = try services.required("centram.lineage/1", for: "gate.privacy", as: (any LineageService).self)
    var largest = 0.0
    for parent in manifest.parents {
      guard let epsilon = try await lineage.ancestor(parent.id)?.measures["privacy.epsilon"], epsilon.isFinite else {
        return Verdict(.reject(reason: "the merge's parent \(parent.id) has no privacy record that this node checked"), evidence: [.init("record", "that of its parents")])
      }
      largest = max(largest, epsilon)
    }
    let limit = policy.number("epsilon")
    let evidence = [
      Verdict.Evidence("merge", "of \(manifest.parents.count) genomes whose records were checked; the largest ε is \(shown(largest))"), .measure("privacy.epsilon", largest),
      .init("record", "that of its parents" + (direction == .inbound ? "; \(Self.attested)" : "")),
    ]
    guard largest <= limit else { return Verdict(.reject(reason: "a parent's ε is \(shown(largest)), and the policy's limit is \(shown(limit))"), evidence: evidence) }
    return Verdict(.accept, evidence: evidence)
  }

  private static func missing(_ direction: GateDirection, _ policy: LayerPolicy) -> Verdict {
    guard policy.string("record") == "optional" else {
      let reason =
        direction == .outbound
        ? "the manifest holds no privacy record, and nothing leaves without one; train with trainer.dp-lora, or set record to optional where the data is public"
        : "the manifest holds no privacy record, which this node's policy requires"
      return Verdict(.reject(reason: reason), evidence: [.init("record", "missing")])
    }
    return Verdict(.accept, evidence: [.init("record", "missing, which this node's policy allows: nothing is said of the training data's privacy")])
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Privacy.id, version: Privacy.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Lets out only what was trained privately, and checks others' records"
) { pluginInterface($0, .gateLayer { environment in Privacy(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_privacy) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
