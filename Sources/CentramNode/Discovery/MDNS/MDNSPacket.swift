/// A message and where it goes.
struct MDNSPacket: Sendable, Equatable {
  static let port: UInt16 = 5353
  static let groupV4 = IPAddress(bytes: [224, 0, 0, 251])!
  static let groupV6 = IPAddress(bytes: [0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFB])!

  enum Destination: Hashable, Sendable {
    case group
    case host(Endpoint)
  }

  var message: DNSMessage
  var destination: Destination = .group
}

/// An address with a UDP port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public var address: IPAddress
  public var port: UInt16
  public init(_ address: IPAddress, _ port: UInt16) { (self.address, self.port) = (address, port) }
  public var description: String { address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}
