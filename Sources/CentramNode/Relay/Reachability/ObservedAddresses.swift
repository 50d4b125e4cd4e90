/// How the router between this node and others gives ports to what this node sends. RFC 4787, section 4.1.
public enum NATMapping: String, Sendable, Codable {
  case unknown
  /// The same address and port whoever is spoken to: an address that one peer sees leads back for another.
  case endpointIndependent
  /// Another port for each destination ("symmetric").
  case endpointDependent
}

/// Where peers say that they see this node. One peer can lie, and one network can hold many peers; so each network has one voice, and an address counts
/// when two agree. Times are nanoseconds.
public struct ObservedAddresses: Sendable {
  /// Networks whose voices are kept, for each transport.
  public static let capacity = 32
  /// How many networks must agree.
  public static let quorum = 2
  let lifetime: UInt64
  private var voices: [String: [NetworkPrefix: (address: PeerAddress, heard: UInt64)]] = [:]

  public init(lifetimeMilliseconds: Int = 1_800_000) { lifetime = UInt64(max(0, lifetimeMilliseconds)) * 1_000_000 }

  /// A peer says where it sees this node.
  /// - Parameter network: the peer's network, from its own address.
  /// - Returns: whether it was taken: the address must be in numbers, with a port, and reach beyond the link.
  @discardableResult public mutating func heard(_ address: PeerAddress, from network: NetworkPrefix, now: UInt64) -> Bool {
    guard let ip = address.ip, ip.reach >= .site, address.port > 0 else { return false }
    var list = voices[address.scheme] ?? [:]
    guard voices.count < 8 || voices[address.scheme] != nil else { return false }
    list = list.filter { now - min(now, $0.value.heard) <= lifetime }
    if list[network] == nil, list.count >= Self.capacity, let oldest = list.min(by: { ($0.value.heard, $0.key.bytes.description) < ($1.value.heard, $1.key.bytes.description) }) {
      list[oldest.key] = nil
    }
    list[network] = (address, now)
    voices[address.scheme] = list
    return true
  }

  private func current(_ scheme: String, _ now: UInt64) -> [PeerAddress] { (voices[scheme] ?? [:]).values.filter { now - min(now, $0.heard) <= lifetime }.map(\.address) }

  /// Addresses on which two networks agree, most voices first.
  public func confirmed(now: UInt64) -> [PeerAddress] { heard(now: now, voices: Self.quorum) }

  /// Addresses that so many networks told of, most voices first. What one network says alone is good enough to try, and not to tell others.
  public func heard(now: UInt64, voices quorum: Int = 1) -> [PeerAddress] {
    let counts = voices.keys.flatMap { current($0, now) }.reduce(into: [PeerAddress: Int]()) { $0[$1, default: 0] += 1 }
    return counts.filter { $0.value >= quorum }.sorted { ($1.value, $0.key.description) < ($0.value, $1.key.description) }.map(\.key)
  }

  /// What the voices for a transport say of the router. Two that agree outweigh any number that do not.
  public func mapping(scheme: String, now: UInt64) -> NATMapping {
    let addresses = current(scheme, now)
    guard addresses.count >= Self.quorum else { return .unknown }
    return Set(addresses).count < addresses.count ? .endpointIndependent : .endpointDependent
  }
}
