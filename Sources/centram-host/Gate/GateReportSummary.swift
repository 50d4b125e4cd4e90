internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import Foundation

/// A report as text and JSON.
struct GateReportSummary: Encodable {
  struct Layer: Encodable {
    struct Evidence: Encodable { let name: String, value: String }
    let id: String, version: String, direction: String, decision: String, factor: Double?, reason: String, timeMilliseconds: Int64
    let evidence: [Evidence]

    init(_ verdict: GateVerdict) {
      (id, version, direction, timeMilliseconds) = (verdict.layer, verdict.version, GateReportSummary.name(of: verdict.direction), verdict.decidedMilliseconds)
      evidence = verdict.evidence.map { .init(name: $0.name, value: $0.value) }
      switch verdict.decision {
      case .accept: (decision, factor, reason) = ("accept", nil, "")
      case .scale(let by, let why): (decision, factor, reason) = ("scale", by, why)
      case .quarantine(let why): (decision, factor, reason) = ("quarantine", nil, why)
      case .reject(let why): (decision, factor, reason) = ("reject", nil, why)
      @unknown default: (decision, factor, reason) = ("unknown", nil, "")
      }
    }

    init(_ verdict: VerdictRecord) {
      (id, version, direction, timeMilliseconds) = (verdict.layer, verdict.layerVersion, verdict.direction.rawValue, verdict.timeMilliseconds)
      (decision, factor, reason) = (verdict.decision.rawValue, verdict.factor, verdict.reason)
      evidence = verdict.evidence.map { .init(name: $0.name, value: $0.value) }
    }

    /// What a person reads. Measures are for later judgements and only counted.
    var lines: [String] {
      let words =
        switch decision {
        case "accept": "passes"
        case "scale": "passes, scaled by \(factor.map(TrainDisplay.short) ?? "?")"
        case "quarantine": "keeps it aside"
        default: "refuses"
        }
      let measures = evidence.count { $0.name.hasPrefix(GateReportSummary.measurePrefix) }
      return ["\(id) \(version.isEmpty ? "(missing)" : version): \(words)\(reason.isEmpty ? "" : ": \(reason)")"]
        + evidence.filter { !$0.name.hasPrefix(GateReportSummary.measurePrefix) }.map { "    \($0.name): \($0.value)" }
        + (measures > 0 ? ["    \(Terminal.count(measures, "measure"))"] : [])
    }
  }

  static let measurePrefix = "measure."

  let genome: String, direction: String, outcome: String, factor: Double?, layer: String?, reason: String?, undo: String?, warning: String?
  let verdicts: [Layer]
  /// Layers that were not asked, since one before refused.
  let notAsked: [String]

  init(_ report: GateReport, _ judge: GenomeJudge) {
    (genome, direction, warning, undo) = (report.contentHash, Self.name(of: report.direction), report.warning, report.undo?.rawValue)
    verdicts = report.verdicts.map(Layer.init)
    switch report.outcome {
    case .accepted(let by): (outcome, factor, layer, reason) = ("accepted", by, nil, nil)
    case .quarantined(let id, let why): (outcome, factor, layer, reason) = ("quarantined", nil, id, why)
    case .rejected(let id, let why): (outcome, factor, layer, reason) = ("rejected", nil, id, why)
    }
    let last = report.refusingLayer.flatMap { id in judge.layers.firstIndex { $0.id == id } }
    notAsked = last.map { place in judge.layers[(place + 1)...].filter { $0.directions.contains(report.direction) }.map(\.id) } ?? []
  }

  static func name(of direction: GateDirection) -> String { direction == .outbound ? "outbound" : "inbound" }
  static func names(of directions: Set<GateDirection>) -> [String] { directions.map(name).sorted() }

  var text: String {
    var lines = ["\(genome), \(direction)"]
    for verdict in verdicts { lines += verdict.lines.map { "  \($0)" } }
    if !notAsked.isEmpty { lines.append("  not asked: \(notAsked.joined(separator: ", "))") }
    switch outcome {
    case "accepted": lines.append("accepted\(factor == 1 ? "" : ", its update times \(factor.map(TrainDisplay.short) ?? "?")")")
    case "quarantined": lines.append("quarantined by \(layer ?? "the gate")")
    default: lines.append("rejected by \(layer ?? "the gate")")
    }
    if let warning { lines.append("warning: \(warning)") }
    return lines.joined(separator: "\n")
  }
}

/// What was kept of a genome's judgements.
struct GateExplanation: Encodable {
  let genome: String, state: String, isIncomplete: Bool
  let verdicts: [GateReportSummary.Layer]

  init(_ record: GenomeRecord, _ store: GenomeStore) throws {
    let kept = try store.verdicts(of: record.id)
    (genome, state, isIncomplete) = (record.id, record.state.rawValue, kept.contains(where: \.isIncomplete))
    verdicts = kept.map(GateReportSummary.Layer.init)
  }

  var text: String {
    var lines = ["\(genome), \(state)"], seen = Set<String>(), direction = ""
    for verdict in verdicts {
      // A layer that is there again, or another direction, begins another judgement.
      if verdict.direction != direction || !seen.insert(verdict.id).inserted {
        (direction, seen) = (verdict.direction, [verdict.id])
        lines.append("\(direction), \(Date(timeIntervalSince1970: Double(verdict.timeMilliseconds) / 1000).formatted(.iso8601)):")
      }
      lines += verdict.lines.map { "  \($0)" }
    }
    if verdicts.isEmpty { lines.append("no layer has judged it yet; centram-host gate check \(genome.prefix(12)) asks them") }
    if isIncomplete { lines.append("warning: a layer was switched off when it was judged; centram-host gate check \(genome.prefix(12)) judges it by what is on now") }
    return lines.joined(separator: "\n")
  }
}
