internal import CentramGenome
internal import CentramPluginAPI
internal import CentramStore

/// What follows from a report for the genome that it is on.
struct Judgement {
  let record: GenomeRecord
  let report: GateReport
  private let fresh: [GateVerdict]
  private let settings: GateSettings

  /// - Parameter standing: verdicts that are in the report and were kept before.
  init(record: GenomeRecord, report: GateReport, standing: [String: GateVerdict?], settings: GateSettings) {
    (self.record, self.report, self.settings) = (record, report, settings)
    fresh = report.verdicts.filter { standing[$0.layer] == nil }
  }

  var decision: GateDecision {
    var measures: [String: Double] = [:]
    for verdict in fresh { measures.merge(verdict.measures) { $1 } }
    return GateDecision(
      from: record.state, state: state, verdicts: fresh.map { $0.record(of: record.id) }, metrics: measures, advancesLog: advancesLog)
  }

  private var isArrival: Bool { report.direction == .inbound && [.received, .quarantined, .rejected].contains(record.state) }

  /// Nil: it stays. Where only something of the node is missing the genome waits, so that it can be judged again.
  private var state: GenomeState? {
    guard isArrival else { return nil }
    switch report.outcome {
    case .accepted: return .accepted
    case .quarantined: return .quarantined
    case .rejected:
      guard report.isNodesFault else { return .rejected }
      return record.state == .rejected ? nil : .quarantined
    }
  }

  private func passed(_ layer: String) -> GateVerdict? { fresh.first { $0.layer == layer && $0.passes } }

  private var advancesLog: Bool {
    guard isArrival else { return false }
    return settings.disabled.contains(GateSettings.freshnessLayer) ? report.isAccepted : passed(GateSettings.freshnessLayer) != nil
  }

  /// The influence that admission gave; nil where it let nothing in now.
  var admittedWeight: Double? { isArrival ? passed(GateSettings.admissionLayer).map { $0.factor ?? 1 } : nil }

  /// Of what was let in, and of what leaves: a copy that comes back is one.
  var needsSketch: Bool { report.isAccepted && (isArrival || (report.direction == .outbound && record.state == .own)) }

  /// Ids of entries that are said to stand at the genome's place in its author's log.
  var forkClaims: [String] {
    var ids: [String] = []
    for verdict in fresh {
      for evidence in verdict.evidence where evidence.name == "fork" {
        for word in evidence.value.split(whereSeparator: { !$0.isHexDigit }) where CentramGenome.Hexadecimal.isDigest(String(word)) { ids.append(String(word)) }
      }
    }
    return ids.filter { $0 != record.author }
  }
}
