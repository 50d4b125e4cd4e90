internal import CHostSystem
internal import Dispatch
internal import Foundation

/// This machine's links. Plain sockets: see docs/decisions/0010-sockets-for-discovery.md.
public struct SystemNetwork: LocalNetwork {
  public init() {}

  public func interfaces() throws(DiscoveryError) -> [NetworkInterface] {
    var list = [centram_interface](repeating: centram_interface(), count: 256)
    let count = centram_interfaces(&list, Int32(list.count))
    guard count >= 0 else { throw .system(.network, "the system's network interfaces") }
    var result: [NetworkInterface] = []
    for entry in list.prefix(Int(count)) {
      let name = withUnsafeBytes(of: entry.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let bytes = withUnsafeBytes(of: entry.address) { Array($0.prefix(entry.family == 4 ? 4 : 16)) }
      guard let plain = IPAddress(bytes: bytes), let ip = IPAddress(bytes: bytes, zone: plain.reach == .link && !plain.isIPv4 ? name : nil) else { continue }
      let broadcast = entry.family == 4 && entry.flags & 4 != 0 ? Self.broadcast(bytes, Int(entry.prefix_length), withUnsafeBytes(of: entry.broadcast) { Array($0) }) : nil
      let address = NetworkInterface.Address(ip: ip, prefixLength: Int(entry.prefix_length), broadcast: broadcast)
      if let index = result.firstIndex(where: { $0.name == name }) {
        result[index].addresses.append(address)
      } else {
        result.append(
          NetworkInterface(
            name: name, index: entry.index, isUp: entry.flags & 1 != 0, hasMulticast: entry.flags & 2 != 0, isLoopback: entry.flags & 8 != 0, addresses: [address]))
      }
    }
    return result
  }

  /// As configured, or else the network's last address, which the system takes for one too.
  private static func broadcast(_ address: [UInt8], _ length: Int, _ configured: [UInt8]) -> IPAddress? {
    if configured != [0, 0, 0, 0] && configured != address { return IPAddress(bytes: configured) }
    guard (1...30).contains(length) else { return nil }
    return IPAddress(bytes: (0..<4).map { address[$0] | UInt8(truncatingIfNeeded: 0xFF >> max(0, min(8, length - $0 * 8))) })
  }

  public func multicast(on interface: NetworkInterface, ipv4: Bool, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket {
    let group = ipv4 ? MDNSPacket.groupV4 : MDNSPacket.groupV6
    let descriptor = centram_udp_multicast(ipv4 ? 4 : 6, interface.name, interface.index, group.bytes, MDNSPacket.port)
    guard descriptor >= 0 else { throw .system(.network, "multicast DNS on \(interface.name)") }
    return SystemDatagramSocket(descriptor, zone: interface.name, scope: interface.index, receive: receive)
  }

  public func broadcast(port: UInt16, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket {
    let descriptor = centram_udp_broadcast(port)
    guard descriptor >= 0 else { throw .system(.network, "broadcasts on UDP port \(port)") }
    return SystemDatagramSocket(descriptor, zone: nil, scope: 0, receive: receive)
  }
}

/// A socket that a dispatch source empties.
final class SystemDatagramSocket: DatagramSocket {
  /// Read before the source lets others go on.
  private static let burst = 64

  private let descriptor: Int32
  private let scope: UInt32
  // Dispatch's own locking makes it safe from any thread.
  private nonisolated(unsafe) let source: any DispatchSourceRead
  let port: UInt16

  /// Owns the descriptor.
  init(_ descriptor: Int32, zone: String?, scope: UInt32, receive: @escaping @Sendable (Datagram) -> Void) {
    (self.descriptor, self.scope) = (descriptor, scope)
    port = centram_udp_port(descriptor)
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: DispatchQueue(label: "centram.discovery.socket"))
    source.setEventHandler {
      for _ in 0..<Self.burst {
        guard let datagram = Self.receive(descriptor, zone) else { return }
        if let datagram { receive(datagram) }
      }
    }
    source.setCancelHandler { Foundation.close(descriptor) }
    source.activate()
  }

  deinit { source.cancel() }

  /// Nil when there is none now; nil inside for one that is no use.
  private static func receive(_ descriptor: Int32, _ zone: String?) -> Datagram?? {
    var bytes = [UInt8](repeating: 0, count: DNSMessage.maximumSize), address = [UInt8](repeating: 0, count: 16)
    var family: Int32 = 0, scope: UInt32 = 0, port: UInt16 = 0
    let count = centram_udp_receive(descriptor, &bytes, bytes.count, &family, &address, &scope, &port)
    // An error that a datagram sent before caused (a closed port there) is read here once, and is none of this socket's.
    if count < 0 { return errno == EAGAIN || errno == EBADF ? .none : .some(nil) }
    guard count <= bytes.count, let plain = IPAddress(bytes: Array(address.prefix(family == 4 ? 4 : 16))) else { return .some(nil) }
    let ip = !plain.isIPv4 && plain.reach == .link ? IPAddress(bytes: plain.bytes, zone: zone ?? String(scope))! : plain
    return .some(Datagram(bytes: Array(bytes.prefix(count)), source: Endpoint(ip, port)))
  }

  func send(_ bytes: [UInt8], to target: Endpoint) throws(DiscoveryError) {
    let link = !target.address.isIPv4 && (target.address.reach == .link || target.address.bytes[0] == 0xFF)
    let sent = centram_udp_send(descriptor, target.address.isIPv4 ? 4 : 6, target.address.bytes, link ? scope : 0, target.port, bytes, bytes.count)
    guard sent == bytes.count else { throw .system(.network, "\(bytes.count) bytes to \(target)") }
  }

  func close() { source.cancel() }
}
