internal import ArgumentParser

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "merge", abstract: "Merges models and adapters.", subcommands: [])
}
