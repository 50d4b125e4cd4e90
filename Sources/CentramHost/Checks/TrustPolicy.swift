public import CentramPluginAPI

/// Whose plugins the operator lets in.
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
  }

  public var publishers: [Publisher]
  /// Refuses plugins without a signature of a publisher above.
  public var requireSignature: Bool
  /// Takes bare `libcentram_*.so` files without a `plugin.json` from the executable's own folder: for development.
  public var allowUnpackaged: Bool

  public init(publishers: [Publisher] = [], requireSignature: Bool = false, allowUnpackaged: Bool = true) {
    (self.publishers, self.requireSignature, self.allowUnpackaged) = (publishers, requireSignature, allowUnpackaged)
  }
}
