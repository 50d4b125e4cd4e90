internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import Foundation

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Judges genomes, and says why they were judged so.",
    discussion: "The layers are plugins; docs/plugins/gate-layers.md says what each of them asks, and the configuration's gate section how strictly.",
    subcommands: [Check.self, Explain.self, Layers.self, Summary.self, Invite.self, Invitations.self])
}

extension GateCommand {
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Asks every layer about a genome, in order, until one refuses.",
      discussion: """
        A file or folder is only looked at. A genome of the store is judged: verdicts, measures and state are kept. Ends with 0 where it is accepted, 10 where it is \
        rejected, 11 where it is kept in quarantine.
        """)
    @Argument(help: ArgumentHelp("A folder, a .genome file, or an id or its beginning.", valueName: "path|id"), completion: .file()) var target: String
    @OptionGroup var options: GateOptions
    @Flag(help: "Judge whether it may leave this node, not whether it may be merged.") var outbound = false
    @Flag(help: "Print JSON.") var json = false

    static let rejected: Int32 = 10, quarantined: Int32 = 11

    func run() throws {
      var status: Int32 = 0
      try Terminal.reporting {
        let node = try options.node(), judge = node.gate, measured = node.judge, direction: GateDirection = outbound ? .outbound : .inbound
        let result: Result<GateReport, GateError>
        if FileManager.default.fileExists(atPath: target) {
          let files = try GenomeFiles(path: target)
          result = Blocking.run { () async -> Result<GateReport, GateError> in
            do throws(GateError) { return .success(try await judge.check(files, direction)) } catch { return .failure(error) }
          }
        } else {
          guard !target.contains("/"), !target.contains(".") else { throw GenomePackageError(.notFound, "\(target): there is no such file or folder") }
          let id = try node.library.genome(target).id
          result = Blocking.run { () async -> Result<GateReport, GateError> in
            do throws(GateError) { return .success(try await measured.judge(id, direction)) } catch { return .failure(error) }
          }
        }
        let report = try result.get()
        if json { try Terminal.printJSON(GateReportSummary(report, judge)) } else { print(GateReportSummary(report, judge).text) }
        switch report.outcome {
        case .accepted: break
        case .quarantined: status = Self.quarantined
        case .rejected: status = Self.rejected
        }
      }
      if status != 0 { throw ExitCode(status) }
    }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain", abstract: "Shows every verdict that was kept of a genome, with what it rests on.",
      discussion: "Warns where a layer was switched off when it was judged.")
    @Argument(help: "An id or its beginning.") var id: String
    @Option(name: .customLong("genomes"), help: ArgumentHelp("The folder of genomes. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
    var genomeFolder: String?
    @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file. Default: ~/.centram/config.json, where there is one.", valueName: "file"))
    var configurationFile: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      var options = GenomeOptions()
      (options.folder, options.configurationFile) = (genomeFolder, configurationFile)
      try GenomeCommand.reporting(options) { library in
        let explanation = try GateExplanation(try library.genome(id), library.store)
        if json { try Terminal.printJSON(explanation) } else { print(explanation.text) }
      }
    }
  }

  struct Layers: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "layers", abstract: "Shows the gate's layers: versions, places, directions, settings, and what is missing or switched off.")
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable {
      struct Layer: Encodable { let id: String, version: String, position: Int?, directions: [String], policy: String, problem: String? }
      let layers: [Layer], disabled: [String], warning: String?
    }

    func run() throws {
      try Terminal.reporting {
        let configuration = try options.nodeConfiguration()
        let pipeline = try GatePipeline(settings: configuration.gate, layers: options.host(configuration), clock: SystemClock(), store: UnkeptVerdicts())
        let disabled = configuration.gate.disabled.sorted()
        if json {
          let layers = pipeline.layers.map { layer in
            Outcome.Layer(
              id: layer.id, version: layer.version, position: layer.position, directions: GateReportSummary.names(of: layer.directions), policy: layer.policyJSON,
              problem: layer.problem)
          }
          return try Terminal.printJSON(Outcome(layers: layers, disabled: disabled, warning: configuration.gate.warning))
        }
        let width = (pipeline.layers.map(\.id) + disabled).map(\.count).max() ?? 0
        func line(_ place: String, _ id: String, _ rest: String) {
          print("\(String(repeating: " ", count: max(0, 2 - place.count)))\(place)  \(id.padding(toLength: width, withPad: " ", startingAt: 0))  \(rest)")
        }
        for layer in pipeline.layers {
          let directions = GateReportSummary.names(of: layer.directions).joined(separator: ", "), policy = layer.policyJSON == "{}" ? "" : "  \(layer.policyJSON)"
          line(layer.position.map(String.init) ?? "-", layer.id, layer.problem.map { "missing, so nothing passes: \($0)" } ?? "\(layer.version)  \(directions)\(policy)")
        }
        for id in disabled { line("-", id, "switched off") }
        if let warning = configuration.gate.warning { Terminal.note("warning: \(warning)") }
      }
    }
  }
}
