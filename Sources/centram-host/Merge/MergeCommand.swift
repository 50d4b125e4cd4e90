public import ArgumentParser
public import CentramNode
internal import Foundation
internal import Synchronization

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Merges models and adapters.",
    usage: """
      centram-host merge <configuration> <output> [<options>]      see: centram-host help merge run
      centram-host merge extract-lora --model <model> --base-model <model> --out-path <output> [<options>]
      """, subcommands: [Run.self, Extract.self], defaultSubcommand: Run.self)
}

extension MergeCommand {
  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "run", abstract: "Merges what a configuration says, in mergekit's format, into a folder.",
      discussion: "docs/reference/merge-configuration.md describes the file key by key.")
    @Argument(help: "The configuration, YAML or JSON.", completion: .file()) var configuration: String
    @Argument(help: "The folder to write. An earlier merge there is replaced when the new one is whole.", completion: .directory) var output: String
    @OptionGroup var host: HostOptions
    @Option(help: "What random operators draw from.") var seed: UInt64 = 0
    @Option(help: "Threads; the result does not depend on it. Default: one a core.") var threads: Int?
    @Option(help: ArgumentHelp("Largest file of the output: 5GB, 500MB, bytes.", valueName: "size")) var shardSize = "5GB"
    @Option(help: ArgumentHelp("How the lineage names inputs: xxh128, sha256, none.", valueName: "algorithm")) var hash: FileHashAlgorithm?
    @Option(help: ArgumentHelp("A safetensors file of masks (TENSOR|MODEL) that random operators use.", valueName: "file")) var masks: String?
    @Flag(help: "Show what would be done, and do nothing.") var dryRun = false
    @Flag(help: "Wait until the output is on the disk. Always done where it replaces an earlier one.") var sync = false
    @Flag(help: "Replace the output whatever it holds.") var force = false
    @Flag(name: .customLong("allow-nonfinite"), help: "Merge inputs with NaN or infinity all the same.") var allowNonFinite = false
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "No progress and no warnings.") var quiet = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let node = try host.nodeConfiguration()
        var options = MergeOptions()
        options.seed = seed
        options.threads = try validThreads(threads ?? node.mergeThreads)
        options.shardSize = try ByteCount.parse(shardSize, option: "--shard-size")
        (options.hash, options.hashCache) = (hash ?? node.mergeHash, HostOptions.cacheFolder + "/file-hashes.json")
        (options.masks, options.replacesAnything, options.allowsNonFinite) = (masks, force, allowNonFinite)
        options.synchronizes = sync
        options.centramVersion = CentramVersion.text
        let operators = OperatorChoice(host.host(node), versions: node.pluginVersions)
        let job = try MergeJob(configuration: try text(), name: configuration, operators: operators, options: options)
        if dryRun {
          try show(try job.plans())
          let rest = job.dependentDocuments
          if rest > 0 { Terminal.note("\(rest) more document\(rest == 1 ? "" : "s") can be planned only when those before ran") }
          return
        }
        try merge(job)
      }
    }

    private func text() throws -> String {
      guard let data = FileManager.default.contents(atPath: configuration) else {
        throw MergeError(.configuration, "\(configuration): cannot be read")
      }
      guard let text = String(validating: data, as: UTF8.self) else { throw MergeError(.configuration, "\(configuration): not UTF-8") }
      return text
    }

    private func validThreads(_ threads: Int?) throws -> Int {
      guard let threads else { return ProcessInfo.processInfo.activeProcessorCount }
      guard (1...256).contains(threads) else { throw MergeError(.configuration, "--threads \(threads): from 1 to 256") }
      return threads
    }

    private func merge(_ job: MergeJob) throws {
      let bar = Mutex<ProgressBar?>(nil)
      let observer = MergeObserver(
        progress: { bytes in bar.withLock { $0 }?.advance(bytes) },
        warn: { [quiet] message in if !quiet { Terminal.note("warning: \(message)") } },
        isCancelled: { Interrupt.isRequested })
      defer { bar.withLock { $0 }?.finish() }
      let report = try job.run(output: output, observer: observer) { forecast in
        let next = ProgressBar(forecast.name ?? forecast.operation, total: forecast.bytesOut, isShown: !quiet)
        bar.withLock { bar in
          bar?.finish()
          bar = next
        }
      }
      bar.withLock { $0 }?.finish()
      if json { return try Terminal.printJSON(report) }
      if !quiet { print("\(output): \(Terminal.bytes(report.bytesOut)) in \(String(format: "%.2f", report.seconds)) s") }
    }

    private func show(_ forecasts: [MergeForecast]) throws {
      if json { return try Terminal.printJSON(forecasts) }
      for forecast in forecasts {
        print(forecast.name.map { "\($0): \(forecast.operation)" } ?? forecast.operation)
        for model in forecast.models { print("  from \(model)") }
        print("  \(forecast.tensorsMerged) tensors merged, \(forecast.tensorsCopied) copied, \(forecast.layers) layers, \(forecast.elements) elements")
        print(
          "  reads \(Terminal.bytes(forecast.bytesIn)), writes \(Terminal.bytes(forecast.bytesOut)), takes \(forecast.estimatedSeconds < 1 ? "less than a second" : "about \(Terminal.duration(forecast.estimatedSeconds))")"
        )
        for warning in forecast.warnings { print("  warning: \(warning)") }
      }
    }
  }
}

extension FileHashAlgorithm: ExpressibleByArgument {}
