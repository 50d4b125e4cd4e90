internal import CentramPluginAPI

/// Decides whether a handshake may begin: few a source and minute, few altogether, few half-open at once, none of a banned peer.
struct HandshakeGate: Sendable {
  private let limits: Limits
  private var all: TokenBucket
  private var sources: [[UInt8]: TokenBucket] = [:]
  private(set) var halfOpen = 0

  init(limits: Limits, now: UInt64) {
    self.limits = limits
    all = Self.bucket(limits[.handshakesPerMinute], now)
  }

  /// So many at once, and so many a minute after that.
  private static func bucket(_ perMinute: Int, _ now: UInt64) -> TokenBucket { TokenBucket(ratePerMinute: perMinute, now: now) }

  /// Whom a handshake counts for: the IPv4 address or the IPv6 /64 that it came from, for keys cost nothing. Where the transport does not tell the
  /// address, or all processes of this machine share it, the key that the transport has proved.
  static func source(of connection: any TransportConnection) -> [UInt8] {
    guard let address = PeerSource.address(of: connection)?.ip, address.reach != .loopback else { return connection.peer.bytes }
    return address.isIPv4 ? address.bytes : NetworkPrefix(address).bytes
  }

  /// - Parameter source: see `source(of:)`.
  /// - Returns: the limit that is reached; nil: it may begin, and `end` must be called when it is over.
  mutating func begin(source: [UInt8], now: UInt64) -> Limit? {
    guard halfOpen < limits[.halfOpenHandshakes] else { return .halfOpenHandshakes }
    var bucket = sources[source] ?? Self.bucket(limits[.handshakesPerSourceAndMinute], now)
    guard bucket.take(now: now) else { return .handshakesPerSourceAndMinute }
    // Refused ones do not use up what all share, so that one source cannot lock others out.
    guard all.take(now: now) else { return .handshakesPerMinute }
    if sources.count >= 4_096 { sources = sources.filter { !$0.value.isFull(now: now) } }
    if sources.count < 16_384 { sources[source] = bucket }
    halfOpen += 1
    return nil
  }

  mutating func end() { halfOpen -= 1 }
}

extension TokenBucket {
  init(ratePerMinute: Int, now: UInt64) { self.init(tokensPerSecond: Double(ratePerMinute) / 60, burst: Double(ratePerMinute), now: now) }
}
