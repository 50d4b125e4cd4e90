import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// Limits on what this node itself fetches, serves and keeps.
@Suite struct ExchangeLimitTests {
  @Test(arguments: [ExchangeLimit.bytesReceivedPerDay, .bytesReceivedPerPeerAndDay, .genomesReceivedPerDay, .genomesReceivedPerPeerAndDay])
  func noMoreIsFetchedInADayThanItsQuota(limit: ExchangeLimit) throws {
    try inWorld { world, folder in
      let isBytes = limit == .bytesReceivedPerDay || limit == .bytesReceivedPerPeerAndDay
      let a = try Trader(1, in: folder, world)
      let first = try a.home.make(1)
      // The first one fits exactly. Its configuration is the second one's too, but what a manifest announces is what counts.
      let b = try Trader(2, in: folder, world, dialling: [1]) { $0.settings[limit] = isBytes ? first.size : 1 }
      await a.start()
      await b.start()
      try await b.wait { $0.state(first.id) == .accepted }
      #expect(b.exchange.counters[limit] == 0)
      let second = try a.home.make(2)
      a.exchange.storeChanged()
      try await b.wait { $0.exchange.counters[limit] > 0 }
      await world.sleep(60_000)
      #expect(b.state(second.id) == nil)
      // What was used outlives a restart; a day later there is more.
      let kept = ExchangeQuota(now: { world.simulation.clock.unixMilliseconds }, kept: try b.store.state(GenomeExchange.quotaState))
      #expect(kept.received(from: a.key).all.genomes == 1 && kept.received(from: a.key).peer.bytes == first.size)
      let tomorrow = ExchangeQuota(now: { world.simulation.clock.unixMilliseconds + 86_400_000 }, kept: try b.store.state(GenomeExchange.quotaState))
      #expect(tomorrow.received(from: a.key).all == .init())
    }
  }

  @Test(arguments: [ExchangeLimit.bytesSentPerDay, .bytesSentPerPeerAndDay, .genomesSentPerDay, .genomesSentPerPeerAndDay])
  func noMoreIsGivenInADayThanItsQuota(limit: ExchangeLimit) throws {
    try inWorld { world, folder in
      let isBytes = limit == .bytesSentPerDay || limit == .bytesSentPerPeerAndDay
      let a = try Trader(1, in: folder, world) { $0.settings[limit] = isBytes ? 1_000 : 1 }
      _ = (try a.home.make(1), try a.home.make(2))
      let peer = Stranger(2, world, dialling: [1])
      await a.start()
      await peer.start()
      let offer = try await peer.wait(for: WireGenomeOffer.self)[0]
      for summary in offer.genomes {
        var want = WireGenomeWant()
        want.genomes = [summary.genome]
        try await peer.send(want, to: a)
        try await peer.wait(for: WireGenomeManifest.self)
        var request = WireChunkRequest(), range = WireChunkRange()
        (range.file, range.count) = (1, 3)
        (request.genome, request.ranges) = (summary.genome, [range])
        try await peer.send(request, to: a)
        await world.sleep(2_000)
      }
      #expect(a.exchange.counters[limit] > 0)
      if isBytes {
        // Of each genome 707 bytes; the manifest of the second is refused, and of its chunks what is left is given.
        #expect(a.exchange.counters[.bytesSent] <= 1_000)
        #expect(peer.all(WireGenomeDecline.self).map(\.reason) == [.rateLimited])
      } else {
        #expect(peer.all(WireGenomeManifest.self).count == 1 && peer.all(WireGenomeDecline.self).map(\.reason) == [.rateLimited])
      }
    }
  }

