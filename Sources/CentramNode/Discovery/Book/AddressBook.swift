public import CentramWire

/// What a node knows of others: their signed records, where they were reached, how they behaved. Bounded in every direction, so that a stranger
/// can neither fill it nor push out whom the node has really met. Times are Unix milliseconds.
public struct AddressBook: Sendable {
  public struct Limits: Sendable {
    /// Peers in all; of these at most three quarters that were never reached.
    public var peers = 4_096
    /// Addresses of a peer.
    public var addresses = 12
    /// Peers that were never reached, with an address in one network (/24 or /64), and in one /48.
    public var perPrefix = 16, perWidePrefix = 64
    /// Peers that one peer may have told of and that were never reached.
    public var perIntroducer = 256
    public init() {}
    var strangers: Int { peers * 3 / 4 }
  }

  /// Why something was not kept.
  public enum Refusal: String, CaseIterable, Sendable { case nothing, older, withdrawn, network, introducer, full, own }

  public struct Address: Sendable, Equatable, Codable {
    public var source: HintSource
    public var heard: UInt64
    public var tried: UInt64 = 0, reached: UInt64 = 0
    public var failures = 0
  }

  public struct Entry: Sendable, Equatable {
    public var key: NodeKey
    public var record: VerifiedRecord?
    public var addresses: [PeerAddress: Address] = [:]
    /// The peer that told of it first; nil where nobody did.
    public var introducer: NodeKey?
    public var heard: UInt64
    public var reached: UInt64 = 0
    /// Grows by one with each good session, halves with each failure.
    public var score = 0.0
    /// When the relays of its record were tried last without a direct address beside them, and how often in a row in vain. Not kept.
    var relaysTried: UInt64 = 0, relayFailures = 0
    public var isStranger: Bool { reached == 0 && addresses.values.allSatisfy { $0.source.isLearnt } }
  }

  public let limits: Limits
  public let own: NodeKey
  public internal(set) var entries: [NodeKey: Entry] = [:]
  /// Record numbers up to which a peer took its word back.
  var withdrawals: [NodeKey: (number: UInt64, until: UInt64)] = [:]
  public private(set) var refusals: [Refusal: Int] = [:]

  public init(own: NodeKey, limits: Limits = Limits()) { (self.own, self.limits) = (own, limits) }

  public var count: Int { entries.count }
  public subscript(_ key: NodeKey) -> Entry? { entries[key] }

  /// Takes a hint.
  /// - Parameter introducer: the peer that it came from; nil: nobody's word but the peer's own, the link's or a person's.
  /// - Returns: whether something was new.
  @discardableResult public mutating func add(_ hint: PeerHint, introducer: NodeKey? = nil, now: UInt64) -> Bool {
    func refuse(_ why: Refusal) -> Bool {
      refusals[why, default: 0] += 1
      return false
    }
    guard hint.key != own, hint.key != .anyone else { return refuse(.own) }
    if let record = hint.record {
      if let gone = withdrawals[hint.key], record.number <= gone.number { return refuse(.withdrawn) }
      if let known = entries[hint.key]?.record, record.number < known.number { return refuse(.older) }
    }
    let addresses = hint.addresses.filter { isUsable($0, hint.source) }
    guard !addresses.isEmpty || !(hint.record?.relays.isEmpty ?? true) else { return refuse(.nothing) }
    if entries[hint.key] == nil {
      if hint.source.isLearnt, let refusal = refusal(of: addresses, introducer) { return refuse(refusal) }
      guard makeRoom(forStranger: hint.source.isLearnt) else { return refuse(.full) }
      entries[hint.key] = Entry(key: hint.key, introducer: hint.source.isLearnt ? introducer : nil, heard: now)
    }
    var entry = entries[hint.key]!
    let before = entry
    if let record = hint.record, record.number > entry.record?.number ?? 0 {
      entry.record = record
      // Its new word replaces what strangers said before.
      entry.addresses = entry.addresses.filter { !$0.value.source.isLearnt || record.addresses.contains($0.key) || $0.value.reached > 0 }
    }
    for address in addresses {
      if var known = entry.addresses[address] {
        known.heard = now
        if known.source.isLearnt && !hint.source.isLearnt { known.source = hint.source }
        entry.addresses[address] = known
      } else {
        entry.addresses[address] = Address(source: hint.source, heard: now)
      }
    }
    trim(&entry)
    entry.heard = now
    entries[hint.key] = entry
    return before.record != entry.record || Set(before.addresses.keys) != Set(entry.addresses.keys)
  }

