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
  /// Begins to dial, and goes on until it is told not to.
  func startDial(_ reference: PeerReference) async
  /// Dials no more; a connection that stands stays.
  func stopDial(_ reference: PeerReference) async
  /// Relays at which this node can be reached.
  func ownRelays() async -> [Ticket.Relay]
  /// Where peers see this node, if that may lead back to it.
  func observedAddresses() async -> [PeerAddress]
  /// Sends without waiting for an answer; a peer that is gone misses it.
  func send(_ message: some WireMessage, to peer: NodeKey) async
  /// Asks a peer; nil where it does not answer.
  func ask<Answer: WireMessage>(_ message: some WireMessage, of peer: NodeKey, for answer: Answer.Type) async -> Answer?
}
