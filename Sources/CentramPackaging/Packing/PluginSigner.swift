public import CentramHost

/// Signs a packed plugin: 64 bytes of Ed25519 over the exact bytes of its `plugin.json`, in `plugin.json.sig` beside it.
public enum PluginSigner {
  /// - Parameters:
  ///   - folder: a plugin's, with `plugin.json` and the library.
  ///   - publisher: the name under which hosts trust the key; nil: whatever `plugin.json` says.
  /// - Returns: what was signed.
  /// - Throws: `rights` where `plugin.json` names another publisher, `hash` where the library is not the one that it names. Nothing is written then.
  @discardableResult public static func sign(_ folder: String, key: PublisherKey, publisher: String? = nil) throws(HostError) -> PluginManifest {
    let bytes = try OpenFile.read(folder + "/plugin.json", limit: PluginManifest.sizeLimit, isOwn: true)
    let manifest = try PluginManifest.decode(bytes)
    if let publisher, manifest.publisher != publisher {
      let named = manifest.publisher.map { "names the publisher \($0)" } ?? "names no publisher"
      throw HostError(.rights, "\(folder)/plugin.json \(named), not \(publisher); pack the library again with --publisher \(publisher)")
    }
    let library = try OpenFile.read("\(folder)/\(manifest.library)", limit: PluginManifest.librarySizeLimit, isOwn: true)
    let hash = library.withUnsafeBytes(PluginSignature.sha256)
    guard hash == manifest.sha256 else {
      throw HostError(
        .hash, "\(folder)/\(manifest.library) is not the file that plugin.json names: its SHA-256 is \(hash), not \(manifest.sha256); pack the library again")
    }
    try DurableFile.write(key.sign(bytes), to: folder + "/plugin.json.sig", mode: 0o644, replaces: true)
    return manifest
  }
}
