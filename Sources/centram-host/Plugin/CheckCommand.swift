internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPluginTesting
internal import Foundation

extension PluginCommand {
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Carries out the checks on a plugin's folder or library, and the conformance suite of its kind.",
      discussion: """
        The checks only read. The suite runs the plugin's code, in a process of its own: by itself only where a trusted publisher signed the \
        plugin, otherwise with --run.
        """)
    @Argument(help: "A folder with plugin.json, or a library.", completion: .file()) var path: String
    @OptionGroup var options: HostOptions
    @Flag(name: .customLong("run"), help: "Run the suite though no trusted publisher signed the plugin: runs its code, in a process of its own.")
    var runsUnsigned = false
    @Flag(name: .customLong("no-conformance"), help: "Only the checks that read.") var onlyReads = false
    @Option(help: ArgumentHelp("Only this check of the suite. May be given again.", valueName: "check")) var only: [String] = []
    @Option(help: ArgumentHelp("Leave out a check of the suite that does not apply. May be given again.", valueName: "check")) var skip: [String] = []
    @Option(help: ArgumentHelp("The seed of the suite's random numbers.", valueName: "number")) var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Where a transport listens. Default: SCHEME://127.0.0.1:0.", valueName: "address")) var listen: String?
    @Option(help: ArgumentHelp("The plugin's own settings.", valueName: "JSON")) var settings = "{}"
    @Option(help: ArgumentHelp("A parameter of a merge operator or a setting of a training for the suite. May be given again.", valueName: "name=value"))
    var set: [String] = []
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Load it too, in this process: runs its code.") var load = false

    func run() throws {
      try Terminal.reporting {
        let configuration = try options.nodeConfiguration()
        let request = try request()
        let report = try PluginCheckReport(check(configuration), request: request, process: process) { result in
          if !json { print("  \(PluginCheckReport.line(result))") }
        }
        if json { try Terminal.printJSON(CheckSummary(report)) } else if let why = report.whyNotRun { print("conformance not run: \(why)") }
        if let failure = report.failure { throw HostError(.invalid, failure) }
      }
    }

    /// The checks that only read, and their outcome for people.
    private func check(_ configuration: NodeConfiguration) throws -> PluginRecord {
      let last = load ? PluginCheck.interface : .fingerprint
      let bare = runsUnsigned ? PluginCheckReport.check(library: path, trust: configuration.trust, upTo: last) : nil
      let record = bare ?? options.host(configuration).check(path, upTo: last)
      guard !json else { return record }
      print(record.title)
      for check in record.checks { print("  \(check)") }
      return record
    }

    private func request() throws -> ConformanceRequest? {
      guard !onlyReads else { return nil }
      var parameters: [String: String] = [:]
      for text in set {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw HostError(.invalid, "--set \(text) is not NAME=VALUE") }
        parameters[parts[0]] = parts[1]
      }
      return ConformanceRequest(
        path: path, runsUnsigned: runsUnsigned, only: only.isEmpty ? nil : only, skipped: skip, seed: seed, configurationJSON: settings, listenOn: listen, parameters: parameters)
    }

    /// This executable again. Without a backtrace, which takes seconds where a plugin kills the process.
    private var process: ConformanceProcess {
      let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
      let file = options.configurationFile.map { ["--config", $0] } ?? []
      return ConformanceProcess(command: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no", executable, "plugin", "conform"] + file + ["--"])
    }
  }

  /// What `check` runs in a process of its own.
  struct Conform: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "conform", abstract: "Loads a plugin, runs the suite of its kind and prints a line of JSON for each check.", shouldDisplay: false)
    @OptionGroup var options: HostOptions
    @Argument(help: "What to judge and how, as JSON.") var request: String

    func run() throws {
      try Terminal.reporting { ConformanceChild.main(request, trust: try options.nodeConfiguration().trust) }
    }
  }
}

/// A plugin that was checked, as JSON.
private struct CheckSummary: Encodable {
  struct Result: Encodable { let check: String, outcome: String, detail: String?, expected: String?, seen: String? }
  let plugin: PluginSummary
  let conformance: [Result]
  let conformanceNotRun: String?

  init(_ report: PluginCheckReport) {
    (plugin, conformanceNotRun) = (PluginSummary(report.record), report.whyNotRun)
    conformance = report.results.map { result in
      switch result.outcome {
      case .passed: Result(check: result.check, outcome: "passed", detail: nil, expected: nil, seen: nil)
      case .skipped(let why): Result(check: result.check, outcome: "skipped", detail: why, expected: nil, seen: nil)
      case .failed(let expected, let seen): Result(check: result.check, outcome: "failed", detail: nil, expected: expected, seen: seen)
      }
    }
  }
}
