internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPackaging
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
  @Option(name: .customLong("trust"), help: ArgumentHelp("The file of trusted publishers. Default: ~/.centram/trusted-publishers.json.", valueName: "file"))
  var trustFile: String?

  /// Where everything of this node is, unless told otherwise. HOME goes before what the system's list of users says.
  static var folder: String {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
    return (home.isEmpty ? NSHomeDirectory() : home) + "/.centram"
  }
  /// What can be made again.
  static var cacheFolder: String { folder + "/cache" }

  /// A log of which a person sees warnings and errors.
  @Sendable static func showWarnings(_ level: LogLevel, _ message: String) { if level.rawValue >= LogLevel.warning.rawValue { Terminal.note(message) } }

  /// The configuration, and with it whom the trust files trust: the operator's, and the one that the installation brought.
  func nodeConfiguration() throws -> NodeConfiguration {
    var configuration = try Self.nodeConfiguration(configurationFile)
    if let trustFile, !FileManager.default.fileExists(atPath: trustFile) { throw HostError(.trustFile, "\(trustFile): there is no such file") }
    for store in [trustStore, TrustStore(path: "\(Self.executableFolder)/../lib/centram/\(TrustStore.fileName)")] { configuration.trust.add(try store.read()) }
    return configuration
  }

  /// The operator's own.
  var trustStore: TrustStore { TrustStore(path: trustFile ?? "\(Self.folder)/\(TrustStore.fileName)") }

  private static var executableFolder: String { (executable as NSString).deletingLastPathComponent }
  static var executable: String { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0] }
  /// Where `plugin install` puts plugins.
  static var pluginFolder: String { folder + "/plugins" }

  /// - Parameter configurationFile: as given; nil: the standard one, where there is one.
  static func nodeConfiguration(_ configurationFile: String?) throws -> NodeConfiguration {
    if let configurationFile { return try NodeConfiguration(path: configurationFile) }
    let standard = folder + "/config.json"
    return FileManager.default.fileExists(atPath: standard) ? try NodeConfiguration(path: standard) : NodeConfiguration()
  }

  /// Where plugins are looked for, and what is taken.
  func hostConfiguration(_ configuration: NodeConfiguration) -> HostConfiguration {
    HostConfiguration(
      folders: folders + configuration.pluginFolders + [Self.pluginFolder], pluginPath: ProcessInfo.processInfo.environment["CENTRAM_PLUGIN_PATH"] ?? "",
      executableFolder: Self.executableFolder, trust: configuration.trust, disabled: configuration.disabledPlugins.union(disabled),
      isolation: Self.isolation(configuration.isolation, executableFolder: Self.executableFolder))
  }

  /// A host that knows its plugins and has loaded none.
  /// - Parameters:
  ///   - identity: the node's key for plugins; nil: one that signs and stays where it is.
  ///   - services: what the node offers its plugins besides, by interface id.
  ///   - log: gets the host's lines; nil: warnings and errors are shown.
  func host(
    _ configuration: NodeConfiguration, identity: (any IdentityService)? = nil, services: [String: any Sendable] = [:], log: (@Sendable (LogLevel, String) -> Void)? = nil
  ) -> PluginHost {
    let host = PluginHost(
      configuration: hostConfiguration(configuration),
      services: DefaultHostServices(
        services: services.merging(["centram.identity/1": identity ?? LazyIdentity(path: Self.folder + "/identity")]) { $1 }, log: log ?? Self.showWarnings))
    host.discover()
    return host
  }
}