  @Test func asManyTransfersAtATimeAsAllowedAndSourcesAndRequestsOfEach() throws {
    try inWorld(delay: 20_000_000...40_000_000) { world, folder in
      let b = try Trader(1, in: folder, world) {
        $0.settings[.transfers] = 2
        $0.settings[.sourcesPerTransfer] = 1
        $0.settings[.chunkRequestsPerPeer] = 3
      }
      let peers = [Stranger(2, world, dialling: [1]), Stranger(3, world, dialling: [1])]
      let genomes = try (1...3).map { try LooseGenome($0, author: 20 + $0, world, folder) }
      for peer in peers { peer.answer(WireGenomeWant.self) { want in genomes.first { $0.data == want.genomes[0] }?.message } }
      await b.start()
      for peer in peers { await peer.start() }
      var offer = WireGenomeOffer()
      offer.genomes = genomes.map(\.summary)
      for peer in peers { try await peer.send(offer, to: b) }
      await world.sleep(2_000)
      let status = await b.exchange.status()
      #expect(status.transfers.count == 2 && status.waiting == 1 && status.transfers.allSatisfy { $0.sources.count == 1 })
      // Nobody gives a chunk, so what was asked for by now is what may be asked for at a time.
      let requests = peers.flatMap { $0.all(WireChunkRequest.self) }
      #expect(requests.count == 6, "three of each of two genomes")
      #expect(b.exchange.counters[.transfers] > 0 && b.exchange.counters[.sourcesPerTransfer] > 0)
    }
  }

