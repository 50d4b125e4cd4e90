internal import CentramPluginAPI

/// Where a connection's peer is, as this machine sees it. The contract for transports says nothing of addresses; a transport that knows gives its
/// connections a `description`, which is the peer's address as this node would write it: `quic://198.51.100.7:40000`.
enum PeerSource {
  /// Nil where the transport does not say, or the peer comes through something else than its own address.
  static func address(of connection: any TransportConnection) -> PeerAddress? {
    guard let described = connection as? any CustomStringConvertible, let address = try? PeerAddress(described.description), address.ip != nil else { return nil }
    return address
  }
}
