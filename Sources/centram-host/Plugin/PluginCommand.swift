internal import ArgumentParser
internal import CentramHost
internal import Foundation

struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Makes, lists, explains, checks, packs, signs and installs plugins.",
    subcommands: [
      New.self, List.self, Info.self, Check.self, Conform.self, Pack.self, Describe.self, Keygen.self, Sign.self, Trust.self, Untrust.self, Revoke.self,
      Install.self, Uninstall.self, Verify.self,
    ])
}

/// A plugin as JSON.
struct PluginSummary: Encodable {
  struct Check: Encodable { let check: String, outcome: String, detail: String }
  let id: String, version: String?, kind: String, state: String, reason: String?, lanes: [String], summary: String, path: String
  let publisher: String?
  let placement: String, isolation: IsolationDetails?
  let checks: [Check]

  init(_ record: PluginRecord) {
    (id, version, kind, summary, path) = (record.id, record.version?.description, record.kind.rawValue, record.summary, record.path)
    (state, reason, publisher) = (record.isDisabled ? "disabled" : record.state.description, record.reason, record.publisher)
    (placement, self.isolation) = (record.placement.rawValue, IsolationDetails(record))
    lanes = record.lanes.map(\.rawValue).sorted()
    checks = record.checks.map { result in
      switch result.outcome {
      case .passed: Check(check: result.check.rawValue, outcome: "passed", detail: result.check.summary)
      case .skipped(let why): Check(check: result.check.rawValue, outcome: "skipped", detail: why)
      case .failed(let why): Check(check: result.check.rawValue, outcome: "failed", detail: why)
      }
    }
  }
}

extension PluginCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Shows every plugin that was found, and why one cannot be used.")
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Load each plugin, to see whether it comes up.") var load = false

    func run() throws {
      try Terminal.reporting {
        let host = options.host(try options.nodeConfiguration())
        if load {
          for record in host.snapshot().usable() {
            guard let version = record.version else { continue }
            _ = try? host.load(id: record.id, range: VersionRange("\(version)"))
          }
        }
        let records = host.snapshot().records
        if json { return try Terminal.printJSON(records.map(PluginSummary.init)) }
        guard !records.isEmpty else { return Terminal.note("no plugins; name a folder with --plugins, or install some beside the executable") }
        let width = records.map(\.id.count).max() ?? 0
        for record in records {
          let state = record.isDisabled ? "disabled" : record.state.description
          let columns = [
            record.id.padding(toLength: width, withPad: " ", startingAt: 0),
            (record.version?.description ?? "?").padding(toLength: 8, withPad: " ", startingAt: 0),
            record.kind.rawValue.padding(toLength: 14, withPad: " ", startingAt: 0),
            record.lanes.map(\.rawValue).sorted().joined(separator: "+").padding(toLength: 7, withPad: " ", startingAt: 0),
            state.padding(toLength: 8, withPad: " ", startingAt: 0),
          ]
          print(columns.joined(separator: " "), record.reason ?? record.summary, record.placement == .isolated ? "(\(IsolationDetails.line(record)))" : "")
        }
      }
    }
  }

  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Tells what a plugin does, takes and was checked for.")
    @Argument(help: "An id, or its last part: merge.ties, ties.") var name: String
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let host = options.host(try options.nodeConfiguration())
        let found = try Self.record(name, host)
        if found.reason == nil, let version = found.version { _ = try? host.load(id: found.id, range: VersionRange("\(version)")) }
        let record = host.snapshot().records.first { $0.path == found.path && $0.id == found.id } ?? found
        let details = record.reason == nil && record.kind == .mergeOperator ? try OperatorDetails(host.mergeOperator(record.id).info) : nil
        let trainer = record.reason == nil && record.kind == .trainer ? try TrainerDetails(host.trainer(record.id).info) : nil
        if json {
          return try Terminal.printJSON(PluginInformation(plugin: PluginSummary(record), merge: details, trainer: trainer))
        }
        print("\(record.title)  \(record.kind)\n\(record.summary)\n\nstate   \(record.state)\(record.reason.map { ": \($0)" } ?? "")\npath    \(record.path)")
        print(
          "lanes   \(record.lanes.map(\.rawValue).sorted().joined(separator: ", "))\nsigned  \(record.publisher.map { "by \($0)" } ?? "no")\nruns    \(IsolationDetails.line(record))"
        )
        details?.print()
        if let trainer { OperatorDetails.Parameter.print(trainer.parameters) }
        print("\nchecks")
        for check in record.checks { print("  \(check)") }
      }
    }

    static func record(_ name: String, _ host: PluginHost) throws -> PluginRecord {
      let records = host.snapshot().records
      guard !records.isEmpty else { throw HostError(.notFound, "no plugin named \(name): there are no plugins; name a folder with --plugins") }
      let folded = name.replacing("_", with: "-")
      if let exact = records.first(where: { $0.id == name && $0.reason == nil }) ?? records.first(where: { $0.id == name }) { return exact }
      let short = records.filter { $0.shortName.replacing("_", with: "-") == folded && $0.shadowedBy == nil }
      if let one = short.first, Set(short.map(\.id)).count == 1 { return one }
      guard short.isEmpty else { throw HostError(.ambiguous, "\(name) may be \(Set(short.map(\.id)).sorted().joined(separator: " or "))") }
      // A folder that was refused before its id was known has the id in its name.
      if let refused = records.first(where: { $0.reason != nil && $0.version == nil && $0.id.hasPrefix(name) }) { return refused }
      let near = NearestName.suggestion(for: name, among: records.map { name.contains(".") ? $0.id : $0.shortName })
      throw HostError(.notFound, "no plugin named \(name); " + (near.map { "nearest: \($0)" } ?? "centram-host plugin list names all"))
    }
  }

  struct PluginInformation: Encodable {
    let plugin: PluginSummary
    let merge: OperatorDetails?, trainer: TrainerDetails?
  }
}
