import CentramHost
import CentramIsolation
import CentramPluginAPI
import Foundation

/// Hosts that run every unsigned plugin in a process of its own.
enum Isolated {
  static let runner = ProcessIsolation.runner(named: nil, executableFolder: Built.folder) ?? "centram-plugin-runner is not built"

  static func configuration(_ change: (inout IsolationConfiguration) -> Void = { _ in }) -> IsolationConfiguration {
    var configuration = IsolationConfiguration(runner: runner)
    // Faults come faster here than in the life of a node.
    (configuration.restartDelays, configuration.failureLimit) = ([], 1 << 20)
    change(&configuration)
    return configuration
  }

  static func host(
    fixture: String, id: String, kind: PluginKind, flags: [String] = [], services: any HostServices = DefaultHostServices(),
    _ change: (inout IsolationConfiguration) -> Void = { _ in }
  ) throws -> PluginHost {
    let folder = try Workshop.folder()
    try Workshop.plugin(Workshop.library(fixture, flags), id: id, kind: kind, in: folder)
    return host(folder, services: services, change)
  }

  static func host(
    _ folder: String, services: any HostServices = DefaultHostServices(), _ change: (inout IsolationConfiguration) -> Void = { _ in }
  ) -> PluginHost {
    let host = PluginHost(
      configuration: HostConfiguration(folders: [folder], trust: TrustPolicy(untrusted: .isolate), isolation: ProcessIsolation(configuration(change))), services: services)
    host.discover()
    return host
  }
}
