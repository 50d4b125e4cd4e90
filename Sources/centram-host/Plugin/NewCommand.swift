internal import ArgumentParser
internal import CentramHost
internal import CentramTemplates
internal import Foundation

extension PluginCommand {
  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "new", abstract: "Writes a new plugin's project: one that builds and passes its conformance suite as it stands.",
      discussion: "Next: cd FOLDER, make, make check. docs/plugins/first-plugin.md goes on from there.")
    @Argument(help: "merge-operator, gate-layer, trainer, economy-rule or transport.") var kind: String
    @Option(help: ArgumentHelp("swift, c or rust.", valueName: "language")) var language: String
    @Option(help: ArgumentHelp("The plugin's id, such as com.acme.average. Default: com.example and the example's name.", valueName: "id")) var id: String?
    @Option(help: ArgumentHelp("The folder to make. Default: the id's last part, here.", valueName: "folder")) var into: String?
    @Option(help: ArgumentHelp("The SDK's folder. Default: CENTRAM_SDK, else the one that is installed with this program.", valueName: "folder")) var sdk: String?
    @Flag(help: "Print JSON.") var json = false

    struct Written: Encodable {
      let id: String, kind: String, language: String, folder: String, files: [String]
    }

    func run() throws {
      try Terminal.reporting {
        let project = try PluginProject(kind: kind, language: language, id: id), folder = into ?? project.name
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let sdk = try PluginSDK.find(
          named: sdk, environment: ProcessInfo.processInfo.environment["CENTRAM_SDK"],
          executableFolder: URL(fileURLWithPath: executable).deletingLastPathComponent().path)
        let files = try project.write(into: folder, sdk: sdk)
        if json {
          return try Terminal.printJSON(Written(id: project.id, kind: project.kind, language: project.language.rawValue, folder: folder, files: files))
        }
        for file in files { print("\(folder)/\(file)") }
      }
    }
  }
}
