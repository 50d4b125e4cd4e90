internal import CHostSystem
internal import CentramHost
internal import Foundation

/// The steps that hosts can see.
extension PluginInstaller {
  /// Puts checked files under their hash and links `ID-VERSION` to them.
  func publish(_ content: PluginContent, from unpacked: String, _ staging: String, replaces: Bool) throws(HostError) -> Outcome {
    let hash = content.hash, kept = "\(store)/\(hash)", name = "\(folder)/\(content.title)", target = ".store/\(hash)"
    let installed = Self.link(name), isThere = installed != nil || FileManager.default.fileExists(atPath: name)
    let signature = Self.signature(name)
    let isSame = installed == target && (signature == content.signature || signature == nil && !FileManager.default.fileExists(atPath: name + "/plugin.json"))
    guard !isThere || isSame || replaces else {
      throw HostError(
        .exists,
        "\(content.title) is installed already with another \(installed == target ? "signature" : "content"); say --replace to put this in its place, or uninstall it first")
    }
    if isSame, (try? PluginContent(folder: name))?.isEqual(to: content) == true {
      try collect()
      return .unchanged
    }
    if mkdir(store, 0o755) != 0, errno != EEXIST { throw .system(store) }
    // What is damaged there, or only signed otherwise, changes places with what was checked.
    guard centram_rename_new(unpacked, kept) == 0 || centram_exchange(unpacked, kept) == 0 else { throw .system(kept) }
    try DurableFile.synchronize(store)
    didStep(.stored)
    let link = staging + "/link"
    guard symlink(target, link) == 0 else { throw .system(link) }
    if installed != target {
      guard centram_rename_new(link, name) == 0 || centram_exchange(link, name) == 0 else { throw .system(name) }
      try DurableFile.synchronize(folder)
    }
    didStep(.published)
    try collect()
    didStep(.collected)
    return isSame ? .repaired : isThere ? .replaced : .installed
  }

  /// Removes what is kept and no name leads to.
  func collect() throws(HostError) {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }
    let used = Set(names.compactMap { Self.link("\(folder)/\($0)") })
    for hash in (try? FileManager.default.contentsOfDirectory(atPath: store)) ?? [] where !used.contains(".store/\(hash)") {
      do { try FileManager.default.removeItem(atPath: "\(store)/\(hash)") } catch { throw HostError(.inputOutput, "\(store)/\(hash): \(error.localizedDescription)") }
    }
  }

  /// Where a symbolic link leads; nil for anything else.
  static func link(_ path: String) -> String? { try? FileManager.default.destinationOfSymbolicLink(atPath: path) }

  private static func signature(_ folder: String) -> [UInt8]? { try? OpenFile.read(folder + "/plugin.json.sig", limit: 4096, isOwn: true) }
}

extension PluginContent {
  var signature: [UInt8]? { files.first { $0.name == "plugin.json.sig" }?.bytes }

  func isEqual(to other: PluginContent) -> Bool {
    files.count == other.files.count && zip(files, other.files).allSatisfy { $0.name == $1.name && $0.bytes == $1.bytes }
  }
}
