public import CentramHost
internal import Foundation

/// Looks at everything that is installed again: hashes, signatures, revocations.
public struct PluginVerifier: Sendable {
  public struct Verdict: Sendable {
    /// `merge.linear 1.0.0`, or the folder's name.
    public let title: String
    public let path: String
    public let publisher: String?
    public let placement: Placement
    /// Why it would not be used; nil: it is in order.
    public let failure: String?
  }

  private let host: PluginHost

  /// - Parameter host: with the policy that counts; it loads nothing.
  public init(_ host: PluginHost) { self.host = host }

  /// All that the host found, and links in its folders that lead nowhere.
  public func all() -> [Verdict] {
    let records = host.snapshot().records
    let found = records.map { verdict($0.path) }
    let folders = Set(records.map { ($0.path as NSString).deletingLastPathComponent } + host.configuration.folders)
    return found + folders.sorted().flatMap(Self.dangling)
  }

  /// - Parameter selector: an id of what the host found, or a path; nil: all.
  /// - Throws: `notFound`.
  public func verdicts(_ selector: String?) throws(HostError) -> [Verdict] {
    guard let selector else { return all() }
    let records = host.snapshot().records
    // A folder that was refused before its id was known has the id in its name.
    let found = records.filter { $0.id == selector || $0.version == nil && $0.id.hasPrefix(selector + "-") }
    if !found.isEmpty { return found.map { verdict($0.path) } }
    guard selector.contains("/") || FileManager.default.fileExists(atPath: selector) else {
      throw HostError(.notFound, "no plugin \(selector) is installed\(NearestName.hint(for: selector, among: records.map(\.id)))")
    }
    return [verdict(selector)]
  }

  /// A plugin's folder or library.
  public func verdict(_ path: String) -> Verdict {
    let record = host.check(path, upTo: .fingerprint)
    let failure: String? = if case .failed(let reason) = record.state { reason } else { Self.wrongName(path) }
    return Verdict(title: record.title, path: path, publisher: record.publisher, placement: record.placement, failure: failure)
  }

  /// What is kept by its hash has a name that tells whether it is still the same.
  private static func wrongName(_ path: String) -> String? {
    let parts = URL(fileURLWithPath: path).resolvingSymlinksInPath().pathComponents.suffix(2)
    guard parts.count == 2, parts.first == ".store", let name = parts.last,
      let hash = (try? OpenFile.read(path + "/plugin.json", limit: PluginManifest.sizeLimit))?.withUnsafeBytes(PluginSignature.sha256), hash != name
    else { return nil }
    return "plugin.json is not the one that was installed: its SHA-256 is \(hash), not \(name); install the plugin again"
  }

  private static func dangling(_ folder: String) -> [Verdict] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return names.compactMap { name in
      guard let target = PluginInstaller.link("\(folder)/\(name)"), target.hasPrefix(".store/"), !FileManager.default.fileExists(atPath: "\(folder)/\(name)/plugin.json")
      else { return nil }
      return Verdict(
        title: name, path: "\(folder)/\(name)", publisher: nil, placement: .inProcess, failure: "\(target) or its plugin.json is gone; install the plugin again")
    }
  }
}
