/// Where others can dial this node: what it listens on, with "everywhere" spelled out as the machine's addresses.
public enum OwnAddresses {
  /// Transports whose sockets on [::] hear IPv4 too. QUIC's do not.
  static let bothFamilies: Set<String> = ["tcp", "http"]

  /// - Parameters:
  ///   - listening: such as `quic://[::]:9741`, as listeners say.
  ///   - reach: addresses that reach less far are left out.
  /// - Returns: at most `count`, those that reach farthest first, IPv6 of one link with its zone.
  public static func expand(_ listening: [String], over interfaces: [NetworkInterface], from reach: IPAddress.Reach = .link, count: Int = 8) -> [PeerAddress] {
    var result: [PeerAddress] = []
    for text in listening {
      guard let address = try? PeerAddress(text) else { continue }
      guard let ip = address.ip else {
        result.append(address)
        continue
      }
      if ip.bytes.contains(where: { $0 != 0 }) {
        if ip.reach >= reach { result.append(address) }
        continue
      }
      let own = interfaces.filter(\.isUp).flatMap(\.addresses).map(\.ip).filter { own in
        own.reach >= reach && (own.isIPv4 == ip.isIPv4 || (own.isIPv4 && bothFamilies.contains(address.scheme)))
      }
      result += own.map { PeerAddress(scheme: address.scheme, address: $0, port: address.port) }
    }
    var seen: Set<PeerAddress> = []
    let unique = result.filter { seen.insert($0).inserted }
    return Array(unique.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element).prefix(count))
  }

  private static func rank(_ address: PeerAddress) -> Int { 4 - (address.ip?.reach.rawValue ?? 4) }
}
