internal import CentramWire

/// Who may read the next chunk: so many at a time in all and of each peer. Peers take turns, and of one peer's requests the one with the highest
/// priority goes first.
actor ChunkTurns {
  private struct Waiter {
    let priority: UInt32, number: UInt64
    let continuation: CheckedContinuation<Void, Never>
  }

  private let perPeer: Int, total: Int
  private var active: [NodeKey: Int] = [:], activeInAll = 0
  private var waiting: [NodeKey: [Waiter]] = [:]
  /// Peers that wait, in the order of their turns.
  private var line: [NodeKey] = []
  private var number: UInt64 = 0

  init(perPeer: Int, total: Int) { (self.perPeer, self.total) = (max(1, perPeer), max(1, total)) }

  /// Suspends until it is the peer's turn. `done` ends it.
  /// - Returns: the limit for which it had to wait.
  @discardableResult func take(_ peer: NodeKey, priority: UInt32) async -> ExchangeLimit? {
    number += 1
    let own = number, limit: ExchangeLimit = active[peer, default: 0] < perPeer ? .chunksServed : .chunksServedPerPeer
    if activeInAll < total, active[peer, default: 0] < perPeer, waiting[peer] == nil, line.isEmpty {
      begin(peer)
      return nil
    }
    await withCheckedContinuation { continuation in
      if waiting[peer] == nil { line.append(peer) }
      waiting[peer, default: []].append(Waiter(priority: priority, number: own, continuation: continuation))
      grant()
    }
    return limit
  }

  func done(_ peer: NodeKey) {
    active[peer, default: 1] -= 1
    if active[peer] == 0 { active[peer] = nil }
    activeInAll -= 1
    grant()
  }

  private func begin(_ peer: NodeKey) {
    active[peer, default: 0] += 1
    activeInAll += 1
  }

  /// Those that wait.
  var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

  private func grant() {
    while activeInAll < total, let place = line.firstIndex(where: { active[$0, default: 0] < perPeer }) {
      let peer = line.remove(at: place)
      guard var waiters = waiting[peer], let next = waiters.indices.min(by: { (waiters[$1].priority, waiters[$0].number) < (waiters[$0].priority, waiters[$1].number) }) else {
        continue
      }
      let waiter = waiters.remove(at: next)
      waiting[peer] = waiters.isEmpty ? nil : waiters
      if !waiters.isEmpty { line.append(peer) }
      begin(peer)
      waiter.continuation.resume()
    }
  }
}

extension PeerSession {
  /// Suspends until fewer than so many bytes wait for the peer to take them.
  func waitForRoom(bytes: Int) async {
    if let link { _ = await link.queue.waitForRoom(bytes) }
  }

  func hasRoom(bytes: Int) -> Bool { link.map { $0.queue.bytes < bytes } ?? true }
}
