internal import ArgumentParser
internal import CentramNode
internal import CentramStore
internal import Foundation

/// The model that evolution made, by name.
struct EvolvedOptions: ParsableArguments {
  @Flag(help: "Run the model as evolve step left it: the base with the merged genome, or the mixture of genomes. Requests count for merges that are on trial.") var evolved = false
  @Option(
    name: .customLong("genomes"),
    help: ArgumentHelp("The folder of genomes, with --evolved. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
  var folder: String?

  private func store() throws -> GenomeStore { try GenomeStore(folder: folder ?? HostOptions.nodeConfiguration(nil).genomeFolder ?? HostOptions.folder + "/genomes") }

  /// Nil unless asked for.
  func model(_ loaded: LoadedModel) throws -> LoadedModel.Evolved? { evolved ? try loaded.evolved(store()) : nil }

  /// Records what the answers of a mixture rest on.
  func record(_ results: [GenerationResult], _ experts: [MixtureExpert]) throws {
    guard evolved else { return }
    let store = try store()
    for result in results {
      guard let weights = result.responsibilities else { continue }
      let shares = Dictionary(uniqueKeysWithValues: zip(experts.map(\.name), weights).filter { $0.0 != "base" })
      try Evolution.recordUse(shares, tokens: result.usage.completionTokens, in: store, now: GenomeOptions.now())
    }
  }

  /// Counts a request that the model answered for the merges that are on trial. One that cannot be counted has its answer all the same.
  /// - Parameter path: of the base model.
  func count(_ text: String, _ loaded: LoadedModel, path: String) {
    guard evolved else { return }
    do {
      let tokens = try HostOptions.nodeConfiguration(nil).evolution.shadowTokens, cache = HostOptions.cacheFolder + "/file-hashes.json"
      _ = try LiveRequests(store: store(), loaded: loaded, base: { () throws(GenomePackageError) in try BaseModelHash.of(path, cache: cache) }, tokens: tokens).record(text)
    } catch { Terminal.note("warning: the request was not counted for the merges on trial: \((error as? GenomePackageError)?.message ?? "\(error)")") }
  }
}
