import CentramHost
import CentramPluginAPI
import Foundation
import Testing

/// What the build left beside the test bundle.
enum Built {
  /// The folder of the running test executable, `.build/debug` under `swift test`.
  static let folder: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? bundle
    let candidates = [bundle, executable].map { URL(fileURLWithPath: $0).deletingLastPathComponent().resolvingSymlinksInPath().path }
    return candidates.first { FileManager.default.fileExists(atPath: $0 + "/libCentramPluginAPI.so") } ?? candidates[0]
  }()

  /// Where this process has its Swift runtime from.
  static let swiftLibraries: String = {
    let maps = (try? Workshop.run(["/bin/cat", "/proc/\(getpid())/maps"]).output) ?? ""
    let line = maps.split(separator: "\n").first { $0.hasSuffix("/libswiftCore.so") } ?? ""
    return line.firstIndex(of: "/").map { URL(fileURLWithPath: String(line[$0...])).deletingLastPathComponent().path } ?? ""
  }()

  static func fixture(_ name: String) -> String { folder + "/libcentramfixture_\(name).so" }
  /// Without a backtrace, which takes seconds where a library kills the process.
  static var describe: [String] { ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no", folder + "/centram-describe-fixture"] }
  static var linear: String { folder + "/libcentram_MergeOperators_Linear.so" }

  /// A host that takes what lies beside the tests, bare.
  static func host(services: any HostServices = DefaultHostServices()) -> PluginHost {
    let host = PluginHost(configuration: HostConfiguration(executableFolder: folder), services: services)
    host.discover()
    return host
  }
}
