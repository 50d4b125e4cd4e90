public import CentramPluginAPI

/// Where a plugin's code runs.
public enum Placement: String, Sendable, CaseIterable {
  case inProcess = "in-process"
  case isolated
}

/// Whose plugins the operator lets in, and where they run.
public struct TrustPolicy: Sendable {
  /// A publisher and what it may do here.
  public struct Publisher: Sendable, Equatable {
    public var name: String
    /// An Ed25519 public key, 32 bytes.
    public var key: [UInt8]
    /// Ids it may publish: `com.acme.merge.median` exactly, or `com.acme.*` for all that begin so.
    public var ids: [String]
    /// Kinds it may publish; empty: all.
    public var kinds: Set<PluginKind>
    /// Its plugins run in a process of their own, whatever they say themselves.
    public var mustIsolate: Bool

    public init(name: String, key: [UInt8], ids: [String], kinds: Set<PluginKind> = [], mustIsolate: Bool = false) {
      (self.name, self.key, self.ids, self.kinds, self.mustIsolate) = (name, key, ids, kinds, mustIsolate)
    }

    func mayPublish(_ id: String) -> Bool { ids.contains { $0.hasSuffix("*") ? id.hasPrefix($0.dropLast()) : id == $0 } }
    /// Whether the id is its own, and not only one of all that it may publish.
    func owns(_ id: String) -> Bool { !ids.contains("*") && mayPublish(id) }
  }

  /// What becomes of a plugin that no trusted publisher signed.
  public enum Untrusted: String, Sendable, CaseIterable {
    case refuse, isolate
    /// In process, with the host's rights.
    case allow
  }

  /// What was withdrawn, and goes before every trust.
  public struct Revocation: Sendable, Equatable {
    /// `2026-11-30`.
    public var date: String
    public var reason: String
    public init(date: String, reason: String) { (self.date, self.reason) = (date, reason) }
    var sentence: String { "was revoked on \(date): \(reason)" }
  }

  public var publishers: [Publisher]
  public var untrusted: Untrusted
  /// By public key, 32 bytes.
  public var revokedKeys: [[UInt8]: Revocation] = [:]
  /// By SHA-256 of a library or of a `plugin.json`, 64 lowercase hexadecimal digits.
  public var revokedHashes: [String: Revocation] = [:]
  /// Takes bare `libcentram_*.so` files without a `plugin.json` from the executable's own folder: for development.
  public var allowUnpackaged: Bool

  public init(publishers: [Publisher] = [], untrusted: Untrusted = .allow, allowUnpackaged: Bool = true) {
    (self.publishers, self.untrusted, self.allowUnpackaged) = (publishers, untrusted, allowUnpackaged)
  }
}
