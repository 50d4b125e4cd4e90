internal import ArgumentParser

/// The node, from the command line.
@main
struct CentramHostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "centram-host", abstract: "Local AI with plugins: run, measure and merge models and adapters; more in docs/STATUS.md.",
    discussion: """
      Exit codes: 0 done, 64 wrong usage, 65 wrong configuration or input, 69 a plugin is missing or refused, 70 a plugin failed, \
      73 the output cannot be written, 130 interrupted. gate check also ends with 10 for a genome that is rejected, 11 for one in quarantine.
      """,
    version: CentramVersion.text,
    subcommands: [
      GenerateCommand.self, ChatCommand.self, EvaluateCommand.self, MergeCommand.self, ModelCommand.self, PluginCommand.self, TrainCommand.self,
      GenomeCommand.self, GateCommand.self, EvolveCommand.self, RoundCommand.self, ServeCommand.self, PeersCommand.self, TicketCommand.self, IdentityCommand.self,
    ])
}

enum CentramVersion {
  static let text = "0.1.0"
}
