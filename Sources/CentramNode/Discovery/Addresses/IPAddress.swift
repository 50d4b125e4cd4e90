internal import Foundation

/// An IPv4 or IPv6 address; for IPv6 of one link, with the link it is on.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// 4 or 16 bytes, in network order.
  public let bytes: [UInt8]
  /// An interface's name or number, as in `fe80::1%eth0`; nil where the address needs none.
  public let zone: String?

  /// Nil unless there are 4 or 16 bytes. An IPv4 address in IPv6's clothes (`::ffff:192.0.2.1`) becomes the IPv4 address.
  public init?(bytes: [UInt8], zone: String? = nil) {
    if bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
      (self.bytes, self.zone) = (Array(bytes[12...]), nil)
      return
    }
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
    self.zone = zone
  }

  /// Nil where `text` is no address in numbers.
  public init?(_ text: String) {
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    // inet_pton stops at a zero byte, so that "127.0.0.1\0.example" would pass.
    guard let address = parts.first, address.utf8.count <= 45, !address.utf8.contains(0) else { return nil }
    var v4 = [UInt8](repeating: 0, count: 4)
    if parts.count == 1, inet_pton(AF_INET, address, &v4) == 1 {
      self.init(bytes: v4)
      return
    }
    var v6 = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, address, &v6) == 1 else { return nil }
    if parts.count == 2 {
      guard !parts[1].isEmpty, parts[1].utf8.count < 16, parts[1].utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 0x2F && $0 != 0x5D && $0 != 0x25 }) else { return nil }
    }
    self.init(bytes: v6, zone: parts.count == 2 ? parts[1] : nil)
  }

  public var isIPv4: Bool { bytes.count == 4 }

  public var description: String {
    var text = [CChar](repeating: 0, count: 64)
    inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return zone.map { "\(address)%\($0)" } ?? address
  }

  /// Without the zone, which means nothing on another machine.
  public var withoutZone: IPAddress { IPAddress(bytes: bytes)! }

  /// How far an address reaches.
  public enum Reach: Int, Comparable, Sendable {
    /// Multicast, broadcast, unspecified, reserved: nobody to dial.
    case none
    case loopback, link
    /// RFC 1918, RFC 6598, RFC 4193.
    case site
    case world
    public static func < (a: Reach, b: Reach) -> Bool { a.rawValue < b.rawValue }
  }

  public var reach: Reach {
    if isIPv4 {
      switch (bytes[0], bytes[1]) {
      case (0, _), (224..., _): return .none
      case (127, _): return .loopback
      case (169, 254): return .link
      case (10, _), (192, 168), (172, 16...31), (100, 64...127): return .site
      default: return .world
      }
    }
    if bytes[0] == 0xFF { return .none }
    if bytes[..<15].allSatisfy({ $0 == 0 }) { return bytes[15] == 1 ? .loopback : .none }
    if bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 { return .link }
    if bytes[0] & 0xFE == 0xFC { return .site }
    return .world
  }

  /// Whether the first `length` bits are those of `other`.
  public func sharesPrefix(_ length: Int, with other: IPAddress) -> Bool {
    guard bytes.count == other.bytes.count else { return false }
    for index in 0..<min(bytes.count, (length + 7) / 8) {
      let bits = min(8, length - index * 8)
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
      if bytes[index] & mask != other.bytes[index] & mask { return false }
    }
    return true
  }
}

/// The network that an address is counted under: whoever holds one address of it can often have the others too.
public struct NetworkPrefix: Hashable, Sendable {
  /// The first 3 bytes of an IPv4 address (/24), the first 8 of an IPv6 address (/64), or a name's bytes.
  public let bytes: [UInt8]

  public init(_ address: IPAddress) { bytes = Array(address.bytes.prefix(address.isIPv4 ? 3 : 8)) }

  /// The /48 that an IPv6 /64 belongs to; others are themselves.
  public var wider: NetworkPrefix { bytes.count == 8 ? NetworkPrefix(raw: Array(bytes.prefix(6))) : self }

  init(raw: [UInt8]) { bytes = raw }
}
