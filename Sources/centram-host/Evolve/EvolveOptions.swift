public import ArgumentParser
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

  /// - Parameter progress: called before a genome is measured.
  func evolution(progress: @escaping @Sendable (String, Int, Int) -> Void) throws -> Evolution {
    var options = GenomeNode.Options()
    (options.genomeFolder, options.progress) = (genomeFolder, progress)
    let configuration = try configuration()
    if let evolution = try GenomeNode(host, configuration, options).evolution { return evolution }
    guard configuration.evaluation.model != nil else { throw GenomePackageError(.usage, "no base model is named; give --model, or set evaluation.model") }
    throw GenomePackageError(.usage, "there is no text to measure on; give --text DOMAIN=PATH, or set evaluation.domains")
  }

  func store(_ configuration: NodeConfiguration) throws -> GenomeStore {
    try GenomeStore(folder: genomeFolder ?? configuration.genomeFolder ?? HostOptions.folder + "/genomes")
  }
}

extension EvolutionSettings.Mode: ExpressibleByArgument {}
