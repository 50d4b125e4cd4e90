public import CentramWire
internal import Foundation

/// This node's part of the distributed table: whom it knows, what it keeps for others, what it answers. Times are Unix milliseconds.
public struct TableNode: Sendable {
  /// Nodes that a record is kept at, and that an answer names.
  public static let replicas = 20
  /// Milliseconds after which a provider says again what it holds.
  public static let republish: UInt64 = 6 * 3_600_000

  public internal(set) var table: RoutingTable
  public internal(set) var store: ProviderStore
  public internal(set) var verifier = RecordVerifier()
  private let own: NodeKey
  private let tokens: TableTokens
  private var random: RandomSource

  public init(own: NodeKey, random: RandomSource, limits: RoutingTable.Limits = RoutingTable.Limits(), storeLimits: ProviderStore.Limits = ProviderStore.Limits()) {
    (self.own, self.random) = (own, random)
    (table, store) = (RoutingTable(own: own, limits: limits), ProviderStore(limits: storeLimits))
    tokens = TableTokens(random: &self.random)
  }

  /// A node whose key a session proved and whose record is known.
  public mutating func met(_ record: VerifiedRecord, now: UInt64) { table.answered(record, at: now) }

  public func answer(_ message: WireFindNode, to asker: NodeKey, now: UInt64) -> WireFindNodeReply {
    var reply = WireFindNodeReply()
    guard let target = TablePoint(message.target) else { return reply }
    reply.records = table.nearest(target, min(Int(message.maximum), Self.replicas), except: asker, now: now).map(\.record.signed)
    reply.token = Data(tokens.token(for: asker, now: now))
    return reply
  }

  public mutating func answer(_ message: WireFindProviders, to asker: NodeKey, now: UInt64) -> WireFindProvidersReply {
    var reply = WireFindProvidersReply()
    guard let content = TablePoint(message.content) else { return reply }
    let count = min(Int(message.maximum), Self.replicas)
    let found = store.providers(content, kind: message.kind, count, now: now, random: &random)
    (reply.providers, reply.providerPeers) = (found.map(\.provider.signed), found.map(\.peer.signed))
    reply.nearer = table.nearest(content, Self.replicas, except: asker, now: now).map(\.record.signed)
    reply.token = Data(tokens.token(for: asker, now: now))
    return reply
  }

  /// Keeps a provider's word.
  /// - Throws: `.record`, `.limit`.
  public mutating func take(_ message: WireProvide, from asker: NodeKey, now: UInt64) throws(DiscoveryError) {
    guard tokens.isValid([UInt8](message.token), for: asker, now: now) else { throw DiscoveryError(.record, "the token is not of the last ten minutes; ask for one with FindNode") }
    let provider = try VerifiedProvider(message.record, now: now)
    guard provider.provider == asker else { throw DiscoveryError(.record, "\(asker) provides for another peer") }
    let peer = try verifier.verify(message.peer, now: now)
    guard peer.key == asker else { throw DiscoveryError(.record, "\(asker) gives the record of another peer") }
    // Far from here nobody will look; what is kept for those who only think so fills the store.
    let nearer = table.nearest(provider.content, Self.replicas, now: now)
    if nearer.count == Self.replicas, let last = nearer.last, provider.content.isNearer(last.point, than: table.own) {
      throw DiscoveryError(.limit, "this node is none of the \(Self.replicas) nearest that it knows")
    }
    if let refusal = store.add(provider, peer: peer) { throw DiscoveryError(.limit, "the record is not kept: \(refusal.rawValue)") }
  }

  /// Reads the records of an answer; bad ones are left out.
  /// - Returns: the good ones, and how many were bad.
  public mutating func read(_ records: [WireSigned], now: UInt64) -> (good: [VerifiedRecord], bad: Int) {
    let good = records.prefix(Self.replicas).compactMap { try? verifier.verify($0, now: now) }
    return (good, min(records.count, Self.replicas) - good.count)
  }

  /// Reads the providers of an answer: each with its own word where it can be reached.
  public mutating func providers(_ reply: WireFindProvidersReply, of content: TablePoint, now: UInt64) -> [(provider: VerifiedProvider, peer: VerifiedRecord)] {
    let peers = Dictionary(read(reply.providerPeers, now: now).good.map { ($0.key, $0) }) { first, _ in first }
    return reply.providers.prefix(Self.replicas).compactMap { signed in
      guard let provider = try? VerifiedProvider(signed, now: now), provider.content == content, let peer = peers[provider.provider] else { return nil }
      return (provider, peer)
    }
  }

  /// A search beginning with whom the table knows.
  public func lookup(_ target: TablePoint, now: UInt64, settings: TableLookup.Settings = TableLookup.Settings()) -> TableLookup {
    TableLookup(target: target, own: own, from: table.nearest(target, settings.nearest, now: now).map(\.record), settings: settings)
  }

  public mutating func expire(now: UInt64) {
    table.expire(now: now)
    store.expire(now: now)
  }
}
