internal import CentramStore
internal import CentramWire
internal import Foundation

/// What peers ask for.
extension GenomeExchange {
  nonisolated func registerServing(_ handlers: HandlerRegistry) {
    handlers.on(WireGenomeWant.self) { message, incoming in
      try await self.answer(message, incoming)
      return nil
    }
    handlers.on(WireChunkRequest.self) { message, incoming in
      try await self.serve(message, incoming)
      return nil
    }
  }

  /// The first genome's answer answers the request; those of the others follow it.
  private func answer(_ want: WireGenomeWant, _ incoming: IncomingMessage) async throws(SessionError) {
    counters.add(.wantsReceived)
    for genome in want.genomes {
      try await incoming.session.send(await answer(Hexadecimal.text(genome), want, incoming.peer), inReplyTo: incoming.frame.header.sequence)
    }
  }

  private func answer(_ id: String, _ want: WireGenomeWant, _ peer: NodeKey) async -> any WireMessage {
    guard rates.take(.wantsPerPeerAndMinute, peer, now: node.clock.monotonicNanoseconds) else {
      counters.reached(.wantsPerPeerAndMinute)
      await punish(peer, 1)
      return refusing(id, .rateLimited, "wantsPerPeerAndMinute is \(settings[.wantsPerPeerAndMinute])", retryAfter: 60_000)
    }
    guard let entry = catalogue[id], mayHave(entry, peer), isStillOffered(id) else { return await notOffered(id, peer) }
    guard want.maximumChunk == 0 || Int(want.maximumChunk) >= largestChunk(entry) else {
      return refusing(id, .policy, "its chunks are larger than the \(want.maximumChunk) bytes that are taken")
    }
    if !want.manifestsOnly, let limit = quota.limit(sending: entry.record.size, to: peer, settings) {
      counters.reached(limit)
      return refusing(id, .rateLimited, "\(limit.rawValue) is \(settings[limit])", retryAfter: 3_600_000)
    }
    // Only files tell of what the genome was trained on.
    guard want.manifestsOnly ? true : await mayLeave(id) else { return refusing(id, .notForExport, "it may no longer leave this node") }
    do throws(GenomePackageError) {
      let genome = try await served.genome(entry.record, in: store)
      if !want.manifestsOnly { quota.didSendGenome(to: peer) }
      counters.add(.manifestsSent)
      return genome.message
    } catch {
      node.log(.error, "\(id.prefix(16)) cannot be given: \(error.message)")
      return refusing(id, .notFound, "its files are damaged here")
    }
  }

  /// Whether the first byte of its files may go: from then on what it was trained on counts as told.
  private func mayLeave(_ id: String) async -> Bool {
    if left.contains(id) { return true }
    do throws(GateError) { try await judge.willLeave(id) } catch {
      node.log(.warning, "\(id.prefix(16)) is not given: \(error.message)")
      return false
    }
    left.insert(id)
    return true
  }

  private func largestChunk(_ entry: OfferCatalogue.Entry) -> Int {
    ((try? SignedManifest(entry.record))?.manifest.files.map { min($0.chunkSize, Int($0.size)) }.max()) ?? 0
  }

  /// The catalogue may be a moment old.
  private func isStillOffered(_ id: String) -> Bool {
    guard let state = (try? store.genome(id))?.state else { return false }
    return state == .own || state == .accepted
  }

  private func refusing(_ id: String, _ reason: WireDeclineReason, _ sentence: String, retryAfter: Int = 0) -> WireGenomeDecline {
    counters.add(.declinesSent)
    return Self.decline(id, reason, sentence, retryAfter: retryAfter)
  }

  private func notOffered(_ id: String, _ peer: NodeKey) async -> WireGenomeDecline {
    counters.add(.unoffered)
    guard let record = try? store.genome(id) else { return refusing(id, .notFound, "it is not here") }
    if let entry = try? store.revocation(ofGenome: id, author: record.author) {
      await tell(peer, Self.message(entry.signed, descendants: [], hops: 0))
      return refusing(id, .revoked, "it was revoked")
    }
    return refusing(id, catalogue.refused.contains(id) ? .notForExport : .notFound, "it is not offered to this peer")
  }

  // MARK: Chunks

