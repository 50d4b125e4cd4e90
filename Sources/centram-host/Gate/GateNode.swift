internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import Foundation

struct GateOptions: ParsableArguments {
  @OptionGroup var host: HostOptions
  @Option(name: .customLong("genomes"), help: ArgumentHelp("The folder of genomes. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
  var genomeFolder: String?
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp("A base model that this node runs: a path or the name of a stored one. May be given again. Default: every model of the model store.", valueName: "model"))
  var models: [String] = []
}

/// The gate of this machine, put together from its folder and plugins.
struct GateNode {
  let library: GenomeLibrary
  let judge: GenomeJudge
  let configuration: NodeConfiguration

  /// For a command: without a hold-out, so that layers which run the model refuse where they are on, and without peers.
  init(_ options: GateOptions) throws {
    configuration = try options.host.nodeConfiguration()
    let store = try GenomeStore(folder: options.genomeFolder ?? configuration.genomeFolder ?? HostOptions.folder + "/genomes")
    let identity = try NodeIdentity(path: HostOptions.folder + "/identity")
    library = GenomeLibrary(store: store, identity: identity, now: { GenomeOptions.now() })
    judge = try Self.judge(options.host, configuration, library, models: options.models, log: HostOptions.showWarnings)
  }

  /// The gate over a library. Its layers have a host of their own, which offers them the services of this gate.
  /// - Parameters:
  ///   - models: paths or names of the base models that it runs; empty: every model of the model store.
  ///   - change: adds what else the node has: peers to ask, merges to do again, a model to measure with.
  static func judge(
    _ options: HostOptions, _ configuration: NodeConfiguration, _ library: GenomeLibrary, models: [String] = [], log: @escaping @Sendable (LogLevel, String) -> Void,
    _ change: (inout GateServices.Sources) -> Void = { _ in }
  ) throws -> GenomeJudge {
    let bases = NodeBases(paths: try paths(models, configuration), store: library.store, hashCache: HostOptions.cacheFolder + "/file-hashes.json", log: log)
    var sources = GateServices.Sources(clock: SystemClock(), random: CentramHost.SystemRandom())
    sources.log = log
    change(&sources)
    let services = try GateServices(store: library.store, own: library.author, bases: bases, sources)
    let host = options.host(configuration, services: services.services, log: log)
    return try GenomeJudge(store: library.store, settings: configuration.gate, layers: host, services: services, clock: sources.clock, own: library.author)
  }

  private static func paths(_ given: [String], _ configuration: NodeConfiguration) throws -> [String] {
    let store = ModelStore(folder: configuration.modelFolder ?? HostOptions.folder + "/models")
    guard given.isEmpty else { return try given.map { try store.location(($0 as NSString).expandingTildeInPath) } }
    let (models, problems) = store.list()
    for problem in problems { Terminal.note("warning: \(problem.message)") }
    return try models.map { try store.path(of: $0) }
  }
}
