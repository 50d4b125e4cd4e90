internal import ArgumentParser
internal import CentramNode
internal import CentramPluginAPI
internal import Foundation

struct IdentityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity", abstract: "Shows this node's id, or moves it to a new key.", subcommands: [Show.self, Rotate.self], defaultSubcommand: Show.self)

  private struct Summary: Encodable { let id: String }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Prints the id by which peers know this node.")
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let id = try NodeIdentity(path: HostOptions.folder + "/identity").publicKey.map { String(format: "%02x", $0) }.joined()
        if json { return try Terminal.printJSON(Summary(id: id)) }
        print(id)
      }
    }
  }

  struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rotate", abstract: "Moves the node that runs on this machine to a new key.",
      discussion: """
        Both keys sign the change, and every peer that is connected is told. The old key stays beside the new one, in identity.former. Peers that are not \
        connected now know the node by its old id and must be given the new one.
        """)
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let data = try ControlClient.ask("rotate", folder: HostOptions.folder)
        guard let answer = try? JSONDecoder().decode(RotationAnswer.self, from: data) else {
          throw SessionError(.malformed, "the node's answer cannot be read; it may be of another version than this command")
        }
        if let error = answer.error { throw SessionError(.transport, error) }
        if json { return try Terminal.printJSON(answer) }
        print("\(answer.former ?? "?") is \(answer.id ?? "?") now; \(Terminal.count(answer.toldPeers ?? 0, "peer")) told")
      }
    }
  }
}
