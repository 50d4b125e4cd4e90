internal import Foundation
public import CentramWire

/// Whom this node dials back, and where: only the address from which the asker's own connection comes, so that nobody can have it dial a third party; few
/// ports of it, so that nobody can have it scan; and seldom, so that nobody can have it flood. Pure; times are nanoseconds.
public struct DialBackServer: Sendable {
  public struct Plan: Sendable {
    /// To dial, each expecting the asker's key, over a socket that the asker's router has not seen.
    public var dials: [PeerAddress]
    /// For all other candidates.
    public var results: [WireDialResult]
    /// The limit that was in the way, if any.
    public var reached: RelayLimit?
  }

  public let settings: RelaySettings
  public private(set) var counters = RelayCounters()
  private var byPeer: Allowances<NodeKey>, byPrefix: Allowances<NetworkPrefix>, all: Allowance
  /// Ports of an address that were dialled in the hour that began then.
  private var ports: [IPAddress: (begun: UInt64, ports: Set<UInt16>)] = [:]
  private static let rememberedAddresses = 4_096, hour: UInt64 = 3_600_000_000_000

  public init(settings: RelaySettings, now: UInt64) {
    self.settings = settings
    byPeer = Allowances(perMinute: settings[.dialBacksPerPeerAndMinute])
    byPrefix = Allowances(perMinute: settings[.dialBacksPerPrefixAndMinute])
    all = .perMinute(settings[.dialBacksPerMinute], now: now)
  }

  /// - Parameters:
  ///   - candidates: as the peer sent them.
  ///   - source: the address from which the peer's connection comes; nil where the transport does not know or the peer comes through a relay: nothing is
  ///     dialled then.
  ///   - schemes: transports that this node can dial with.
  public mutating func plan(_ candidates: [String], from peer: NodeKey, source: IPAddress?, schemes: Set<String>, now: UInt64) -> Plan {
    var plan = Plan(dials: [], results: [])
    let addresses = candidates.map { try? PeerAddress($0) }
    let fit = addresses.compactMap { address in address.flatMap { fits($0, source, schemes) ? $0 : nil } }
    var allowed = Set<PeerAddress>()
    if let source, !fit.isEmpty {
      if let limit = limitReached(peer, source, now) {
        plan.reached = limit
      } else {
        for address in fit where !allowed.contains(address) {
          guard allowed.count < settings[.dialBackCandidates] else {
            plan.reached = .dialBackCandidates
            break
          }
          guard takePort(address.port, of: source, now) else {
            plan.reached = .dialBackPortsPerAddressAndHour
            continue
          }
          allowed.insert(address)
        }
      }
    }
    if let limit = plan.reached { counters.reached(limit) }
    for (text, address) in zip(candidates, addresses) {
      if let address, allowed.contains(address) {
        if !plan.dials.contains(address) { plan.dials.append(address) }
      } else {
        plan.results.append(Self.result(text, .notTried))
      }
    }
    return plan
  }

  private func fits(_ address: PeerAddress, _ source: IPAddress?, _ schemes: Set<String>) -> Bool {
    guard let source, let ip = address.ip, ip.reach >= .site else { return false }
    return ip.withoutZone == source.withoutZone && address.port > 0 && address.path.isEmpty && schemes.contains(address.scheme)
  }

  private mutating func limitReached(_ peer: NodeKey, _ source: IPAddress, _ now: UInt64) -> RelayLimit? {
    guard byPeer.take(peer, now: now) else { return .dialBacksPerPeerAndMinute }
    guard byPrefix.take(NetworkPrefix(source), now: now) else { return .dialBacksPerPrefixAndMinute }
    return all.take(now: now) ? nil : .dialBacksPerMinute
  }

  private mutating func takePort(_ port: UInt16, of source: IPAddress, _ now: UInt64) -> Bool {
    if ports[source].map({ now - min(now, $0.begun) >= Self.hour }) ?? true {
      if ports.count >= Self.rememberedAddresses { ports = ports.filter { now - min(now, $0.value.begun) < Self.hour } }
      guard ports.count < Self.rememberedAddresses else { return false }
      ports[source] = (now, [])
    }
    guard ports[source]!.ports.contains(port) || ports[source]!.ports.count < settings[.dialBackPortsPerAddressAndHour] else { return false }
    ports[source]!.ports.insert(port)
    return true
  }

  public static func result(_ url: String, _ outcome: WireDialOutcome, microseconds: UInt64 = 0) -> WireDialResult {
    var result = WireDialResult()
    (result.url, result.outcome, result.elapsedUs) = (url, outcome, min(microseconds, 3_600_000_000))
    return result
  }
}
