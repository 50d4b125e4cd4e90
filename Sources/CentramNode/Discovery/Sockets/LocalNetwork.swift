/// The links that this machine is on, and UDP on them. The system's in a node; a test's own in tests.
public protocol LocalNetwork: Sendable {
  /// - Throws: `.network`.
  func interfaces() throws(DiscoveryError) -> [NetworkInterface]
  /// A socket that hears multicast DNS on one interface.
  /// - Parameter receive: called for each datagram, one after another.
  /// - Throws: `.network`.
  func multicast(on interface: NetworkInterface, ipv4: Bool, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket
  /// A socket that sends and hears broadcasts on all interfaces.
  /// - Throws: `.network`.
  func broadcast(port: UInt16, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket
}

public protocol DatagramSocket: Sendable {
  /// The port it has on this machine.
  var port: UInt16 { get }
  /// Sends if the system takes it now; what is lost is lost, as with any datagram.
  /// - Throws: `.network`.
  func send(_ bytes: [UInt8], to target: Endpoint) throws(DiscoveryError)
  /// Nothing is received afterwards.
  func close()
}

public struct Datagram: Sendable, Equatable {
  public var bytes: [UInt8]
  public var source: Endpoint
  public init(bytes: [UInt8], source: Endpoint) { (self.bytes, self.source) = (bytes, source) }
}

/// A network interface with its addresses.
public struct NetworkInterface: Sendable, Hashable {
  public struct Address: Sendable, Hashable {
    public var ip: IPAddress
    public var prefixLength: Int
    /// IPv4 only.
    public var broadcast: IPAddress?
    public init(ip: IPAddress, prefixLength: Int, broadcast: IPAddress? = nil) { (self.ip, self.prefixLength, self.broadcast) = (ip, prefixLength, broadcast) }
  }

  public var name: String
  public var index: UInt32
  public var isUp: Bool, hasMulticast: Bool, isLoopback: Bool
  public var addresses: [Address]

  public init(name: String, index: UInt32, isUp: Bool = true, hasMulticast: Bool = true, isLoopback: Bool = false, addresses: [Address]) {
    (self.name, self.index, self.addresses) = (name, index, addresses)
    (self.isUp, self.hasMulticast, self.isLoopback) = (isUp, hasMulticast, isLoopback)
  }

  /// Whether an address belongs to this link, so that a sender who claims it can be one of the neighbours.
  public func isOnLink(_ address: IPAddress) -> Bool {
    if !address.isIPv4, address.reach == .link { return true }
    return addresses.contains { $0.ip == address.withoutZone || $0.ip.withoutZone.sharesPrefix($0.prefixLength, with: address) }
  }
}
