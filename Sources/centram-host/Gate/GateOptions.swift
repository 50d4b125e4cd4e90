internal import ArgumentParser
internal import CentramNode

struct GateOptions: ParsableArguments {
  @OptionGroup var host: HostOptions
  @Option(name: .customLong("genomes"), help: ArgumentHelp("The folder of genomes. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
  var genomeFolder: String?
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp("A base model that this node runs: a path or the name of a stored one. May be given again. Default: every model of the model store.", valueName: "model"))
  var models: [String] = []
}

extension GateOptions {
  func node() throws -> GenomeNode {
    var options = GenomeNode.Options()
    (options.genomeFolder, options.models) = (genomeFolder, models)
    return try GenomeNode(host, try host.nodeConfiguration(), options)
  }
}
