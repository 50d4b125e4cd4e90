internal import ArgumentParser
internal import CentramNode
internal import CentramStore
internal import Foundation

struct EvolveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evolve", abstract: "Takes accepted genomes into the node's model where they measure better, and takes them back.",
    subcommands: [Status.self, StepCommand.self, Revert.self, Royalties.self])

  struct StepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "step", abstract: "Tries every accepted genome that is not part of the model yet.",
      discussion: """
        Each is measured on the hold-out of evaluation.domains; what makes the model better by the bootstrap's bound, and no domain worse, is kept. The node's \
        own trained genome comes first. Text that this node trains on does not belong into evaluation.domains.
        """)
    @OptionGroup var options: EvolveOptions
    @Flag(help: "Try genomes again that were taken back.") var retry = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let line = StepLine("genome", isShown: !json)
        defer { line.finish() }
        let evolution = try options.evolution { _, done, total in if total > 0 { line.show(min(done + 1, total), of: total) } }, retries = retry
        _ = try evolution.checkShadow()
        let result: Result<EvolutionReport, GenomePackageError> = Blocking.run {
          do throws(GenomePackageError) { return .success(try await evolution.step(retries: retries) { Interrupt.isRequested }) } catch { return .failure(error) }
        }
        let report = try result.get()
        line.finish()
        if json { return try Terminal.printJSON(report) }
        show(report)
      }
    }

    private func show(_ report: EvolutionReport) {
      guard !report.lines.isEmpty else { return Terminal.note("nothing to try: no accepted genome is outside the model; centram-host genome list --state accepted shows them") }
      func cell(_ value: Double?, signed: Bool = false) -> String { value.map { String(format: signed ? "%+.4f" : "%.4f", $0) } ?? "-" }
      func row(_ cells: [String]) {
        print(zip(cells, [14, 10, 10, 8, 11, 11, 9, 10, 0]).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }.joined(separator: " "))
      }
      row(["genome", "domain", "outcome", "weight", "own", "generalist", "lift", "at least", "why"])
      for line in report.lines {
        row([
          String(line.genome.prefix(12)), line.domain, line.outcome.rawValue, cell(line.weight), cell(line.ownAfter), cell(line.generalistAfter), cell(line.lift, signed: true),
          cell(line.lowerBound, signed: true), line.reason,
        ])
      }
      print("\nlosses in nat a byte on the hold-out\(report.ownDomain.map { ", own: \($0)" } ?? "")")
      print(EvolveCommand.words(report.model))
    }
  }

  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Shows the model in use, the merges behind it, and what was not taken in.")
    @OptionGroup var options: EvolveOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let configuration = try options.configuration(), store = try options.store(configuration), state = try EvolutionState.current(in: store)
        if json { return try Terminal.printJSON(state) }
        print(EvolveCommand.words(state.model))
        for entry in state.history {
          let requests = entry.isProved ? nil : try Evolution.liveRequests(entry.genome, in: store)
          let shadow = entry.isProved ? "" : "  in its shadow period, \(requests ?? 0) of \(configuration.evolution.shadowRequests) requests"
          print(
            "\(entry.number)  \(entry.genome.prefix(12))  \(entry.domain)  by \(entry.author.prefix(8))  weight \(String(format: "%.4f", entry.weight))  lift \(String(format: "%+.4f", entry.lift))"
              + "\(entry.isExact ? "" : "  compressed")\(shadow)")
        }
        for decision in state.decisions { print("-  \(decision.genome.prefix(12))  \(decision.reason)") }
      }
    }
  }

  struct Revert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "revert", abstract: "Takes the last merge back: the model is bit for bit what it was before.",
      discussion: "The genome is not tried again unless evolve step is told --retry.")
    @OptionGroup var options: EvolveOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let reverted: EvolutionState.Entry?, model: EvolvedModel }

    func run() throws {
      try Terminal.reporting {
        let store = try options.store(try options.configuration())
        let entry = try Evolution.revert(in: store, now: GenomeOptions.now()), model = try EvolutionState.current(in: store).model
        if json { return try Terminal.printJSON(Outcome(reverted: entry, model: model)) }
        guard let entry else { return Terminal.note("nothing to take back: no genome is part of the model") }
        print("\(entry.genome): taken back")
        print(EvolveCommand.words(model))
      }
    }
  }

  struct Royalties: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "royalties", abstract: "Shows for what genomes' authors are owed a share.",
      discussion: "Events are numbered from 1 without gaps and never change: a reader that remembers the last number it took takes each once.")
    @OptionGroup var options: EvolveOptions
    @Option(help: ArgumentHelp("Only those after a number.", valueName: "number")) var after = 0
    @Option(help: "At most so many.") var limit: Int?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        guard after >= 0, limit ?? 1 > 0 else { throw GenomePackageError(.usage, "--after from 0, --limit from 1") }
        let events = try Evolution.royalties(in: try options.store(try options.configuration()), after: after, limit: limit ?? .max)
        if json { return try Terminal.printJSON(events) }
        guard !events.isEmpty else { return Terminal.note("no events after \(after)") }
        for event in events {
          let shares = event.parents.map { "\($0.genome.prefix(12)) \($0.basisPoints)" }.joined(separator: ", ")
          let more = event.lift.map { "  lift \(String(format: "%+.4f", $0))" } ?? event.tokens.map { "  \($0) tokens" } ?? event.reverts.map { "  of merge \($0)" } ?? ""
          print("\(event.number)  \(event.kind.rawValue)\(more)\(shares.isEmpty ? "" : "  \(shares)")")
        }
      }
    }
  }

  static func words(_ model: EvolvedModel) -> String {
    switch model {
    case .base: "model: the base alone"
    case .merged(let genome): "model: the base with \(genome)"
    case .mixture(let experts):
      "model: a mixture of " + experts.map { "\($0.genome.map { String($0.prefix(12)) } ?? "the base") \(String(format: "%.3f", $0.prior))" }.joined(separator: ", ")
    }
  }
}
