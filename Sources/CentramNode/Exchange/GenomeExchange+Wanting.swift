internal import CentramStore
internal import CentramWire
internal import Foundation

/// What peers offer, and which of it is asked for.
extension GenomeExchange {
  nonisolated func registerOffers(_ handlers: HandlerRegistry) {
    handlers.on(WireGenomeOffer.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireGenomeDecline.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireGenomeManifest.self) { _, incoming in
      await self.unasked(incoming.peer)
      return nil
    }
    handlers.on(WireChunk.self) { message, incoming in
      await self.takeStray(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireChunkMissing.self) { _, incoming in
      await self.unasked(incoming.peer)
      return nil
    }
  }

  private func take(_ offer: WireGenomeOffer, from peer: NodeKey) async throws(SessionError) {
    try await require(.offersPerPeerAndMinute, peer)
    counters.add(.offersReceived)
    guard peers[peer] != nil || memories.count < PeerMemory.most else { return }
    for summary in offer.genomes {
      counters.add(.genomesSeen)
      let id = Hexadecimal.text(summary.genome)
      guard memories[peer, default: PeerMemory()].has.count < settings[.offeredGenomesPerPeer] || memories[peer]?.has.contains(id) == true else {
        counters.reached(.offeredGenomesPerPeer)
        await punish(peer, 1)
        break
      }
      memories[peer, default: PeerMemory()].has.insert(id)
      if let refusal = await consider(summary, id, from: peer) { await decline(id, refusal.0, refusal.1, to: peer) }
    }
    startTransfers()
  }

  /// Notes a genome to be fetched, if it is to be.
  /// - Returns: why not, where the peer should know.
  private func consider(_ summary: WireGenomeSummary, _ id: String, from peer: NodeKey) async -> (WireDeclineReason, String)? {
    if wanted[id] != nil || transfers[id] != nil {
      if wanted[id]?.sources.contains(peer) == false { wanted[id]?.sources.append(peer) }
      if let running = transfers[id], let running { await running.join(peer) }
      return nil
    }
    let author = Hexadecimal.text(summary.author)
    if let entry = try? store.revocation(ofGenome: id, author: author) {
      counters.add(.revokedOffered)
      await tell(peer, GenomeExchange.message(entry.signed, descendants: [], hops: 0))
      return (.revoked, "it was revoked")
    }
    switch standing(of: id) {
    case .here: return nil
    case .refused: return (.refusedBefore, "it was refused here before")
    case .revoked: return (.revoked, "it was revoked")
    case .unknown: break
    }
    if summary.author.elementsEqual(own.bytes) { return nil }
    if (try? store.forkProof(of: author)) != nil { return (.policy, "its author is frozen for two entries at one place of the log") }
    if let refusal = settings.want.refusal(of: summary, bases: hooks.bases?()) { return (refusal.reason, refusal.sentence) }
    guard wanted.count < settings[.waitingGenomes] else {
      counters.reached(.waitingGenomes)
      return (.busy, "waitingGenomes is \(settings[.waitingGenomes])")
    }
    guard wanted.values.count(where: { $0.sources.first == peer }) < settings[.waitingGenomesPerPeer] else {
      counters.reached(.waitingGenomesPerPeer)
      return (.busy, "waitingGenomesPerPeer is \(settings[.waitingGenomesPerPeer])")
    }
    wanted[id] = WantedGenome(summary: summary, sources: [peer])
    return nil
  }

  enum Standing { case unknown, here, refused, revoked }

  /// What the store knows of a genome. One of which only the manifest is here, such as an ancestor, counts as unknown.
  func standing(of id: String) -> Standing {
    guard let record = try? store.genome(id) else { return .unknown }
    switch record.state {
    case .rejected: return .refused
    case .revoked: return .revoked
    case .own: return .here
    case .received, .accepted, .quarantined: return store.hasFiles(record) ? .here : .unknown
    }
  }

  func decline(_ id: String, _ reason: WireDeclineReason, _ sentence: String, to peer: NodeKey) async {
    counters.add(.declinesSent)
    await tell(peer, Self.decline(id, reason, sentence))
  }

  static func decline(_ id: String, _ reason: WireDeclineReason, _ sentence: String, retryAfter: Int = 0) -> WireGenomeDecline {
    var message = WireGenomeDecline()
    (message.genome, message.reason, message.message) = (Data(Hexadecimal.bytes(id.utf8) ?? []), reason, sentence.prefix(utf8: 512))
    message.retryAfterMs = UInt32(clamping: min(retryAfter > 0 ? retryAfter : reason == .busy ? 60_000 : 0, 604_800_000))
    return message
  }

  /// A peer does not want what it was offered.
  private func take(_ decline: WireGenomeDecline, from peer: NodeKey) async throws(SessionError) {
    try await require(.declinesPerPeerAndMinute, peer)
    counters.add(.declinesReceived)
    note(Hexadecimal.text(decline.genome), declinedBy: peer, retryAfter: decline.retryAfterMs)
  }

  func note(_ id: String, declinedBy peer: NodeKey, retryAfter: UInt32) {
    guard memories[peer, default: PeerMemory()].declined.count < settings[.declinesRemembered] || memories[peer]?.declined[id] != nil else {
      return counters.reached(.declinesRemembered)
    }
    memories[peer, default: PeerMemory()].declined[id] = retryAfter == 0 ? .max : nowMilliseconds + Int64(retryAfter)
    guard retryAfter > 0 else { return }
    peers[peer]?.offered.remove(id)
    scope.start {
      guard (try? await self.node.clock.sleep(milliseconds: Int(retryAfter))) != nil else { return }
      await self.offerAgain(to: peer)
    }
  }

  private func offerAgain(to peer: NodeKey) {
    peers[peer]?.version = nil
    offer(to: peer)
  }

  /// A chunk that is no answer to a request that waits. It may be one that came too late.
  private func takeStray(_ chunk: WireChunk, from peer: NodeKey) async {
    let place = ChunkPlan.Chunk(file: Int(chunk.file), index: Int(chunk.index))
    if let running = transfers[Hexadecimal.text(chunk.genome)], let running, await running.wasAsked(place, of: peer) { return counters.add(.lateChunks) }
    await unasked(peer)
  }

  // MARK: Which one is next

  /// Begins transfers while fewer than the limit run: of those whose author has no earlier one waiting, one of the peer from which the fewest are being
  /// fetched, of these the one with the highest claimed lift, and of these the newest. A peer may claim what it likes, and gets its turn like others.
  func startTransfers() {
    let now = node.clock.monotonicNanoseconds
    while transfers.count < settings[.transfers] {
      guard let id = nextWanted(now) else { return }
      transfers[id] = .some(nil)
      scope.start { await self.fetch(id) }
    }
    if nextWanted(now) != nil { counters.reached(.transfers) }
  }

  private func nextWanted(_ now: UInt64) -> String? {
    var first: [Data: UInt64] = [:], load: [NodeKey: Int] = [:]
    for id in transfers.keys { if let peer = wanted[id]?.sources.first { load[peer, default: 0] += 1 } }
    let ready = wanted.filter { id, genome in transfers[id] == nil && !genome.sources.isEmpty && genome.notBefore <= now }
    for genome in ready.values { first[genome.author] = min(first[genome.author] ?? .max, genome.summary.authorSequence) }
    return ready.filter { first[$0.value.author] == $0.value.summary.authorSequence }.min { left, right in
      let (one, other) = (left.value.summary, right.value.summary)
      let loads = [left, right].map { $0.value.sources.map { load[$0] ?? 0 }.min() ?? 0 }
      return (loads[0], left.value.attempts, -one.claimedLift, other.madeMs, left.key) < (loads[1], right.value.attempts, -other.claimedLift, one.madeMs, right.key)
    }?.key
  }

  /// After a transfer that came to nothing: again later, if somebody has it still.
  func again(_ id: String) {
    guard var genome = wanted[id] else { return }
    guard !genome.sources.isEmpty else {
      wanted[id] = nil
      return
    }
    genome.attempts += 1
    guard genome.attempts < settings[.transferAttempts] else {
      counters.reached(.transferAttempts)
      wanted[id] = nil
      return
    }
    let wait = 500 << min(genome.attempts, 7)
    genome.notBefore = node.clock.monotonicNanoseconds + UInt64(wait) * 1_000_000
    wanted[id] = genome
    scope.start {
      guard (try? await self.node.clock.sleep(milliseconds: wait)) != nil else { return }
      await self.startTransfers()
    }
  }
}
