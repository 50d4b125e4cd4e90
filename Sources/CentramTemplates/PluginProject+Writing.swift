internal import CHostSystem
public import CentramHost
internal import Foundation

extension PluginProject {
  /// Writes the project's files into a new folder. All of it appears or nothing.
  /// - Returns: the files' paths in the folder, sorted.
  /// - Throws: `.invalid` where the folder exists; `.notFound` where the SDK has no template of this kind and language.
  @discardableResult public func write(into folder: String, sdk: PluginSDK) throws(HostError) -> [String] {
    let files = try ProjectTemplate(self, in: sdk).filled(values(sdk: sdk.path)), target = URL(fileURLWithPath: folder).standardizedFileURL
    let staging = target.deletingLastPathComponent().appendingPathComponent(".\(target.lastPathComponent)-\(UUID().uuidString)")
    do {
      defer { try? FileManager.default.removeItem(at: staging) }
      for (path, text) in files {
        let file = staging.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      guard centram_rename_new(staging.path, target.path) == 0 else {
        guard errno == EEXIST else { throw HostError(.inputOutput, "\(target.path): \(String(cString: strerror(errno)))") }
        throw HostError(.invalid, "\(target.path) exists already; name another folder with --into")
      }
    } catch {
      throw error as? HostError ?? HostError(.inputOutput, "\(target.path) was not written: \(error.localizedDescription)")
    }
    return files.keys.sorted()
  }
}
