internal import ArgumentParser
internal import CentramHost
internal import Foundation

extension PluginCommand {
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pack", abstract: "Makes a plugin's folder out of a library: the library and plugin.json with its hash.",
      discussion: "The library is loaded in a process of its own, to read what it says of itself.")
    @Argument(help: "A shared library with one Centram entry.", completion: .file(extensions: ["so"])) var library: String
    @Option(help: ArgumentHelp("The folder of plugins to put it into. Default: where the library is.", valueName: "folder")) var into: String?
    @Flag(help: "Remove the library afterwards.") var move = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let folder = into ?? URL(fileURLWithPath: library).deletingLastPathComponent().path
        let packed = try PluginPackager(describeCommand: [executable, "plugin", "describe"]).pack(library, into: folder)
        if move { try FileManager.default.removeItem(atPath: library) }
        if json { try Terminal.printJSON(["folder": packed]) } else { print(packed) }
      }
    }
  }

  /// What `pack` runs in a process of its own.
  struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "describe", abstract: "Loads a library and prints what it says of itself, as JSON.", shouldDisplay: false)
    @Argument(help: "A shared library.") var library: String

    func run() throws {
      try Terminal.reporting { print(try PluginPackager.describe(library).json) }
    }
  }
}
