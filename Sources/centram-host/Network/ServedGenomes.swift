internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import Foundation
internal import Synchronization

/// Genomes of a node that runs: what peers send is fetched, judged, and taken into the model where it makes it better.
final class ServedGenomes: Sendable {
  let node: GenomeNode
  private let exchange: GenomeExchange
  /// Nil where there is nothing to measure on.
  private let work: EvolutionWork?

  var plugins: PluginHost { node.plugins }
  var judge: any GenomeJudging { node.judge }

  /// Registers what the node does with messages about genomes. Make it before the node runs.
  init(_ options: HostOptions, _ configuration: NodeConfiguration, node: NetworkNode, log: @escaping @Sendable (LogLevel, String) -> Void) throws {
    let running = RunningExchange()
    var parts = GenomeNode.Options()
    parts.fetch = { id in await running.exchange?.fetchManifest(id) }
    parts.log = log
    let genomes = try GenomeNode(options, configuration, parts), work = genomes.evolution.map { EvolutionWork($0, log) }
    var settings = configuration.exchange, hooks = ExchangeHooks()
    if genomes.evaluation == nil, settings.want.isEnabled, configuration.gate.disabled.isDisjoint(with: ["gate.fitness", "gate.behaviour"]) {
      // The gate would refuse every one for want of a measure.
      settings.want.isEnabled = false
      log(.info, "genomes are offered and none is fetched: evaluation.model and evaluation.domains are to say what they are measured on")
    }
    hooks.bases = { [bases = genomes.bases] in Set(bases.hashes) }
    hooks.onAccepted = { id, report in
      await work?.accepted(id, report)
      running.exchange?.storeChanged()
    }
    hooks.onRevoked = { changed, _ in await work?.revoked(changed) }
    exchange = try GenomeExchange(node: node, library: genomes.library, judge: LoggedJudge(judge: genomes.judge, log: log), settings: settings, hooks: hooks)
    running.set(exchange)
    exchange.register(with: node.handlers)
    (self.node, self.work) = (genomes, work)
    for sentence in genomes.gate.status { log(.warning, sentence) }
  }

  /// Offers, fetches, judges and evolves until the task is cancelled or the node has stopped.
  func run() async {
    await work?.step()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.exchange.run() }
      if let work { group.addTask { await work.watchShadow() } }
      await group.next()
      group.cancelAll()
    }
  }

  /// The store was changed by another part of the node.
  func storeChanged() { exchange.storeChanged() }

  /// Answers `transfers` on the control socket, and `genomes changed`, which says that a command changed the store.
  func answer(_ request: String) async -> Data? {
    switch request {
    case "transfers": return try? JSONEncoder().encode(await exchange.status())
    case "genomes changed":
      storeChanged()
      return Data("{}".utf8)
    default: return nil
    }
  }
}

/// Says what became of each genome.
private struct LoggedJudge: GenomeJudging {
  let judge: any GenomeJudging
  let log: @Sendable (LogLevel, String) -> Void

  func judge(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport {
    let report = try await judge.judge(id, direction), verb = direction == .inbound ? "was judged" : "was judged for leaving"
    switch report.outcome {
    case .accepted(let factor): log(.info, "\(id.prefix(16)) \(verb): accepted\(factor == 1 ? "" : ", its update times \(factor)")")
    case .quarantined(let layer, let reason): log(.info, "\(id.prefix(16)) \(verb): kept aside by \(layer): \(reason)")
    case .rejected(let layer, let reason): log(.info, "\(id.prefix(16)) \(verb): refused by \(layer): \(reason)")
    }
    return report
  }

  func willLeave(_ id: String) async throws(GateError) { try await judge.willLeave(id) }
  var policyDigest: [UInt8] { judge.policyDigest }
  var disabledLayers: [String] { judge.disabledLayers }
}

/// Made after the gate that asks it.
private final class RunningExchange: Sendable {
  private let kept = Mutex<GenomeExchange?>(nil)
  var exchange: GenomeExchange? { kept.withLock { $0 } }
  func set(_ exchange: GenomeExchange) { kept.withLock { $0 = exchange } }
}

/// Evolution's work, one piece after the other: each is measured on the model that the one before left.
private actor EvolutionWork {
  private let evolution: Evolution
  private let log: @Sendable (LogLevel, String) -> Void
  private var last: Task<Void, Never>?

  init(_ evolution: Evolution, _ log: @escaping @Sendable (LogLevel, String) -> Void) { (self.evolution, self.log) = (evolution, log) }

  /// Everything that was accepted before and is not part of the model.
  func step() async { await enqueue("evolution") { evolution, log in for line in try await evolution.step().lines { log(.info, line.sentence) } } }

  func accepted(_ id: String, _ report: GateReport) async {
    await enqueue("evolution of \(id.prefix(16))") { evolution, log in log(.info, try await evolution.accept(id, report).sentence) }
  }

  func revoked(_ ids: [String]) async {
    await enqueue("what a revocation takes back") { evolution, log in
      for id in try evolution.didRevoke(ids) { log(.warning, "\(id.prefix(16)) is no longer part of the model: it, or what it came from, was revoked") }
    }
  }

  /// Looks every minute at merges whose shadow period runs.
  func watchShadow() async {
    while (try? await Task.sleep(nanoseconds: 60_000_000_000)) != nil {
      await enqueue("the shadow period") { evolution, log in
        for id in try evolution.checkShadow() { log(.warning, "\(id.prefix(16)) was taken out of the model by its shadow period") }
      }
    }
  }

  private func enqueue(_ name: String, _ body: @escaping @Sendable (Evolution, @Sendable (LogLevel, String) -> Void) async throws -> Void) async {
    let before = last, evolution = evolution, log = log
    let task = Task {
      await before?.value
      do { try await body(evolution, log) } catch { log(.error, "\(name): \(error)") }
    }
    last = task
    await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
  }
}

extension EvolutionReport.Line {
  /// For a log.
  fileprivate var sentence: String {
    let change = lift.map { String(format: ", lift %+.4f nat a byte over all domains", $0) } ?? ""
    return "\(genome.prefix(16)) (\(domain)) \(outcome.rawValue)\(change): \(reason)"
  }
}