  private func serve(_ request: WireChunkRequest, _ incoming: IncomingMessage) async throws(SessionError) {
    let id = Hexadecimal.text(request.genome), peer = incoming.peer, count = request.ranges.reduce(0) { $0 + Int($1.count) }
    guard count <= settings[.chunksPerRequest] else {
      counters.reached(.chunksPerRequest)
      await punish(peer, 2)
      throw SessionError(.limit, "\(count) chunks are asked for at once; chunksPerRequest is \(settings[.chunksPerRequest])")
    }
    guard let entry = catalogue[id], mayHave(entry, peer) else {
      counters.add(.unoffered)
      await punish(peer, 1)
      return try await missing(request, incoming, forGood: true, "the genome is not offered to this peer")
    }
    guard await mayLeave(id) else { return try await missing(request, incoming, forGood: true, "it may no longer leave this node") }
    let genome: ServedGenome
    do throws(GenomePackageError) { genome = try await served.genome(entry.record, in: store) } catch {
      node.log(.error, "\(id.prefix(16)) cannot be given: \(error.message)")
      return try await missing(request, incoming, forGood: true, "its files are damaged here")
    }
    for range in request.ranges {
      for index in Int(range.first)..<Int(range.first) + Int(range.count) {
        guard genome.has(Int(range.file), index) else {
          await punish(peer, 2)
          return try await missing(request, incoming, forGood: true, "the genome has no chunk \(index) of file \(range.file)")
        }
        if let limit = quota.chunkLimit(sending: genome.files[Int(range.file)].chunkSize, to: peer, settings) {
          counters.reached(limit)
          return try await missing(request, incoming, forGood: true, "\(limit.rawValue) is \(settings[limit])")
        }
        guard try await send(genome, Int(range.file), index, request.priority, incoming) else {
          return try await missing(request, incoming, forGood: true, "the chunk is damaged here")
        }
      }
    }
  }

  /// Waits until the peer has taken most of what it has, then for its turn; nothing is read before.
  /// - Returns: false where the chunk is not what was signed.
  private nonisolated func send(
    _ genome: ServedGenome, _ file: Int, _ index: Int, _ priority: UInt32, _ incoming: IncomingMessage
  ) async throws(SessionError) -> Bool {
    let peer = incoming.peer
    let room = settings[.bytesServedInFlightPerPeer]
    while true {
      if await !incoming.session.hasRoom(bytes: room) {
        counters.reached(.bytesServedInFlightPerPeer)
        await incoming.session.waitForRoom(bytes: room)
      }
      if let limit = await turns.take(peer, priority: priority) { counters.reached(limit) }
      // Others of the same peer may have taken the room meanwhile.
      if await incoming.session.hasRoom(bytes: room) { break }
      await turns.done(peer)
    }
    let result: Result<Int?, SessionError>
    do throws(SessionError) { result = .success(try await give(genome, file, index, incoming)) } catch { result = .failure(error) }
    await turns.done(peer)
    guard let count = try result.get() else { return false }
    counters.add(.chunksSent)
    counters.add(.bytesSent, count)
    quota.didSend(count, to: peer)
    return true
  }

  /// - Returns: how many bytes go; nil where they are not what was signed.
  private nonisolated func give(_ genome: ServedGenome, _ file: Int, _ index: Int, _ incoming: IncomingMessage) async throws(SessionError) -> Int? {
    let bytes: Bulk
    do throws(StoreError) { bytes = try genome.chunk(file, index, in: store) } catch {
      node.log(.error, error.message)
      return nil
    }
    var chunk = WireChunk()
    (chunk.genome, chunk.file, chunk.index, chunk.length) = (genome.message.genome, UInt32(file), UInt32(index), UInt32(bytes.count))
    try await incoming.session.send(chunk, bulk: bytes, inReplyTo: incoming.frame.header.sequence)
    return bytes.count
  }

  private func missing(_ request: WireChunkRequest, _ incoming: IncomingMessage, forGood: Bool, _ sentence: String) async throws(SessionError) {
    var message = WireChunkMissing()
    (message.genome, message.ranges, message.permanent, message.message) = (request.genome, request.ranges, forGood, sentence.prefix(utf8: 512))
    try await incoming.session.send(message, inReplyTo: incoming.frame.header.sequence)
  }
}
