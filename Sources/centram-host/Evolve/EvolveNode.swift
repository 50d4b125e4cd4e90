public import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramStore
internal import Foundation

struct EvolveOptions: ParsableArguments {
  @OptionGroup var host: HostOptions
  @Option(name: .customLong("genomes"), help: ArgumentHelp("The folder of genomes. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
  var genomeFolder: String?
  @Option(name: .customLong("model"), help: ArgumentHelp("The base model: a path or the name of a stored one. Default: evaluation.model.", valueName: "model"))
  var model: String?
  @Option(
    name: .customLong("text"),
    help: ArgumentHelp("A domain and its text to measure on, a file or a folder; in the place of evaluation.domains. May be given again.", valueName: "domain=path"))
  var texts: [String] = []
  @Option(help: ArgumentHelp("\(EvolutionSettings.Mode.allCases.map(\.rawValue).joined(separator: ", ")). Default: evolve.mode, or merge.", valueName: "mode"))
  var mode: EvolutionSettings.Mode?

  func configuration() throws -> NodeConfiguration {
    var configuration = try host.nodeConfiguration()
    if let mode { configuration.evolution.mode = mode }
    if let model { configuration.evaluation.model = model }
    if !texts.isEmpty {
      configuration.evaluation.domains = [:]
      for text in texts {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw GenomePackageError(.usage, "--text \(text): a domain, = and a path") }
        configuration.evaluation.domains[String(parts[0])] = (String(parts[1]) as NSString).expandingTildeInPath
      }
    }
    return configuration
  }

  func store(_ configuration: NodeConfiguration) throws -> GenomeStore {
    try GenomeStore(folder: genomeFolder ?? configuration.genomeFolder ?? HostOptions.folder + "/genomes")
  }
}

extension EvolutionSettings.Mode: ExpressibleByArgument {}

/// Evolution of this machine, put together from its folder and plugins.
struct EvolveNode {
  let library: GenomeLibrary
  let evaluation: NodeEvaluation
  let evolution: Evolution

  init(_ options: EvolveOptions, progress: @escaping @Sendable (String, Int, Int) -> Void) throws {
    let configuration = try options.configuration(), store = try options.store(configuration)
    guard let name = configuration.evaluation.model else {
      throw GenomePackageError(.usage, "no base model is named; give --model, or set evaluation.model")
    }
    let models = ModelStore(folder: configuration.modelFolder ?? HostOptions.folder + "/models")
    let host = options.host.host(configuration), choice = OperatorChoice(host, versions: configuration.pluginVersions)
    library = GenomeLibrary(store: store, identity: try NodeIdentity(path: HostOptions.folder + "/identity"), now: { GenomeOptions.now() })
    evaluation = try NodeEvaluation(
      store: store, model: try models.location((name as NSString).expandingTildeInPath), settings: configuration.evaluation, random: CentramHost.SystemRandom(),
      hashCache: HostOptions.cacheFolder + "/file-hashes.json", now: { GenomeOptions.now() })
    var settings = Evolution.Options()
    (settings.agent, settings.progress) = ("centram-host/\(CentramVersion.text)", progress)
    evolution = Evolution(
      library: library, merge: GenomeMerge(store: store, host: host), measuring: evaluation, base: evaluation.base, settings: configuration.evolution, options: settings,
      operatorVersion: { try? choice($0).version })
  }
}
