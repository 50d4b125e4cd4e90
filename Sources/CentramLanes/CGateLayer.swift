internal import CentramPluginAPI
internal import Synchronization

/// `centram.gate/1` as a Swift gate layer. A layer that decides never, twice or nonsense throws, which counts as a refusal.
struct CGateLayer: GateLayer {
  let info: GateLayerInfo
  private let table: Lent<centram_gate_v1_t>
  private let instance: CInstance

  init(_ table: centram_gate_v1_t, _ environment: PluginEnvironment) throws(PluginError) {
    var directions: Set<GateDirection> = []
    if table.directions & UInt32(CENTRAM_DIRECTION_INBOUND) != 0 { directions.insert(.inbound) }
    if table.directions & UInt32(CENTRAM_DIRECTION_OUTBOUND) != 0 { directions.insert(.outbound) }
    guard table.position > 0, !directions.isEmpty else {
      throw PluginError(.internalFailure, "the layer stands at position \(table.position) for directions \(table.directions); it needs 1 or more of each")
    }
    info = GateLayerInfo(position: Int(table.position), directions: directions)
    self.table = Lent(table)
    instance = try CInstance(table.create, table.destroy, environment)
  }

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    guard candidate.contentHash.count == 32, candidate.manifestSignature.count == 64 else {
      throw PluginError(.shapeMismatch, "a hash of \(candidate.contentHash.count) and a signature of \(candidate.manifestSignature.count) bytes; they have 32 and 64")
    }
    let arena = CArena(), verdict = VerdictUnderWay()
    var lent = centram_candidate_t()
    lent.struct_size = UInt32(MemoryLayout<centram_candidate_t>.size)
    lent.direction = candidate.direction.rawValue
    withUnsafeMutableBytes(of: &lent.content_hash) { $0.copyBytes(from: candidate.contentHash) }
    withUnsafeMutableBytes(of: &lent.manifest_signature) { $0.copyBytes(from: candidate.manifestSignature) }
    lent.manifest = arena.bytes(candidate.manifest)
    lent.adapter_config = arena.bytes(candidate.adapterConfiguration)
    lent.weights = centram_bytes_t(data: candidate.weights.bindMemory(to: UInt8.self).baseAddress, count: UInt64(candidate.weights.count))
    lent.policy_json = arena.string(candidate.policyJSON)

    var sink = centram_verdict_sink_t()
    sink.struct_size = UInt32(MemoryLayout<centram_verdict_sink_t>.size)
    sink.context = Unmanaged.passUnretained(verdict).toOpaque()
    sink.evidence = { context, name, value in
      let found = Verdict.Evidence(name.map { String(cString: $0) } ?? "", value.map { String(cString: $0) } ?? "")
      object(context, as: VerdictUnderWay.self).state.withLock { $0.evidence.append(found) }
    }
    sink.decide = { context, decision, factor, reason in
      let text = reason.map { String(cString: $0) } ?? ""
      object(context, as: VerdictUnderWay.self).state.withLock { $0.decisions.append((decision, factor, text)) }
    }
    defer { withExtendedLifetime((arena, verdict)) {} }
    try callingC("judge") { table.value.judge?(instance.pointer, &lent, &sink, $0, $1) ?? 0 }
    return try verdict.result()
  }
}

/// What one call of `judge` has said so far.
final class VerdictUnderWay: Sendable {
  let state = Mutex<(evidence: [Verdict.Evidence], decisions: [(kind: Int32, factor: Double, reason: String)])>(([], []))

  func result() throws(PluginError) -> Verdict {
    let (evidence, decisions) = state.withLock { $0 }
    guard decisions.count == 1, let (kind, factor, reason) = decisions.first else {
      throw PluginError(.internalFailure, "the layer decided \(decisions.count) times; it must decide once")
    }
    guard kind == CENTRAM_VERDICT_ACCEPT || !reason.isEmpty else { throw PluginError(.internalFailure, "the layer decided \(kind) without a reason") }
    switch kind {
    case Int32(CENTRAM_VERDICT_ACCEPT): return Verdict(.accept, evidence: evidence)
    case Int32(CENTRAM_VERDICT_SCALE):
      guard factor > 0, factor <= 1 else { throw PluginError(.internalFailure, "the layer scales by \(factor); a factor lies in (0, 1]") }
      return Verdict(.scale(factor: factor, reason: reason), evidence: evidence)
    case Int32(CENTRAM_VERDICT_QUARANTINE): return Verdict(.quarantine(reason: reason), evidence: evidence)
    case Int32(CENTRAM_VERDICT_REJECT): return Verdict(.reject(reason: reason), evidence: evidence)
    default: throw PluginError(.internalFailure, "the layer decided \(kind), which is none of 0 to 3")
    }
  }
}
