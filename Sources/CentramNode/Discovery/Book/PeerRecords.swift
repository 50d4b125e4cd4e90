internal import CSodium
public import CentramWire
internal import Foundation

/// A peer's word about itself whose signature holds, kept with the bytes that were signed.
public struct VerifiedRecord: Sendable, Equatable {
  /// Milliseconds that a record may be valid: a week, as the protocol says.
  public static let longestLife: UInt64 = 7 * 86_400_000
  /// Milliseconds that a peer's clock may be ahead.
  public static let skew: UInt64 = 300_000

  public let key: NodeKey
  public let signed: WireSigned
  public let number: UInt64, made: UInt64, expires: UInt64
  /// Addresses that can be read; the others are of transports or forms that this version does not know.
  public let addresses: [PeerAddress]
  /// Networks of the addresses that reach everywhere.
  let prefixes: Set<NetworkPrefix>
  public let relays: [Ticket.Relay]
  public let roles: [WireRole]
  public let network: [UInt8]

  /// Checks everything but whether there is a newer one.
  /// - Parameter now: Unix milliseconds.
  /// - Throws: `.record`.
  public init(_ signed: WireSigned, now: UInt64) throws(DiscoveryError) {
    let record: WirePeerRecord, signer: NodeKey
    do throws(WireError) { (record, signer) = try signed.opened(WirePeerRecord.self, domain: .peer) } catch {
      throw DiscoveryError(.record, "a peer's record is refused: \(error.message)")
    }
    guard record.key.elementsEqual(signer.bytes) else { throw DiscoveryError(.record, "\(signer) signed a record of another peer") }
    guard record.madeMs <= now + Self.skew else { throw DiscoveryError(.record, "the record of \(signer) is of \(record.madeMs - now) ms from now") }
    guard record.expiresMs > now, record.expiresMs > record.madeMs else { throw DiscoveryError(.record, "the record of \(signer) has expired") }
    guard record.expiresMs - record.madeMs <= Self.longestLife else {
      throw DiscoveryError(.record, "the record of \(signer) wants to be kept for \(record.expiresMs - record.madeMs) ms; \(Self.longestLife) is the limit")
    }
    (key, self.signed, number, made, expires) = (signer, signed, record.number, record.madeMs, record.expiresMs)
    addresses = record.addresses.sorted { $0.priority < $1.priority }.compactMap { try? PeerAddress($0.url) }.filter { $0.ip?.reach != IPAddress.Reach.none && $0.ip?.zone == nil }
    prefixes = Set(addresses.filter { $0.ip?.reach == .world }.map(\.prefix))
    relays = record.relays.compactMap { route in
      guard route.expiresMs > now, let id = NodeKey(route.relay), let address = try? PeerAddress(route.url) else { return nil }
      return Ticket.Relay(id: id, address: address)
    }
    (roles, network) = (record.roles, [UInt8](record.network))
  }

  /// Signs this node's own.
  /// - Parameters:
  ///   - number: above that of every record before; the time does.
  ///   - lifetime: milliseconds.
  /// - Throws: `.record` where the protocol's limits are not kept.
  public static func make(
    by signer: SigningKey, addresses: [PeerAddress], relays: [WireRelayRoute] = [], roles: [WireRole] = [], network: [UInt8] = [], number: UInt64, now: UInt64,
    lifetime: UInt64 = 6 * 3_600_000
  ) throws(DiscoveryError) -> WireSigned {
    var record = WirePeerRecord()
    record.key = Data(signer.publicKey.bytes)
    (record.number, record.madeMs, record.expiresMs) = (number, now, now + lifetime)
    record.addresses = addresses.prefix(16).enumerated().map { index, address in
      var entry = WireAddress()
      (entry.url, entry.priority, entry.scope) = (address.description, UInt32(index), address.scope)
      return entry
    }
    (record.relays, record.roles, record.network) = (relays, roles, Data(network))
    (record.minimumVersion, record.maximumVersion) = (1, 1)
    do throws(WireError) { return try WireSigned(record, by: signer, domain: .peer) } catch { throw DiscoveryError(.record, error.message) }
  }
}

extension PeerAddress {
  /// From where it can be reached, as the protocol says it.
  var scope: WireAddressScope {
    switch ip?.reach {
    case .loopback?: .loopback
    case .link?: .link
    case .site?: .private
    case .world?: .public
    case IPAddress.Reach.none?, nil: .unspecified
    }
  }
}

/// Verifies records, and knows those again that it verified: a table's neighbours send the same ones over and over.
public struct RecordVerifier: Sendable {
  static let capacity = 4_096
  private var known: [[UInt8]: VerifiedRecord] = [:]
  private var order: [[UInt8]] = []
  /// Signatures that were computed.
  public private(set) var checks = 0

  public init() {}

  /// - Throws: `.record`.
  public mutating func verify(_ signed: WireSigned, now: UInt64) throws(DiscoveryError) -> VerifiedRecord {
    let hash = Self.hash(signed)
    if let record = known[hash] {
      guard record.expires > now else { throw DiscoveryError(.record, "the record of \(record.key) has expired") }
      return record
    }
    checks += 1
    let record = try VerifiedRecord(signed, now: now)
    known[hash] = record
    order.append(hash)
    if order.count > Self.capacity {
      for old in order.prefix(Self.capacity / 4) { known[old] = nil }
      order.removeFirst(Self.capacity / 4)
    }
    return record
  }

  private static func hash(_ signed: WireSigned) -> [UInt8] {
    SHA256.hash([UInt8](signed.signer) + [UInt8](signed.signature) + [UInt8](signed.content))
  }
}

/// SHA-256 by libsodium.
enum SHA256 {
  static func hash(_ bytes: [UInt8]) -> [UInt8] {
    var hash = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256(&hash, bytes, UInt64(bytes.count))
    return hash
  }
}
