public import CentramWire

/// What discovery asks of the node that it finds peers for.
public protocol DiscoveryHost: Sendable {
  /// The key that this node has now.
  func currentKey() async -> SigningKey
  /// Addresses that it listens on, as listeners say.
  func listeningAddresses() async -> [String]
  /// Schemes of the transports that it can dial with.
  var schemes: Set<String> { get }
  /// Peers that are connected, and the address that each was dialled at; nil where it came by itself.
  func connectedPeers() async -> [NodeKey: String?]
  /// Begins to dial. `reason` is what `peers` shows.
  func startDial(_ key: NodeKey, _ address: PeerAddress, reason: String) async
  /// Dials no more; a connection that stands stays.
  func stopDial(_ key: NodeKey, _ address: PeerAddress, reason: String) async
  /// Sends without waiting for an answer; a peer that is gone misses it.
  func send(_ message: some WireMessage, to peer: NodeKey) async
  /// Asks a peer for peers; nil where it does not answer.
  func ask(_ message: WirePeerExchangeRequest, of peer: NodeKey) async -> WirePeerExchangeReply?
}
