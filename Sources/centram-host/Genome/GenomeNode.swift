internal import CentramGenome
internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import Foundation

/// What a node does with genomes, put together from this machine's folder, its plugins and its configuration: the library, the gate with all that its
/// layers ask, the hold-out, evolution.
struct GenomeNode: Sendable {
  let library: GenomeLibrary
  let bases: NodeBases
  let gate: GenomeJudge
  /// The gate, with what a judgement does to the hold-out.
  let judge: any GenomeJudging
  /// Nil where the configuration names no text to measure on: then the layers that measure refuse.
  let evaluation: NodeEvaluation?
  let evolution: Evolution?
  /// Merge operators and trainers. They get the node's signature and never its key.
  let plugins: PluginHost

  struct Options {
    var genomeFolder: String?
    /// Base models beside that of the configuration; empty: those of the model store.
    var models: [String] = []
    /// Asks peers for manifests of ancestors.
    var fetch: NodeAncestry.Fetch = { _ in nil }
    /// Called before evolution measures a genome.
    var progress: @Sendable (_ genome: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    var log: @Sendable (LogLevel, String) -> Void = HostOptions.showWarnings
  }

  init(_ host: HostOptions, _ configuration: NodeConfiguration, _ options: Options = Options()) throws {
    let store = try GenomeStore(folder: options.genomeFolder ?? configuration.genomeFolder ?? HostOptions.folder + "/genomes")
    let identity = try NodeIdentity(path: HostOptions.folder + "/identity"), clock = SystemClock()
    let hashCache = HostOptions.cacheFolder + "/file-hashes.json", models = ModelStore(folder: configuration.modelFolder ?? HostOptions.folder + "/models")
    library = GenomeLibrary(store: store, identity: identity, now: { GenomeOptions.now() })
    let measured = try configuration.evaluation.model.map { try models.location(($0 as NSString).expandingTildeInPath) }
    bases = NodeBases(paths: try (measured.map { [$0] } ?? []) + Self.paths(options.models, models), store: store, hashCache: hashCache, log: options.log)
    let evaluation: NodeEvaluation? = try measured.flatMap { path in
      guard !configuration.evaluation.domains.isEmpty else { return nil }
      return try NodeEvaluation(
        store: store, model: path, settings: configuration.evaluation, random: CentramHost.SystemRandom(), hashCache: hashCache, now: { clock.unixMilliseconds })
    }
    plugins = host.host(configuration, log: options.log)
    let choice = OperatorChoice(plugins, versions: configuration.pluginVersions), merge = GenomeMerge(store: store, host: plugins)
    var sources = GateServices.Sources(clock: clock, random: CentramHost.SystemRandom())
    sources.fetch = options.fetch
    sources.remake = { recipe in try await merge.files(recipe).map { Dictionary(uniqueKeysWithValues: $0.map { ($0.name, SHA256.digest(of: $0.bytes)) }) } }
    (sources.evaluation, sources.fitness, sources.behaviour, sources.log) = (evaluation, evaluation, evaluation, options.log)
    let services = try GateServices(store: store, own: library.author, bases: bases, sources)
    gate = try GenomeJudge(
      store: store, settings: configuration.gate, layers: host.host(configuration, services: services.services, log: options.log), services: services, clock: clock,
      own: library.author)
    judge = evaluation.map { [gate] in MeasuredJudge(gate, on: $0) } ?? gate
    self.evaluation = evaluation
    var evolving = Evolution.Options()
    (evolving.agent, evolving.progress) = ("centram-host/\(CentramVersion.text)", options.progress)
    evolution = evaluation.map { [library] evaluation in
      Evolution(
        library: library, merge: merge, measuring: evaluation, base: evaluation.base, settings: configuration.evolution, options: evolving,
        operatorVersion: { try? choice($0).version })
    }
  }

  private static func paths(_ given: [String], _ store: ModelStore) throws -> [String] {
    guard given.isEmpty else { return try given.map { try store.location(($0 as NSString).expandingTildeInPath) } }
    let (models, problems) = store.list()
    for problem in problems { Terminal.note("warning: \(problem.message)") }
    return try models.map { try store.path(of: $0) }
  }
}
