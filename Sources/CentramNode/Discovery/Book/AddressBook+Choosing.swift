public import CentramWire

extension AddressBook {
  /// Milliseconds after which an address that failed is tried again: 30 seconds, twice as long after each failure, six hours at most.
  static func pause(after failures: Int) -> UInt64 { failures == 0 ? 0 : min(30_000 << UInt64(min(failures - 1, 12)), 6 * 3_600_000) }

  /// A peer's addresses to try now, the most promising first: those that answered, then those of the link and of persons, then what was learnt.
  public func candidates(for key: NodeKey, now: UInt64) -> [PeerAddress] {
    guard let entry = entries[key] else { return [] }
    return entry.addresses.filter { $0.value.tried + Self.pause(after: $0.value.failures) <= now }
      .sorted { a, b in
        (a.value.reached, a.value.source.isLearnt ? 0 : 1, -a.value.failures, b.key.description) > (
          b.value.reached, b.value.source.isLearnt ? 0 : 1, -b.value.failures, a.key.description
        )
      }.map(\.key)
  }

  /// The relays at which a peer is to be tried now, where nothing else is known of it: none where a direct address is.
  public func relaysAlone(for key: NodeKey, now: UInt64) -> [Ticket.Relay] {
    guard let entry = entries[key], entry.addresses.isEmpty, let record = entry.record, record.expires > now,
      entry.relaysTried + Self.pause(after: entry.relayFailures) <= now
    else { return [] }
    return record.relays
  }

  /// Peers to dial for more connections, by chance among those that can be tried: half of them ones that were reached before, as far as there are.
  public func peersToDial(_ count: Int, except connected: Set<NodeKey>, now: UInt64, random: inout RandomSource) -> [NodeKey] {
    let ready = entries.values.filter { entry in
      !connected.contains(entry.key) && !(candidates(for: entry.key, now: now).isEmpty && relaysAlone(for: entry.key, now: now).isEmpty)
    }.sorted { $0.key < $1.key }
    var met = ready.filter { $0.reached > 0 }.map(\.key), others = ready.filter { $0.reached == 0 }.map(\.key)
    met.shuffle(using: &random)
    others.shuffle(using: &random)
    let first = min(met.count, max(count - others.count, (count + 1) / 2))
    return Array((met.prefix(first) + others).prefix(count))
  }

  /// Records to tell others of: peers that were reached in the last day first, then others, each by chance.
  func records(_ count: Int, now: UInt64, random: inout RandomSource, where wanted: (VerifiedRecord) -> Bool) -> (records: [VerifiedRecord], more: Bool) {
    let known = entries.values.filter { entry in entry.record.map { $0.expires > now && wanted($0) } ?? false }.sorted { $0.key < $1.key }
    var met = known.filter { $0.reached + 86_400_000 > now }, others = known.filter { $0.reached + 86_400_000 <= now }
    met.shuffle(using: &random)
    others.shuffle(using: &random)
    let chosen = (met + others).prefix(count).compactMap(\.record)
    return (chosen, known.count > chosen.count)
  }
}

/// How fast addresses that strangers told of are dialled, so that nobody can use this node to knock on others' doors.
public struct DialBudget: Sendable {
  /// Dials a second on average, and at once; milliseconds between two dials into one network.
  public static let perSecond = 2.0, burst = 8.0
  public static let perPrefix: UInt64 = 10_000
  static let maximumPrefixes = 4_096

  private var tokens = Self.burst
  private var last: UInt64 = 0
  private var prefixes: [NetworkPrefix: UInt64] = [:]
  public private(set) var refused = 0

  public init() {}

  /// Whether a learnt address may be dialled now; if so, that counts.
  public mutating func take(_ address: PeerAddress, now: UInt64) -> Bool {
    if now > last { (tokens, last) = (min(Self.burst, tokens + Double(now - last) * Self.perSecond / 1000), now) }
    if prefixes.count >= Self.maximumPrefixes { prefixes = prefixes.filter { $0.value + Self.perPrefix > now } }
    let prefix = address.prefix.wider
    guard tokens >= 1, prefixes.count < Self.maximumPrefixes, prefixes[prefix].map({ $0 + Self.perPrefix <= now }) ?? true else {
      refused += 1
      return false
    }
    tokens -= 1
    prefixes[prefix] = now
    return true
  }
}
