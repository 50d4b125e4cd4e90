internal import ArgumentParser
internal import CentramHost
internal import CentramPackaging
internal import Foundation

extension PluginCommand {
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pack", abstract: "Makes a plugin's folder out of a library: the library and plugin.json with its hash.",
      discussion: "The library is loaded in a process of its own, to read what it says of itself.")
    @Argument(help: "A shared library with one Centram entry.", completion: .file(extensions: ["so"])) var library: String
    @Option(help: ArgumentHelp("The folder of plugins to put it into. Default: where the library is.", valueName: "folder")) var into: String?
    @Option(help: ArgumentHelp("A publisher's key, to sign with.", valueName: "file")) var key: String?
    @Option(help: ArgumentHelp("The publisher's name, to put into plugin.json.", valueName: "name")) var publisher: String?
    @Flag(help: "Ask for a process of its own.") var isolate = false
    @Flag(help: "Write ID-VERSION.tar as well, which plugin install takes.") var archive = false
    @Flag(help: "Remove the library afterwards.") var move = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let folder = into ?? URL(fileURLWithPath: library).deletingLastPathComponent().path
        var packager = PluginPackager(describeCommand: [HostOptions.executable, "plugin", "describe"], publisher: publisher, key: try key.map { try PublisherKey(path: $0) })
        packager.isIsolated = isolate
        let packed = try packager.pack(library, into: folder)
        let file = archive ? try PluginArchive.write(packed, into: folder) : nil
        if move { try FileManager.default.removeItem(atPath: library) }
        if json { return try Terminal.printJSON(["folder": packed, "archive": file].compactMapValues { $0 }) }
        print(packed)
        if let file { print(file) }
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
