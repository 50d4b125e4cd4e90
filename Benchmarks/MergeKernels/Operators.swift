internal import CentramHost
internal import CentramPluginAPI
internal import Foundation

/// The operators beside this executable, loaded as a node loads them.
enum Operators {
  private static let host: PluginHost = {
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let host = PluginHost(configuration: HostConfiguration(executableFolder: executable.deletingLastPathComponent().path))
    host.discover()
    return host
  }()

  /// - Parameter method: `ties`.
  static func named(_ method: String) -> (any TensorMerging)? { (try? host.mergeOperator(method)) as? any TensorMerging }
}
