/// Why a peer is reached through a relay and not directly, as `peers` shows it.
public enum RelayReason: String, Sendable, Codable, CaseIterable {
  /// Nobody answered at the direct addresses.
  case timedOut
  /// Something at the direct addresses refused.
  case refused
  /// The direct addresses are all of a family (IPv4 or IPv6) that this node has no way to.
  case unreachableFamily
  /// A router in between gives each destination a port of its own, so no address that others see leads back.
  case symmetricNAT
  /// Nothing but the relay was configured or is known.
  case configuredOnly

  /// How one direct dial ended.
  public enum DialFailure: Sendable, Hashable { case timedOut, refused, unreachableFamily }

  /// - Parameters:
  ///   - failures: of the direct dials; empty where there was no direct address.
  ///   - mapping: how this node's router gives ports, as far as it is known.
  public init(failures: [DialFailure], mapping: NATMapping = .unknown) {
    if failures.isEmpty {
      self = .configuredOnly
    } else if failures.allSatisfy({ $0 == .unreachableFamily }) {
      self = .unreachableFamily
    } else if failures.contains(.timedOut) {
      // Silence is what a router gives; behind one of this kind it is the explanation.
      self = mapping == .endpointDependent ? .symmetricNAT : .timedOut
    } else {
      self = .refused
    }
  }

  /// A sentence for people.
  public var sentence: String {
    switch self {
    case .timedOut: "relay: nobody answered at the direct addresses"
    case .refused: "relay: the direct addresses refused"
    case .unreachableFamily: "relay: this node has no way to the family of the direct addresses"
    case .symmetricNAT: "relay: the router in between gives each destination another port (symmetric NAT)"
    case .configuredOnly: "relay: no direct address is known"
    }
  }
}

extension RelayReason.DialFailure {
  /// What a failed dial was.
  /// - Parameters:
  ///   - families: whether this node has addresses of IPv4 and of IPv6 that reach beyond its link.
  ///   - milliseconds: how long the dial took, and how long it might have taken at most.
  public init(address: PeerAddress, families: (v4: Bool, v6: Bool), milliseconds: UInt64, limit: UInt64) {
    if let ip = address.ip, ip.reach != .loopback, !(ip.isIPv4 ? families.v4 : families.v6) {
      self = .unreachableFamily
    } else {
      self = milliseconds >= limit ? .timedOut : .refused
    }
  }
}
