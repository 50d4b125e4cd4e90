internal import CSodium
public import CentramWire
internal import Foundation

/// A provider's word that it holds something, whose signature holds.
public struct VerifiedProvider: Sendable, Equatable {
  /// Milliseconds that a record may be valid: two days, as the protocol says.
  public static let longestLife: UInt64 = 2 * 86_400_000

  public let content: TablePoint
  public let provider: NodeKey
  public let kind: WireContentKind
  public let number: UInt64, expires: UInt64, size: UInt64
  public let signed: WireSigned

  /// - Parameter now: Unix milliseconds.
  /// - Throws: `.record`.
  public init(_ signed: WireSigned, now: UInt64) throws(DiscoveryError) {
    let record: WireProviderRecord, signer: NodeKey
    do throws(WireError) { (record, signer) = try signed.opened(WireProviderRecord.self, domain: .provider) } catch {
      throw DiscoveryError(.record, "a provider's record is refused: \(error.message)")
    }
    guard record.provider.elementsEqual(signer.bytes), let content = TablePoint(record.content) else {
      throw DiscoveryError(.record, "\(signer) signed a provider's record of another peer")
    }
    guard record.madeMs <= now + VerifiedRecord.skew, record.expiresMs > now, record.expiresMs > record.madeMs, record.expiresMs - record.madeMs <= Self.longestLife else {
      throw DiscoveryError(.record, "a provider's record of \(signer) is of another time or for too long")
    }
    (self.content, provider, kind, number) = (content, signer, record.kind, record.number)
    (expires, size, self.signed) = (record.expiresMs, record.size, signed)
  }

  /// Signs this node's own.
  /// - Throws: `.record`.
  public static func make(by signer: SigningKey, content: TablePoint, kind: WireContentKind, size: UInt64 = 0, number: UInt64, now: UInt64, lifetime: UInt64 = 86_400_000)
    throws(DiscoveryError) -> WireSigned
  {
    var record = WireProviderRecord()
    (record.content, record.provider, record.kind) = (Data(content.bytes), Data(signer.publicKey.bytes), kind)
    (record.number, record.madeMs, record.expiresMs, record.size) = (number, now, now + lifetime, size)
    do throws(WireError) { return try WireSigned(record, by: signer, domain: .provider) } catch { throw DiscoveryError(.record, error.message) }
  }
}

/// What others provide, kept for those who ask: bounded in all, by content, by provider and by network.
public struct ProviderStore: Sendable {
  public struct Limits: Sendable {
    public var contents = 4_096, perContent = 64, perProvider = 256
    /// Providers of one content in one network (/24 or /64).
    public var perPrefix = 4
    public init() {}
  }
  public enum Refusal: String, Sendable { case full, content, provider, network, older }

  struct Entry: Sendable { var provider: VerifiedProvider, peer: VerifiedRecord, network: NetworkPrefix? }

  private let limits: Limits
  private var contents: [TablePoint: [Entry]] = [:]
  private var counts: [NodeKey: Int] = [:]

  public init(limits: Limits = Limits()) { self.limits = limits }

  public var count: Int { contents.values.reduce(0) { $0 + $1.count } }

  /// - Returns: why it was not kept; nil if it was.
  public mutating func add(_ provider: VerifiedProvider, peer: VerifiedRecord) -> Refusal? {
    let network = peer.addresses.first { $0.ip?.reach == .world }?.prefix
    var list = contents[provider.content] ?? []
    if let place = list.firstIndex(where: { $0.provider.provider == provider.provider }) {
      guard provider.number > list[place].provider.number else { return .older }
      list[place] = Entry(provider: provider, peer: peer, network: network)
    } else {
      guard contents[provider.content] != nil || contents.count < limits.contents else { return .full }
      guard list.count < limits.perContent else { return .content }
      guard counts[provider.provider, default: 0] < limits.perProvider else { return .provider }
      if let network, list.count(where: { $0.network == network }) >= limits.perPrefix { return .network }
      list.append(Entry(provider: provider, peer: peer, network: network))
      counts[provider.provider, default: 0] += 1
    }
    contents[provider.content] = list
    return nil
  }

  /// Providers of a content, by chance where there are more than asked for.
  func providers(_ content: TablePoint, kind: WireContentKind, _ count: Int, now: UInt64, random: inout RandomSource) -> [Entry] {
    let found = (contents[content] ?? []).filter { $0.provider.expires > now && $0.peer.expires > now && (kind == .unspecified || $0.provider.kind == kind) }
    return Array(found.shuffled(using: &random).prefix(count))
  }

  public mutating func expire(now: UInt64) {
    for (content, list) in contents {
      let rest = list.filter { $0.provider.expires > now && $0.peer.expires > now }
      guard rest.count < list.count else { continue }
      for entry in list where !rest.contains(where: { $0.provider.provider == entry.provider.provider }) {
        counts[entry.provider.provider] = counts[entry.provider.provider].flatMap { $0 > 1 ? $0 - 1 : nil }
      }
      contents[content] = rest.isEmpty ? nil : rest
    }
  }
}

/// Proof that an asker could be reached where it asked from: a keyed hash of who asked and in which ten minutes (the session proved the key). Needs no memory.
public struct TableTokens: Sendable {
  static let period: UInt64 = 600_000
  private let secret: [UInt8]

  public init(random: inout RandomSource) { secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) } }

  public func token(for key: NodeKey, now: UInt64) -> [UInt8] { mac(key, now / Self.period) }

  /// Holds for ten to twenty minutes.
  public func isValid(_ token: [UInt8], for key: NodeKey, now: UInt64) -> Bool {
    let period = now / Self.period
    return [period, period - min(period, 1)].contains { expected in
      let own = mac(key, expected)
      return token.count == own.count && sodium_memcmp(token, own, own.count) == 0
    }
  }

  private func mac(_ key: NodeKey, _ period: UInt64) -> [UInt8] {
    let input = key.bytes + (0..<8).map { UInt8(truncatingIfNeeded: period >> UInt64($0 * 8)) }
    var result = [UInt8](repeating: 0, count: 16)
    crypto_generichash(&result, result.count, input, UInt64(input.count), secret, secret.count)
    return result
  }
}