  /// A peer takes its records back.
  public mutating func withdraw(_ key: NodeKey, upTo number: UInt64, now: UInt64) {
    withdrawals = withdrawals.filter { $0.value.until > now }
    if withdrawals.count >= limits.peers, let oldest = withdrawals.min(by: { $0.value.until < $1.value.until })?.key { withdrawals[oldest] = nil }
    withdrawals[key] = (max(number, withdrawals[key]?.number ?? 0), now + VerifiedRecord.longestLife)
    guard var entry = entries[key] else { return }
    if let record = entry.record, record.number <= number { entry.record = nil }
    entry.addresses = entry.addresses.filter { !$0.value.source.isLearnt }
    entries[key] = entry.addresses.isEmpty ? nil : entry
  }

  /// What came of a dial, or of a peer that came by itself.
  public mutating func dialled(_ key: NodeKey, _ address: PeerAddress, reached: Bool, now: UInt64) {
    guard var entry = entries[key], var known = entry.addresses[address] else { return }
    known.tried = now
    if reached {
      (known.reached, known.failures, entry.reached) = (now, 0, now)
      entry.score += 1
    } else {
      known.failures = min(known.failures + 1, 100)
      entry.score /= 2
    }
    entry.addresses[address] = known
    entries[key] = entry
  }

  /// What came of a dial through the relays alone.
  public mutating func dialledThroughRelays(_ key: NodeKey, reached: Bool, now: UInt64) {
    guard var entry = entries[key] else { return }
    entry.relaysTried = now
    if reached {
      (entry.relayFailures, entry.reached) = (0, now)
      entry.score += 1
    } else {
      entry.relayFailures = min(entry.relayFailures + 1, 100)
      entry.score /= 2
    }
    entries[key] = entry
  }

  /// Forgets what has expired and never led anywhere.
  public mutating func expire(now: UInt64) {
    for (key, entry) in entries {
      var entry = entry
      if let record = entry.record, record.expires <= now { entry.record = nil }
      let kept: UInt64 = entry.reached > 0 ? 30 * 86_400_000 : 7 * 86_400_000
      entry.addresses = entry.addresses.filter { $0.value.source == .configured || $0.value.source == .ticket || max($0.value.heard, $0.value.reached) + kept > now }
      entries[key] = entry.addresses.isEmpty && entry.record == nil ? nil : entry
    }
  }
}

extension AddressBook {
  /// Strangers cannot send this node to itself, to a whole link, or to another link's neighbours.
  private func isUsable(_ address: PeerAddress, _ source: HintSource) -> Bool {
    guard let reach = address.ip?.reach else { return true }
    return source.isLearnt ? reach >= .site : reach > .none
  }

  private func refusal(of addresses: [PeerAddress], _ introducer: NodeKey?) -> Refusal? {
    let strangers = entries.values.filter(\.isStranger)
    if let introducer, strangers.lazy.filter({ $0.introducer == introducer }).count >= limits.perIntroducer { return .introducer }
    let narrow = Set(addresses.map(\.prefix)), wide = Set(addresses.map(\.prefix.wider))
    var perPrefix: [NetworkPrefix: Int] = [:], perWide: [NetworkPrefix: Int] = [:]
    for entry in strangers {
      for prefix in Set(entry.addresses.keys.map(\.prefix)) where narrow.contains(prefix) { perPrefix[prefix, default: 0] += 1 }
      for prefix in Set(entry.addresses.keys.map(\.prefix.wider)) where wide.contains(prefix) && !narrow.contains(prefix) { perWide[prefix, default: 0] += 1 }
    }
    return perPrefix.values.contains { $0 >= limits.perPrefix } || perWide.values.contains { $0 >= limits.perWidePrefix } ? .network : nil
  }

  /// Somebody who was never reached goes first: the lowest score, then the longest unheard.
  private mutating func makeRoom(forStranger: Bool) -> Bool {
    let strangers = entries.values.filter(\.isStranger)
    let crowded = forStranger && strangers.count >= limits.strangers
    guard entries.count >= limits.peers || crowded else { return true }
    func worst(_ list: some Sequence<Entry>) -> Entry? { list.min { ($0.score, $0.heard, $0.key) < ($1.score, $1.heard, $1.key) } }
    if let victim = worst(strangers) ?? (forStranger ? nil : worst(entries.values)) {
      entries[victim.key] = nil
      return true
    }
    return false
  }

  private func trim(_ entry: inout Entry) {
    guard entry.addresses.count > limits.addresses else { return }
    let kept = entry.addresses.sorted { a, b in
      (a.value.reached, a.value.source.isLearnt ? 0 : 1, a.value.heard, b.key.description) > (b.value.reached, b.value.source.isLearnt ? 0 : 1, b.value.heard, a.key.description)
    }
    entry.addresses = Dictionary(uniqueKeysWithValues: kept.prefix(limits.addresses).map { ($0.key, $0.value) })
  }
}
