public import CentramWire

/// A node that a link's multicast DNS told of. Nobody proved anything yet.
public struct DiscoveredService: Hashable, Sendable {
  /// The service instance's first label: drawn by chance, new at each start.
  public var instance: String
  public var id: NodeKey
  /// Where its transports listen, IPv6 first.
  public var addresses: [PeerAddress]
}

/// What changed on the link.
public enum ServiceEvent: Hashable, Sendable {
  case found(DiscoveredService)
  /// Another address or transport.
  case changed(DiscoveredService)
  /// It said goodbye, or said nothing for longer than it promised.
  case lost(DiscoveredService)
}
