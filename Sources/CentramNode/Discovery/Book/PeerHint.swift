public import CentramWire

/// How a node heard of a peer, the most trusted first: what a person said, what the own link says, what strangers say.
public enum HintSource: String, Codable, CaseIterable, Sendable {
  case configured, ticket, mdns, beacon, session, exchange, gossip, table

  /// Told by others over the network: dialled only as the rate limit allows.
  public var isLearnt: Bool { self == .exchange || self == .gossip || self == .table }
}

/// Where a peer may be. The dial proves the key.
public struct PeerHint: Sendable, Equatable {
  public var key: NodeKey
  public var addresses: [PeerAddress]
  public var source: HintSource
  /// The peer's own signed word, where the hint came with it.
  public var record: VerifiedRecord?

  public init(key: NodeKey, addresses: [PeerAddress], source: HintSource, record: VerifiedRecord? = nil) {
    (self.key, self.addresses, self.source, self.record) = (key, addresses, source, record)
  }
}
