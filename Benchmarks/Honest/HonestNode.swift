import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import LinkedGate

struct HonestOutcome {
  let domain: String
  /// That refused; nil: accepted.
  let layer: String?
  let isQuarantine: Bool
  let reason: String
  /// Of the last layer that judged.
  let evidence: [Verdict.Evidence]
}

/// A node with a store of its own that judges what others made.
final class HonestNode {
  let evaluation: NodeEvaluation
  private let folder: String
  private let store: GenomeStore
  private let library: GenomeLibrary
  private let judging: GenomeJudge
  private let clock = HonestClock()
  private let base: String
  private var peers: [Int: GenomeLibrary] = [:]

  init(base path: String, corpus: HonestCorpus, folder: String, threads: Int) throws {
    self.folder = folder + "/run"
    try? FileManager.default.removeItem(atPath: self.folder)
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    let clock = clock
    store = try GenomeStore(folder: self.folder + "/node")
    library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 255, count: 32)), now: { clock.unixMilliseconds })
    var settings = EvaluationSettings()
    settings.domains = Dictionary(uniqueKeysWithValues: corpus.domains.map { ($0, corpus.holdOut($0)) })
    settings.threads = threads
    evaluation = try NodeEvaluation(store: store, model: path, settings: settings, random: FixedRandom(), now: { clock.unixMilliseconds })
    base = evaluation.base
    var sources = GateServices.Sources(clock: clock, random: FixedRandom())
    (sources.evaluation, sources.fitness, sources.behaviour) = (evaluation, evaluation, evaluation)
    let bases = NodeBases(paths: [path], store: store)
    let services = try GateServices(store: store, own: library.author, bases: bases, sources)
    var gate = GateSettings()
    gate.policies["gate.privacy"] = #"{"record": "optional"}"#
    judging = try GenomeJudge(
      store: store, settings: gate, layers: AllTen(services: HonestServices(services: services.services)), services: services, clock: clock, own: library.author)
  }

  private func description(_ domain: String) -> GenomeDescription {
    var description = GenomeDescription()
    (description.base, description.domain) = (base, domain)
    return description
  }

  /// What the node trained itself: for layers that compare with it.
  func addOwn(_ adapter: String, domain: String) throws { _ = try library.create(adapter, description(domain)) }

  func judge(_ adapter: String, plan: HonestPlan, author: Int) async throws -> HonestOutcome {
    clock.advance(hours: 3)
    let peer = try peer(author)
    let record = try peer.create(adapter, description(plan.domain))
    let file = "\(folder)/\(record.id).genome"
    try peer.export(record, to: file)
    _ = try library.import(file)
    let report = try await judging.judge(record.id, .inbound)
    try evaluation.didJudge(report)
    // A node merges what it takes in, after which nobody's score counts any more.
    if report.isAccepted { try evaluation.didMerge() }
    let (layer, isQuarantine, reason): (String?, Bool, String) =
      switch report.outcome {
      case .accepted: (nil, false, "")
      case .quarantined(let layer, let reason): (layer, true, reason)
      case .rejected(let layer, let reason): (layer, false, reason)
      }
    let decisive = layer.map { id in report.verdicts.first { $0.layer == id } } ?? report.verdicts.first { $0.layer == "gate.fitness" }
    return HonestOutcome(domain: plan.domain, layer: layer, isQuarantine: isQuarantine, reason: reason, evidence: decisive?.evidence ?? [])
  }

  /// Each author came by an invitation of the node's own.
  private func peer(_ author: Int) throws -> GenomeLibrary {
    if let known = peers[author] { return known }
    let clock = clock
    let peer = GenomeLibrary(
      store: try GenomeStore(folder: "\(folder)/author-\(author)"), identity: NodeIdentity(seed: [UInt8](repeating: UInt8(author + 1), count: 32)),
      now: { clock.unixMilliseconds })
    try store.invite(peer.author, by: library.author, now: clock.unixMilliseconds)
    peers[author] = peer
    return peer
  }
}

private struct HonestServices: HostServices {
  let services: [String: any Sendable]
  func service(_ id: String) -> (any Sendable)? { services[id] }
  func log(_ level: LogLevel, _ message: String) {}
}

/// Three hours pass between two genomes, so that no quota of a day binds.
final class HonestClock: ClockService, @unchecked Sendable {
  private let lock = NSLock()
  private var now: Int64 = 1_800_000_000_000
  var unixMilliseconds: Int64 { lock.withLock { now } }
  var monotonicNanoseconds: UInt64 { UInt64(unixMilliseconds) * 1_000_000 }
  func advance(hours: Int64) { lock.withLock { now += hours * 3_600_000 } }
}

/// The outcomes by layer and domain.
struct HonestTable {
  let outcomes: [HonestOutcome]
  init(_ outcomes: [HonestOutcome]) { self.outcomes = outcomes }

  func show() {
    let domains = Set(outcomes.map(\.domain)).sorted()
    func row(_ name: String, _ matches: (HonestOutcome) -> Bool) {
      let all = outcomes.count(where: matches)
      let cells =
        domains.map { domain in "\(outcomes.count { $0.domain == domain && matches($0) })" } + [
          "\(all)", String(format: "%.1f %%", 100 * Double(all) / Double(max(1, outcomes.count))),
        ]
      print(name.padding(toLength: 28, withPad: " ", startingAt: 0) + cells.map { $0.padding(toLength: 9, withPad: " ", startingAt: 0) }.joined())
    }
    print("".padding(toLength: 28, withPad: " ", startingAt: 0) + (domains + ["all", "share"]).map { $0.padding(toLength: 9, withPad: " ", startingAt: 0) }.joined())
    row("judged") { _ in true }
    for layer in GateSettings.standardLayers {
      row("\(layer) rejected") { $0.layer == layer && !$0.isQuarantine }
      if outcomes.contains(where: { $0.layer == layer && $0.isQuarantine }) { row("\(layer) quarantined") { $0.layer == layer && $0.isQuarantine } }
    }
    row("refused") { $0.layer != nil }
    row("accepted") { $0.layer == nil }
  }
}
