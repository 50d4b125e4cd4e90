internal import ArgumentParser
internal import CentramNode
internal import Foundation

struct RoundCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "round", abstract: "Trains an adapter together with peers, in rounds.",
    discussion: """
      Asks the node that runs on this machine (centram-host serve) through the control socket in ~/.centram. In each outer step every participant trains on its \
      own data, commits to its update, shows it, and votes on the merge, which each computes for itself. See docs/ROUNDS.md.
      """,
    subcommands: [Start.self, Join.self, Status.self, Stop.self], defaultSubcommand: Status.self)

  /// Asks the node, with a request in a file where there is one.
  static func ask(_ words: String, _ request: (any Encodable)? = nil) throws -> RoundAnswer {
    var line = "round \(words)"
    if let request {
      let name = UUID().uuidString
      do {
        try FileManager.default.createDirectory(atPath: RoundServing.folder, withIntermediateDirectories: true)
        try JSONEncoder().encode(request).write(to: URL(fileURLWithPath: "\(RoundServing.folder)/\(name)"), options: .atomic)
      } catch { throw RoundError(.storage, "\(RoundServing.folder): \(error.localizedDescription)") }
      line += " \(name)"
    }
    let data = try ControlClient.ask(line, folder: HostOptions.folder)
    guard let answer = try? JSONDecoder().decode(RoundAnswer.self, from: data) else {
      throw SessionError(.malformed, "the node's answer cannot be read; it may be of another version than this command")
    }
    if let error = answer.error { throw RoundError(.configuration, error) }
    return answer
  }

  /// The node has another working folder than the command.
  static func absolute(_ path: String) -> String { URL(fileURLWithPath: (path as NSString).expandingTildeInPath).standardizedFileURL.path }

  struct Join: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "join", abstract: "Takes part in a round that its coordinator, a connected peer, announced.")
    @Argument(help: "The round's name or its beginning; centram-host round status shows them.") var round: String
    @Option(help: ArgumentHelp("The base model that the round names: a folder or a file.", valueName: "path")) var base: String
    @Option(help: ArgumentHelp("What to train on: a folder with train.jsonl, a folder of texts, or a file.", valueName: "path")) var data: String
    @Option(help: "Domain of the data, which others see.") var domain = ""
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        var request = NodeRounds.JoinRequest(round: round, base: RoundCommand.absolute(base), data: RoundCommand.absolute(data))
        request.domain = domain
        let answer = try RoundCommand.ask("join", request)
        if json { return try Terminal.printJSON(answer) }
        print("asking to take part in round \(answer.round ?? "?")")
      }
    }
  }

  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Shows the rounds that this node coordinates, takes part in, or heard of.")
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let rounds = try RoundCommand.ask("status").rounds ?? []
        if json { return try Terminal.printJSON(rounds) }
        guard !rounds.isEmpty else { return Terminal.note("no rounds; centram-host round start begins one") }
        for round in rounds {
          print("\(round.round)  \(round.role), \(round.phase), step \(round.step) of \(round.outerSteps), \(Terminal.count(round.participants, "participant"))")
          print("  coordinator \(round.coordinator.prefix(16)), base \(round.base.prefix(16)), \(round.trainer)\(round.domain.isEmpty ? "" : ", domain \(round.domain)")")
          if let wait = round.waiting { print("  waits for \(wait.text(now: UInt64(max(0, Date().timeIntervalSince1970 * 1_000)), duration: Terminal.duration))") }
          if !round.lastResult.isEmpty { print("  last aggregate \(round.lastResult)") }
          for vote in round.votes {
            let lift = vote.lift == 0 ? "no lift measured" : String(format: "lift %+.4f nat a byte", vote.lift)
            print("  step \(vote.step): participant \(vote.participant) voted \(vote.accept ? "yes" : "no"), \(lift)\(vote.reason.isEmpty ? "" : ": \(vote.reason)")")
          }
          if !round.message.isEmpty { print("  \(round.message)") }
        }
      }
    }
  }

  struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stop", abstract: "Gives up a round that this node coordinates, or leaves one. Final aggregates stay good.")
    @Argument(help: "The round's name, 32 hexadecimal digits.") var round: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let answer = try RoundCommand.ask("stop \(round)")
        if json { return try Terminal.printJSON(answer) }
        print("round \(round) is stopped here")
      }
    }
  }
}
