internal import CentramPluginAPI
internal import CentramStore

extension GateVerdict {
  /// What stands before the name of a number that the node keeps of a genome.
  static let measurePrefix = "measure."

  var passes: Bool {
    switch decision {
    case .accept, .scale: true
    default: false
    }
  }

  var factor: Double? { if case .scale(let factor, _) = decision { factor } else { nil } }

  /// The numbers among the evidence, by name without the prefix. What is no finite number is none.
  var measures: [String: Double] {
    var measures: [String: Double] = [:]
    for it in evidence where it.name.hasPrefix(Self.measurePrefix) {
      if let value = Double(it.value), value.isFinite { measures[String(it.name.dropFirst(Self.measurePrefix.count))] = value }
    }
    return measures
  }

  /// - Parameter genome: whose verdict it is kept as.
  func record(of genome: String) -> VerdictRecord {
    var kept = VerdictRecord(
      genome: genome, direction: direction == .inbound ? .inbound : .outbound, layer: layer, layerVersion: version, decision: .reject,
      evidence: evidence.map { .init($0.name, $0.value) }, timeMilliseconds: decidedMilliseconds, isIncomplete: warning != nil)
    switch decision {
    case .accept: kept.decision = .accept
    case .scale(let factor, let reason): (kept.decision, kept.factor, kept.reason) = (.scale, factor, reason)
    case .quarantine(let reason): (kept.decision, kept.reason) = (.quarantine, reason)
    case .reject(let reason): kept.reason = reason
    @unknown default: kept.reason = "the layer gave a verdict that this node does not know"
    }
    return kept
  }

  init(_ record: VerdictRecord) {
    let decision: Verdict.Decision =
      switch record.decision {
      case .accept: .accept
      case .scale: .scale(factor: record.factor ?? 1, reason: record.reason)
      case .quarantine: .quarantine(reason: record.reason)
      case .reject: .reject(reason: record.reason)
      }
    self.init(
      contentHash: record.genome, direction: record.direction == .inbound ? .inbound : .outbound, layer: record.layer, version: record.layerVersion, decision: decision,
      evidence: record.evidence.map { .init($0.name, $0.value) }, decidedMilliseconds: record.timeMilliseconds, warning: record.isIncomplete ? "gate incomplete" : nil)
  }
}
