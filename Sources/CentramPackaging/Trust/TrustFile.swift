public import CentramHost

/// The operator's `trusted-publishers.json`: who may publish what here, and what is revoked. A value; `TrustStore` keeps it.
public struct TrustFile: Sendable, Equatable {
  public static let sizeLimit = 1 << 20
  /// Publishers, and revocations of each sort, that a file may hold.
  public static let entryLimit = 1024
  /// Ids and kinds of one publisher.
  public static let rightsLimit = 64

  public var publishers: [TrustPolicy.Publisher] = []
  /// By public key, 32 bytes.
  public var revokedKeys: [[UInt8]: TrustPolicy.Revocation] = [:]
  /// By SHA-256 of a library or of a `plugin.json`, 64 lowercase hexadecimal digits.
  public var revokedHashes: [String: TrustPolicy.Revocation] = [:]

  public init() {}

  /// Trusts a publisher's key. An entry of the same name and key is replaced.
  /// - Throws: `invalid` where the key is revoked or another publisher's.
  public mutating func trust(_ publisher: TrustPolicy.Publisher) throws(HostError) {
    if let revocation = revokedKeys[publisher.key] {
      throw HostError(.invalid, "the key of \(publisher.name) was revoked on \(revocation.date) (\(revocation.reason)), and a revoked key is not trusted again; ask for a new one")
    }
    if let other = publishers.first(where: { $0.key == publisher.key && $0.name != publisher.name }) {
      throw HostError(.invalid, "this key is trusted as \(other.name); a key has one name. Say first: centram-host plugin untrust \(other.name)")
    }
    publishers.removeAll { $0.key == publisher.key }
    publishers.append(publisher)
  }

  /// Takes all entries of a name out. Its signatures then count as nobody's.
  /// - Returns: how many there were.
  @discardableResult public mutating func untrust(_ name: String) throws(HostError) -> Int {
    let count = try keys(of: name).count
    publishers.removeAll { $0.name == name }
    return count
  }

  /// Withdraws a key for good, also where another file or the configuration trusts it.
  public mutating func revoke(key: [UInt8], _ revocation: TrustPolicy.Revocation) { if revokedKeys[key] == nil { revokedKeys[key] = revocation } }

  /// Withdraws all keys of a publisher.
  /// - Parameter others: who is trusted elsewhere, such as in the configuration.
  /// - Returns: the keys.
  @discardableResult public mutating func revoke(
    publisher name: String, others: [TrustPolicy.Publisher] = [], _ revocation: TrustPolicy.Revocation
  ) throws(HostError) -> [[UInt8]] {
    let keys = try keys(of: name, others)
    for key in keys { revoke(key: key, revocation) }
    return keys
  }

  /// Withdraws a library or a `plugin.json` by its SHA-256.
  public mutating func revoke(hash: String, _ revocation: TrustPolicy.Revocation) throws(HostError) {
    let hash = hash.lowercased()
    guard Self.isHash(hash) else { throw HostError(.invalid, "\"\(hash.prefix(80))\" is no SHA-256: 64 hexadecimal digits") }
    if revokedHashes[hash] == nil { revokedHashes[hash] = revocation }
  }

  private func keys(of name: String, _ others: [TrustPolicy.Publisher] = []) throws(HostError) -> [[UInt8]] {
    let all = publishers + others, keys = Set(all.filter { $0.name == name }.map(\.key))
    guard keys.isEmpty else { return keys.sorted { $0.lexicographicallyPrecedes($1) } }
    throw HostError(.notFound, "no publisher is trusted as \(name)\(NearestName.hint(for: name, among: all.map(\.name)))")
  }

  static func isHash(_ text: String) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) } }
}

extension TrustPolicy {
  /// Adds what a file trusts and revokes. Of several entries with one key the first counts.
  public mutating func add(_ file: TrustFile) {
    publishers += file.publishers
    revokedKeys.merge(file.revokedKeys) { first, _ in first }
    revokedHashes.merge(file.revokedHashes) { first, _ in first }
  }
}
