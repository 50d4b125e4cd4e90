internal import CHostSystem
public import CentramDownload
public import CentramHost
internal import Foundation

/// Puts packed plugins into a plugins folder, and takes them out.
///
/// A plugin's files are kept in `.store/HASH`, by the SHA-256 of `plugin.json`, and `ID-VERSION` is a link to them: the one rename that
/// makes it appear. What a killed installation leaves begins with a dot, is found by no host, and goes with the next installation.
public struct PluginInstaller: Sendable {
  /// What has just been done; a test may end the process there.
  public enum Step: String, Sendable, CaseIterable {
    case fetched, unpacked, checked, stored, published, collected
  }

  public enum Outcome: String, Sendable {
    case installed, replaced
    /// The same was there already.
    case unchanged
    /// The same was there, and damaged.
    case repaired
  }

  public struct Installed: Sendable {
    public let outcome: Outcome
    public let id: String, version: SemanticVersion
    /// `ID-VERSION` in the plugins folder.
    public let path: String
    /// SHA-256 of `plugin.json` and of the library.
    public let manifestHash: String, libraryHash: String
    /// Who signed it; nil: nobody whom the policy trusts.
    public let publisher: String?
    public let placement: Placement
  }

  /// The plugins folder; made where it is missing.
  public let folder: String
  /// Of the host that is to use them: whom it trusts, and whether it can isolate. Its places are not looked at.
  public let host: HostConfiguration
  /// For addresses; nil: only files and folders.
  public let fetcher: (any FileFetching)?
  public var didStep: @Sendable (Step) -> Void = { _ in }

  public init(folder: String, host: HostConfiguration, fetcher: (any FileFetching)? = nil) {
    (self.folder, self.host, self.fetcher) = (URL(fileURLWithPath: folder).path, host, fetcher)
  }

  var store: String { folder + "/.store" }

  /// Installs a plugin.
  /// - Parameters:
  ///   - source: an archive, a plugin's folder, or the archive's address.
  ///   - sha256: of the archive, 64 hexadecimal digits; anything else is refused.
  ///   - replaces: whether another content of the same id and version may go.
  /// - Throws: the reason of the check that refused; `archive`, `exists`, `fetch`. The folder's plugins are then as they were.
  public func install(_ source: String, sha256: String? = nil, replaces: Bool = false) throws(HostError) -> Installed {
    try withStaging { (staging) throws(HostError) in
      let content = try content(of: source, sha256: sha256, staging)
      let unpacked = staging + "/content"
      try write(content, to: unpacked)
      didStep(.unpacked)
      let record = PluginHost(configuration: host).check(unpacked, upTo: .fingerprint)
      if let reason = record.reason {
        let refused = record.checks.last { if case .failed = $0.outcome { true } else { false } }
        throw HostError(refused.map { .init($0.check) } ?? .invalid, "\(source) is refused: \(reason.replacing(unpacked, with: source))")
      }
      didStep(.checked)
      let outcome = try publish(content, from: unpacked, staging, replaces: replaces)
      return Installed(
        outcome: outcome, id: content.manifest.id, version: content.manifest.version, path: "\(folder)/\(content.title)", manifestHash: content.hash,
        libraryHash: content.manifest.sha256, publisher: record.publisher, placement: record.placement)
    }
  }

  /// Takes a plugin out of the folder. A host that has loaded it goes on with it.
  /// - Parameter selector: an id, or an id with `@` and a range of versions.
  /// - Returns: what was taken out, as `ID-VERSION`.
  public func uninstall(_ selector: String) throws(HostError) -> [String] {
    let parts = selector.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let range = parts.count == 2 ? try VersionRange(parts[1]) : .any
    guard FileManager.default.fileExists(atPath: folder) else { throw HostError(.notFound, "\(folder): nothing is installed there") }
    return try withStaging { (staging) throws(HostError) in
      let all = entries()
      let wanted = all.filter { $0.id == parts[0] && ($0.version.map(range.contains) ?? (parts.count == 1)) }
      guard !wanted.isEmpty else {
        throw HostError(.notFound, "no plugin \(selector) is installed in \(folder)\(NearestName.hint(for: parts[0], among: all.map(\.id)))")
      }
      for entry in wanted {
        guard centram_rename_new("\(folder)/\(entry.name)", "\(staging)/\(entry.name)") == 0 else { throw .system("\(folder)/\(entry.name)") }
      }
      try collect()
      try DurableFile.synchronize(folder)
      return wanted.map(\.name)
    }
  }

  /// What lies in the folder under a name without a dot in front: the id and version of its `plugin.json`, or the name where that is damaged.
  func entries() -> [(name: String, id: String, version: SemanticVersion?)] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    return names.map { name in
      let bytes = try? OpenFile.read("\(folder)/\(name)/plugin.json", limit: PluginManifest.sizeLimit)
      guard let manifest = try? bytes.map({ (bytes) throws(HostError) in try PluginManifest.decode(bytes) }) else { return (name, name, nil) }
      return (name, manifest.id, manifest.version)
    }
  }

  /// Makes a folder of this installation's own, under the lock of the plugins folder; clears away what others left.
  private func withStaging<Answer>(_ body: (String) throws(HostError) -> Answer) throws(HostError) -> Answer {
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw HostError(.inputOutput, "\(folder): \(error.localizedDescription)")
    }
    let lock = try FileLock(folder + "/.lock")
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(".install-") {
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
    let staging = "\(folder)/.install-\(UUID().uuidString)"
    guard mkdir(staging, 0o700) == 0 else { throw .system(staging) }
    defer {
      try? FileManager.default.removeItem(atPath: staging)
      withExtendedLifetime(lock) {}
    }
    return try body(staging)
  }

  private func write(_ content: PluginContent, to target: String) throws(HostError) {
    guard mkdir(target, 0o755) == 0 else { throw .system(target) }
    for file in content.files { try DurableFile.write(file.bytes, toNew: "\(target)/\(file.name)", mode: 0o644) }
    try DurableFile.synchronize(target)
  }
}

extension HostError.Code {
  /// Another content of the same id and version is installed.
  public static var exists: HostError.Code { .init(rawValue: "exists") }
  /// An address from which nothing could be fetched.
  public static var fetch: HostError.Code { .init(rawValue: "fetch") }
}
