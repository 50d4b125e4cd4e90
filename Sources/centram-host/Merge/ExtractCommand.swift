internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

extension MergeCommand {
  struct Extract: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "extract-lora", abstract: "Makes an adapter of the difference between a model and its base.",
      discussion: "Flags as in mergekit-extract-lora. PEFT loads the result as it is.")
    @Option(help: "The changed model: a folder, or folder+adapter.", completion: .directory) var model: String
    @Option(help: "The model that it was made from.", completion: .directory) var baseModel: String
    @Option(help: "The folder to write.", completion: .directory) var outPath: String
    @OptionGroup var host: HostOptions
    @Option(help: "Largest rank of a module.") var maxRank = 128
    @Option(help: "Singular values at most this are left out.") var svEpsilon = 0.0
    @Flag(inversion: .prefixedNo, help: "Put the root of the singular values into both factors, not all into A.") var distributeScale = true
    @Option(help: ArgumentHelp("Only modules in whose names this is found. May be given again.", valueName: "regex")) var includeRegex: [String] = []
    @Option(help: ArgumentHelp("Leave out modules in whose names this is found. May be given again.", valueName: "regex")) var excludeRegex: [String] = []
    @Flag(help: "Leave out embeddings, heads and norms that the model did not change.") var skipUnchanged = false
    @Option(help: ArgumentHelp("How the lineage names inputs: xxh128, sha256, none.", valueName: "algorithm")) var hash: FileHashAlgorithm?
    @Flag(help: "Replace the output whatever it holds.") var force = false
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "No progress and no warnings.") var quiet = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        guard maxRank >= 1 else { throw MergeError(.configuration, "--max-rank \(maxRank): at least 1") }
        guard svEpsilon >= 0, svEpsilon.isFinite else { throw MergeError(.configuration, "--sv-epsilon \(svEpsilon): at least 0") }
        let node = try host.nodeConfiguration()
        var options = MergeOptions()
        (options.hash, options.replacesAnything, options.centramVersion) = (hash ?? node.mergeHash, force, CentramVersion.text)
        options.hashCache = HostOptions.cacheFolder + "/file-hashes.json"
        options.threads = node.mergeThreads ?? ProcessInfo.processInfo.activeProcessorCount
        var extraction = LoraExtraction.Options()
        (extraction.maximumRank, extraction.threshold, extraction.distributesScale) = (maxRank, svEpsilon, distributeScale)
        extraction.skipsUnchanged = skipUnchanged
        extraction.included = try includeRegex.map { try NamePattern($0) }
        extraction.excluded = try excludeRegex.map { try NamePattern($0) }
        let job = ExtractionJob(
          model: model, base: baseModel, operators: OperatorChoice(host.host(node), versions: node.pluginVersions), extraction: extraction, options: options)
        let line = StepLine("extracting", isShown: !quiet)
        defer { line.finish() }
        let observer = MergeObserver(
          warn: { [quiet] message in if !quiet { Terminal.note("warning: \(message)") } }, isCancelled: { Interrupt.isRequested })
        let report = try job.run(output: outPath, observer: observer) { done, total in line.show(done, of: total) }
        line.finish()
        if json { return try Terminal.printJSON(report) }
        if !quiet { print("\(outPath): \(Terminal.bytes(report.bytesOut)) in \(String(format: "%.2f", report.seconds)) s") }
      }
    }
  }
}
