internal import CentramWire

extension GenomeExchange {
  /// Lets a peer do something once more in this minute.
  /// - Throws: `.limit`, whose sentence the peer gets.
  func require(_ limit: ExchangeLimit, _ peer: NodeKey) async throws(SessionError) {
    guard !rates.take(limit, peer, now: node.clock.monotonicNanoseconds) else { return }
    counters.reached(limit)
    await punish(peer, 1)
    throw SessionError(.limit, "\(limit.rawValue) is \(settings[limit])")
  }

  /// A message that nobody asked for: a few may come late, more cost points.
  func unasked(_ peer: NodeKey) async {
    counters.add(.unasked)
    guard !rates.take(.unaskedPerPeerAndMinute, peer, now: node.clock.monotonicNanoseconds) else { return }
    counters.reached(.unaskedPerPeerAndMinute)
    await punish(peer, 2)
  }
}
