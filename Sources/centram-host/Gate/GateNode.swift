internal import ArgumentParser
internal import CentramGenome
internal import CentramHost
internal import CentramNode
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

/// The gate of this machine, put together from its folder and plugins: without a hold-out, so that layers which run the model refuse where they are on.
struct GateNode {
  let library: GenomeLibrary
  let judge: GenomeJudge
  let configuration: NodeConfiguration

  init(_ options: GateOptions) throws {
    configuration = try options.host.nodeConfiguration()
    let store = try GenomeStore(folder: options.genomeFolder ?? configuration.genomeFolder ?? HostOptions.folder + "/genomes")
    let identity = try NodeIdentity(path: HostOptions.folder + "/identity"), clock = SystemClock()
    library = GenomeLibrary(store: store, identity: identity, now: { GenomeOptions.now() })
    let bases = NodeBases(
      paths: try Self.models(options.models, configuration), store: store, hashCache: HostOptions.cacheFolder + "/file-hashes.json", log: HostOptions.showWarnings)
    let services = try GateServices(store: store, own: library.author, bases: bases, GateServices.Sources(clock: clock, random: CentramHost.SystemRandom()))
    let host = options.host.host(configuration, services: services.services)
    judge = try GenomeJudge(store: store, settings: configuration.gate, layers: host, services: services, clock: clock, own: library.author)
  }

  private static func models(_ given: [String], _ configuration: NodeConfiguration) throws -> [String] {
    let store = ModelStore(folder: configuration.modelFolder ?? HostOptions.folder + "/models")
    guard given.isEmpty else { return try given.map { try store.location(($0 as NSString).expandingTildeInPath) } }
    let (models, problems) = store.list()
    for problem in problems { Terminal.note("warning: \(problem.message)") }
    return try models.map { try store.path(of: $0) }
  }
}
