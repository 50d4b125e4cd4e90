public import CentramHost
internal import Foundation

/// The folder that plugins are built from: headers, libraries and templates, as `Scripts/sdk` writes it.
public struct PluginSDK: Sendable, Equatable {
  /// Absolute; without a character that a Makefile or a string would read otherwise.
  public let path: String

  /// - Throws: `.notFound` where the folder is no SDK, `.invalid` where its path cannot stand in a Makefile.
  public init(_ folder: String) throws(HostError) {
    let url = URL(fileURLWithPath: folder).standardizedFileURL
    path = url.path
    for part in ["include/centram_plugin.h", "templates/shared"] where !FileManager.default.fileExists(atPath: "\(path)/\(part)") {
      throw HostError(.notFound, "\(path) is no Centram SDK: it has no \(part); Scripts/sdk FOLDER makes one")
    }
    if let character = path.first(where: { $0.isWhitespace || "\"'$#:;\\%*?=&|<>()`".contains($0) }) {
      throw HostError(.invalid, "\(path) has a \"\(character)\" in it, which a Makefile would read otherwise; put the SDK elsewhere")
    }
  }

  /// The first of: the folder that was named, the environment's, and the one that is installed beside the executable.
  /// - Parameters:
  ///   - environment: the value of `CENTRAM_SDK`.
  ///   - executableFolder: the SDK is at `../lib/centram/sdk` from there.
  public static func find(named: String?, environment: String?, executableFolder: String?) throws(HostError) -> PluginSDK {
    if let named { return try PluginSDK(named) }
    if let environment, !environment.isEmpty { return try PluginSDK(environment) }
    if let executableFolder {
      let installed = "\(executableFolder)/../lib/centram/sdk"
      if FileManager.default.fileExists(atPath: installed) { return try PluginSDK(installed) }
    }
    throw HostError(.notFound, "there is no Centram SDK beside this program; name one with --sdk or CENTRAM_SDK, or make one with Scripts/sdk FOLDER")
  }
}
