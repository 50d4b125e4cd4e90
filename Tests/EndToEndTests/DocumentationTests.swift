import Foundation
import Testing

/// Every command and flag of the real binary stands in docs/reference/commands.md.
@Suite struct DocumentationTests {
  struct Help: Decodable {
    let command: Command
  }
  struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { let kind: String, name: String }
      let names: [Name]?
      let shouldDisplay: Bool
    }
    let commandName: String
    let shouldDisplay: Bool
    let arguments: [Argument]?
    let subcommands: [Command]?
    var all: [Command] { [self] + (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }.flatMap(\.all) }
  }

  @Test func everyCommandAndFlagIsInTheReference() throws {
    let help = try JSONDecoder().decode(Help.self, from: Data(Binary.run("--experimental-dump-help").output.utf8))
    let page = try String(contentsOf: Repository.root.appendingPathComponent("docs/reference/commands.md"), encoding: .utf8)
    let commands = help.command.all
    #expect(commands.count >= 8)
    for command in commands {
      // `run` is what `merge` does without a further word.
      if command.commandName != "run" { #expect(page.contains(command.commandName), "\(command.commandName)") }
      for argument in command.arguments ?? [] where argument.shouldDisplay {
        for name in argument.names ?? [] where name.kind == "long" { #expect(page.contains("`--\(name.name)`"), "\(command.commandName) --\(name.name)") }
      }
    }
  }

  @Test func everyConfigurationKeyIsInTheReference() throws {
    let page = try String(contentsOf: Repository.root.appendingPathComponent("docs/reference/configuration.md"), encoding: .utf8)
    let folder = try TemporaryFolder()
    // The errors name what is known; every section is asked.
    let sections = ["plugins", "merge", "models", "genomes", "network", "discovery", "relay", "gate"].map { (#"{"\#($0)": {"zzzzzz": 1}}"#, "\($0).") }
    for (text, section) in [(#"{"zzzzzz": 1}"#, "")] + sections {
      let result = try Binary.run("plugin", "list", "--config", folder.write(text, as: "c.json"))
      #expect(result.status == 65)
      let known = try #require(result.errors.components(separatedBy: "known are ").last).trimmingCharacters(in: .whitespacesAndNewlines)
      for key in known.components(separatedBy: ", ") { #expect(page.contains(section.isEmpty ? "\"\(key)\"" : "`\(section)\(key)`"), "\(section)\(key)") }
    }
  }
}
