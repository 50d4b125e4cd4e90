internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import Foundation

/// Where plugins and settings come from. The only place that reads the environment.
struct HostOptions: ParsableArguments {
  @Option(name: .customLong("plugins"), help: ArgumentHelp("A folder of plugins, looked at first. May be given again.", valueName: "folder"))
  var folders: [String] = []
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file. Default: ~/.centram/config.json, where there is one.", valueName: "file"))
  var configurationFile: String?
  @Option(name: .customLong("disable"), help: ArgumentHelp("The id of a plugin not to use. May be given again.", valueName: "id"))
  var disabled: [String] = []

  /// Where everything of this node is, unless told otherwise. HOME goes before what the system's list of users says.
  static var folder: String {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
    return (home.isEmpty ? NSHomeDirectory() : home) + "/.centram"
  }
  /// What can be made again.
  static var cacheFolder: String { folder + "/cache" }

  /// A log of which a person sees warnings and errors.
  @Sendable static func showWarnings(_ level: LogLevel, _ message: String) { if level.rawValue >= LogLevel.warning.rawValue { Terminal.note(message) } }

  func nodeConfiguration() throws -> NodeConfiguration { try Self.nodeConfiguration(configurationFile) }

  /// - Parameter configurationFile: as given; nil: the standard one, where there is one.
  static func nodeConfiguration(_ configurationFile: String?) throws -> NodeConfiguration {
    if let configurationFile { return try NodeConfiguration(path: configurationFile) }
    let standard = folder + "/config.json"
    return FileManager.default.fileExists(atPath: standard) ? try NodeConfiguration(path: standard) : NodeConfiguration()
  }

  /// A host that knows its plugins and has loaded none.
  /// - Parameters:
  ///   - identity: the node's key for plugins; nil: one that signs and stays where it is.
  ///   - services: what the node offers its plugins besides, by interface id.
  ///   - log: gets the host's lines; nil: warnings and errors are shown.
  func host(
    _ configuration: NodeConfiguration, identity: (any IdentityService)? = nil, services: [String: any Sendable] = [:], log: (@Sendable (LogLevel, String) -> Void)? = nil
  ) -> PluginHost {
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let host = PluginHost(
      configuration: HostConfiguration(
        folders: folders + configuration.pluginFolders, pluginPath: ProcessInfo.processInfo.environment["CENTRAM_PLUGIN_PATH"] ?? "",
        executableFolder: (executable as NSString).deletingLastPathComponent, trust: configuration.trust,
        disabled: configuration.disabledPlugins.union(disabled)),
      services: DefaultHostServices(
        services: services.merging(["centram.identity/1": identity ?? LazyIdentity(path: Self.folder + "/identity")]) { $1 }, log: log ?? Self.showWarnings))
    host.discover()
    return host
  }
}
