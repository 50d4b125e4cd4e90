public import CentramLanes
public import CentramPluginAPI
internal import Glibc

/// Runs plugins in processes of their own, one each.
public struct ProcessIsolation: PluginIsolation {
  public let configuration: IsolationConfiguration

  public init(_ configuration: IsolationConfiguration) { self.configuration = configuration }

  /// The runner's place: what was named, beside the executable, or in `../lib/centram`; nil where it is in none of them.
  public static func runner(named path: String?, executableFolder: String?) -> String? {
    let name = "centram-plugin-runner"
    let places = path.map { [$0] } ?? executableFolder.map { ["\($0)/\(name)", "\($0)/../lib/centram/\(name)"] } ?? []
    return places.first { access($0, X_OK) == 0 }
  }

  /// The kinds that have a way to another process.
  public static let kinds: Set<PluginKind> = [.mergeOperator, .gateLayer, .economyRule, .trainer, .transport]

  public func start(_ library: LibraryToIsolate) throws(PluginError) -> any IsolatedPlugin {
    guard Self.kinds.contains(library.kind) else {
      throw PluginError(.unsupported, "a \(library.kind) cannot run in a process of its own yet; there are \(Self.kinds.map(\.rawValue).sorted().joined(separator: ", "))")
    }
    let plugin = try IsolatedProcess(library, configuration)
    _ = try plugin.child()
    return plugin
  }
}