  @Test func aGenomeIsTriedSoOftenAndPartsOfGenomesHaveARoomOfTheirOwn() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) {
        $0.settings[.transferAttempts] = 2
        $0.settings[.chunkMilliseconds] = 1_000
        $0.settings[.partialBytes] = 800
      }
      let peer = Stranger(2, world, dialling: [1])
      let small = try LooseGenome(1, author: 9, world, folder)
      var draft = SampleHome.Draft()
      draft.size = 900
      let large = try LooseGenome(2, author: 8, world, folder, draft)
      peer.answer(WireGenomeWant.self) { want in want.genomes[0] == small.data ? small.message : large.message }
      await b.start()
      await peer.start()
      try await peer.send(large.offer, to: b)
      let decline = try await peer.wait(for: WireGenomeDecline.self)[0]
      #expect(decline.reason == .busy && decline.retryAfterMs == 60_000 && b.exchange.counters[.partialBytes] == 1)
      // It is asked for, gives nothing, and is left out: nobody is left to try with.
      try await peer.send(small.offer, to: b)
      try await peer.wait(for: WireTransferAbort.self)
      await world.sleep(60_000)
      #expect(b.exchange.counters[.transferAttempts] == 1 || b.exchange.counters[.transfersBegun] <= 3)
    }
  }

  @Test func chunksAreServedToOnePeerAndToAllAsManyAtATimeAsAllowed() async {
    let turns = ChunkTurns(perPeer: 2, total: 3), keys = (0..<3).map { number in NodeKey([UInt8](repeating: UInt8(number), count: 32))! }
    let order = Notes(), waited = Trace()
    #expect(await turns.take(keys[0], priority: 0) == nil)
    #expect(await turns.take(keys[0], priority: 0) == nil)
    #expect(await turns.take(keys[1], priority: 0) == nil)
    await withTaskGroup(of: Void.self) { group in
      // Of the first peer two more, the second one with priority; one of another.
      for (number, (peer, priority)) in [(0, UInt32(0)), (0, 5), (2, 0)].enumerated() {
        group.addTask {
          let limit = await turns.take(keys[peer], priority: priority)
          waited.add("\(number) \(limit?.rawValue ?? "")")
          order.append(number)
        }
        while await turns.waitingCount <= number { await Task.yield() }
      }
      #expect(order.all.isEmpty)
      await turns.done(keys[0])
      while order.all.count < 1 { await Task.yield() }
      await turns.done(keys[1])
      while order.all.count < 2 { await Task.yield() }
      await turns.done(keys[0])
      while order.all.count < 3 { await Task.yield() }
    }
    // The first peer's turn comes first, with its higher priority; then the other peer's.
    #expect(order.all == [1, 2, 0])
    let (ofOne, ofAll) = (ExchangeLimit.chunksServedPerPeer.rawValue, ExchangeLimit.chunksServed.rawValue)
    #expect(waited.all.sorted() == ["0 \(ofOne)", "1 \(ofOne)", "2 \(ofAll)"])
  }

  @Test func aPeerThatTakesNothingGetsAFewChunksAndNoMoreAndOthersAreServed() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { $0.settings[.bytesServedInFlightPerPeer] = 256 << 10 }
      var draft = SampleHome.Draft()
      (draft.size, draft.chunkSize) = (8 << 17, 128 << 10)
      let genome = try a.home.make(1, draft)
      let peer = Stranger(2, world, dialling: [1])
      await a.start()
      await peer.start()
      try await peer.wait(for: WireGenomeOffer.self)
      // So slow that what is sent waits. The transport takes 8 MiB ahead of the peer.
      world.network.setFaults(.init(bytesPerSecond: 1_000), from: world.name(1), to: world.name(2))
      for index in 0..<120 {
        var request = WireChunkRequest(), range = WireChunkRange()
        (range.file, range.first, range.count) = (1, UInt32(index % 8), 1)
        (request.genome, request.ranges) = (Data(Hexadecimal.bytes(genome.id.utf8)!), [range])
        try await peer.send(request, to: a)
      }
      await world.sleep(5_000)
      let sent = a.exchange.counters[.bytesSent]
      #expect(sent > 0 && sent < 9 << 20, "\(sent)")
      #expect(a.exchange.counters[.bytesServedInFlightPerPeer] > 0)
      let b = try Trader(3, in: folder, world, dialling: [1])
      await b.start()
      try await b.wait(20) { $0.state(genome.id) == .accepted }
    }
  }

  @Test func ofOwnGenomesTheNewestAreOfferedAndOthersStatementsAreForgottenAtTheirLimits() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) {
        $0.settings[.offeredGenomes] = 2
        $0.settings[.fitnessKept] = 2
        $0.settings[.privacyKept] = 2
        $0.settings[.offerPauseMilliseconds] = 5_000
        $0.settings[.offerGenomes] = 1
      }
      var ids: [String] = []
      for number in 1...3 {
        ids.append(try a.home.make(number).id)
        await world.sleep(10)
      }
      let peer = Stranger(2, world, dialling: [1])
      await a.start()
      await peer.start()
      try await peer.wait(for: WireGenomeOffer.self)
      await world.sleep(4_000)
      #expect(peer.all(WireGenomeOffer.self).count == 1, "a pause between pages")
      let offers = try await peer.wait(for: WireGenomeOffer.self, count: 2)
      #expect(offers.map { Hexadecimal.text([UInt8]($0.genomes[0].genome)) } == [ids[2], ids[1]] && a.exchange.counters[.offeredGenomes] > 0)
      var report = WireFitnessReport(), statement = WirePrivacyStatement()
      for number in 0..<3 {
        report.records.append(try WireSigned(FindingsTests.fitness(of: SampleHome.hash("\(number)")), by: world.key(2), domain: .fitness))
        var record = WirePrivacyRecord()
        (record.node, record.madeMs) = (Data(world.key(30 + number).publicKey.bytes), 1)
        statement.records.append(try WireSigned(record, by: world.key(30 + number), domain: .privacy))
      }
      try await peer.send(report, to: a)
      try await peer.send(statement, to: a)
      try await a.wait { $0.exchange.counters[.fitnessKept] == 1 && $0.exchange.counters[.privacyKept] == 1 }
      let (oldest, newest) = (await a.exchange.fitness(of: SampleHome.hash("0")), await a.exchange.fitness(of: SampleHome.hash("2")))
      #expect(oldest.isEmpty && newest.count == 1)
    }
  }

  @Test func anEvaluationIsNotWaitedForLongerThanItsLimit() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { $0.settings[.evaluationMilliseconds] = 2_000 }, peer = Stranger(2, world, dialling: [1])
      peer.answer(WireEvaluationRequest.self) { request in
        var answer = WireEvaluationResult()
        (answer.job, answer.status) = (request.job, .accepted)
        return answer
      }
      await b.start()
      await peer.start()
      await b.node.waitForPeers(1)
      var request = WireEvaluationRequest()
      (request.job, request.genome, request.base) = (Data(repeating: 1, count: 16), Data(repeating: 2, count: 32), Data(repeating: 3, count: 32))
      (request.sequences, request.deadlineMs) = (1, .max)
      let sent = request
      await #expect(throws: SessionError.self) { try await b.exchange.requestEvaluation(sent, of: peer.key) }
      #expect(b.exchange.counters[.evaluationMilliseconds] == 1)
    }
  }

  /// A limit that no test sets is one that nobody has seen work.
  @Test func everyExchangeLimitIsReachedByATest() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let text = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
      .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }.joined()
    for limit in ExchangeLimit.allCases { #expect(text.contains(".\(limit.rawValue)"), "\(limit.rawValue)") }
  }
}
