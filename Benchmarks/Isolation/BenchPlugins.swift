internal import CentramHost
internal import CentramIsolation
internal import CentramPluginAPI
internal import Foundation

/// The operators beside this executable, each in a plugin's folder, since a bare library is never isolated.
struct BenchPlugins {
  private let folder: String
  private let runner: String

  init() throws {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
    guard let runner = ProcessIsolation.runner(named: nil, executableFolder: own) else { throw PluginError(.unavailable, "centram-plugin-runner does not lie in \(own)") }
    self.runner = runner
    folder = NSTemporaryDirectory() + "/centram-isolation-bench-\(getpid())"
    for (name, id) in [("Linear", "merge.linear"), ("TaskArithmetic", "merge.task-arithmetic"), ("Ties", "merge.ties")] {
      let library = "libcentram_MergeOperators_\(name).so", target = "\(folder)/\(id)"
      try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(own)/\(library)"))
      try bytes.write(to: URL(fileURLWithPath: "\(target)/\(library)"))
      let description = try PluginDescription(ofLibrary: "\(own)/\(library)")
      let manifest: [String: Any] = [
        "schema": 1, "id": description.id, "version": description.version, "kind": description.kind, "summary": description.summary, "lanes": ["swift"],
        "api": ["c": "^1.0", "swift": "^1.0"], "toolchain": description.toolchain, "fingerprint": description.fingerprint, "library": library,
        "sha256": bytes.withUnsafeBytes(PluginSignature.sha256),
      ]
      try JSONSerialization.data(withJSONObject: manifest).write(to: URL(fileURLWithPath: "\(target)/plugin.json"))
    }
  }

  func host(isolated: Bool) -> PluginHost {
    var settings = IsolationConfiguration(runner: runner)
    settings.restartDelays = []
    if let elementsAtOnce { settings.elementsAtOnce = elementsAtOnce }
    let host = PluginHost(
      configuration: HostConfiguration(
        folders: [folder], trust: TrustPolicy(untrusted: isolated ? .isolate : .allow), isolation: ProcessIsolation(settings)))
    host.discover()
    return host
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
