public import CentramWire

/// How a node looks for others. Keys of the configuration's section `discovery`.
public struct DiscoverySettings: Sendable, Equatable {
  /// Announce and look by multicast DNS.
  public var mdns = true
  /// Send and hear the signed broadcast.
  public var beacon = true
  /// UDP port of the beacon.
  public var beaconPort = BeaconService.port
  /// Tell peers of peers, pass announcements on, and dial whom others tell of.
  public var exchange = true
  /// Connections that are sought with peers that others told of; those on the link come on top.
  public var wantedPeers = 16
  /// Connections that are sought with peers on the link.
  public var wantedLocalPeers = 64
  /// Names under which nodes find each other in the distributed table; at most eight of 64 bytes.
  public var topics: [String] = []
  /// What this node does for others, told with its addresses. No key of the configuration: it follows from what runs.
  public var roles: [WireRole] = []
  public init() {}
}
