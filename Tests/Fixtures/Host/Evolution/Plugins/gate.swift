public import CentramPluginAPI

/// Refuses what has no weights.
struct NotEmpty: GateLayer {
  let info = GateLayerInfo(position: 11, directions: [.inbound, .outbound])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let evidence = [Verdict.Evidence("bytes", "\(candidate.weights.count)")]
    return Verdict(candidate.weights.isEmpty ? .reject(reason: "it has no weights") : .accept, evidence: evidence)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "early.gate.not-empty", version: "1.0.0", kind: CENTRAM_KIND_GATE_LAYER, summary: "Refuses what has no weights"
) { pluginInterface($0, .gateLayer { _ in NotEmpty() }) }
@c(centram_plugin_descriptor__early) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
