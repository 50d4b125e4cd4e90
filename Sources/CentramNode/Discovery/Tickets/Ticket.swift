public import CentramWire

/// How to reach a node, for a person to paste: its id, addresses to try, and a relay. docs/protocol/tickets.md says how it is written.
/// Not signed and not secret: the dial proves the key, and a wrong address costs one attempt.
public struct Ticket: Hashable, Sendable {
  public static let maximumAddresses = 8
  /// A field has at most 255 bytes, and the relay's id takes 32 of them.
  public static let maximumRelayAddress = 223

  public struct Relay: Hashable, Sendable {
    public var id: NodeKey
    public var address: PeerAddress
    public init(id: NodeKey, address: PeerAddress) { (self.id, self.address) = (id, address) }
  }

  public let id: NodeKey
  /// At most eight, the best first.
  public let addresses: [PeerAddress]
  public let relay: Relay?

  /// - Throws: `.ticketContent` beyond the limits, or where a ticket would lead nowhere.
  public init(id: NodeKey, addresses: [PeerAddress], relay: Relay? = nil) throws(DiscoveryError) {
    guard id != .anyone else { throw DiscoveryError(.ticketContent, "the id is zero, which is nobody's") }
    guard addresses.count <= Self.maximumAddresses else {
      throw DiscoveryError(.ticketContent, "\(addresses.count) addresses; a ticket holds at most \(Self.maximumAddresses)")
    }
    guard Set(addresses).count == addresses.count else { throw DiscoveryError(.ticketContent, "an address stands in the ticket twice") }
    guard !addresses.isEmpty || relay != nil else { throw DiscoveryError(.ticketContent, "neither an address nor a relay: a ticket must lead somewhere") }
    if let relay, relay.address.description.utf8.count > Self.maximumRelayAddress {
      throw DiscoveryError(.ticketContent, "the relay's address has \(relay.address.description.utf8.count) bytes; \(Self.maximumRelayAddress) is the limit")
    }
    if let zoned = (addresses + (relay.map { [$0.address] } ?? [])).first(where: { $0.ip?.zone != nil }) {
      throw DiscoveryError(.ticketContent, "\(zoned): an interface's name means nothing on another machine")
    }
    (self.id, self.addresses, self.relay) = (id, addresses, relay)
  }
}
