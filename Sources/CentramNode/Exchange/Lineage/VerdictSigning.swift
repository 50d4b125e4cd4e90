internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import Foundation

extension WireVerdict {
  /// One layer's verdict as it is signed for peers.
  init(_ verdict: VerdictRecord, policy: [UInt8], disabled: [String]) {
    self.init()
    (subject, layer, layerVersion) = (Data(Hexadecimal.bytes(verdict.genome.utf8) ?? []), verdict.layer.prefix(utf8: 128), verdict.layerVersion.prefix(utf8: 64))
    direction = verdict.direction == .inbound ? .inbound : .outbound
    outcome =
      switch verdict.decision {
      case .accept: .accept
      case .scale: .scale
      case .quarantine: .quarantine
      case .reject: .reject
      }
    if let factor = verdict.factor { self.factor = min(1, max(0, factor)) }
    (reason, decidedMs) = (verdict.reason.prefix(utf8: 1024), UInt64(max(1, verdict.timeMilliseconds)))
    // Evidence is text for people; what is a figure goes as one.
    measures = verdict.evidence.compactMap { item in
      guard let value = Double(item.value), value.isFinite, !item.name.isEmpty else { return nil }
      var measure = WireMeasure()
      (measure.name, measure.value) = (item.name.prefix(utf8: 64), value)
      return measure
    }.prefix(64).map { $0 }
    self.policy = Data(policy.count == 32 ? policy : [])
    disabledLayers = disabled.filter { (1...128).contains($0.utf8.count) }.prefix(64).map { $0 }
  }
}

extension VerdictRecord {
  init(_ verdict: GateVerdict) {
    var record = VerdictRecord(
      genome: verdict.contentHash, direction: verdict.direction == .inbound ? .inbound : .outbound, layer: verdict.layer, layerVersion: verdict.version, decision: .accept,
      evidence: verdict.evidence.map { .init($0.name, $0.value) }, timeMilliseconds: verdict.decidedMilliseconds, isIncomplete: verdict.warning != nil)
    switch verdict.decision {
    case .accept: break
    case .scale(let factor, let reason): (record.decision, record.factor, record.reason) = (.scale, factor, reason)
    case .quarantine(let reason): (record.decision, record.reason) = (.quarantine, reason)
    case .reject(let reason): (record.decision, record.reason) = (.reject, reason)
    @unknown default: (record.decision, record.reason) = (.reject, "a verdict that this node does not know")
    }
    self = record
  }

  /// The whole gate's, of the verdicts of one judgement: the last one refused unless all passed.
  static func whole(_ verdicts: [VerdictRecord]) -> VerdictRecord? {
    guard var whole = verdicts.last else { return nil }
    let factor = verdicts.reduce(1) { $0 * ($1.factor ?? 1) }
    (whole.layer, whole.layerVersion, whole.evidence, whole.factor) = ("", "", [], nil)
    if whole.decision == .accept || whole.decision == .scale {
      (whole.decision, whole.factor, whole.reason) = (factor < 1 ? .scale : .accept, factor < 1 ? factor : nil, "")
    }
    return whole
  }
}

extension GenomeExchange {
  func signed(_ verdict: VerdictRecord) -> WireSigned? {
    try? WireSigned(WireVerdict(verdict, policy: judge.policyDigest, disabled: judge.disabledLayers), by: signer, domain: .verdict)
  }
}
