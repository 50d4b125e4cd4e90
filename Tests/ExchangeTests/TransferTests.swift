import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// Genomes that go from node to node.
@Suite struct TransferTests {
  @Test func aGenomeIsOfferedFetchedJudgedAndItsAuthorIsTold() throws {
    try inWorld { world, folder in
      let heard = Mutex<[String]>([]), taken = Mutex<[String]>([])
      let a = try Trader(1, in: folder, world) { $0.hooks.onVerdict = { signer, verdict in heard.withLock { $0.append("\(signer) \(verdict.outcome)") } } }
      let b = try Trader(2, in: folder, world, dialling: [1]) { $0.hooks.onAccepted = { id, report in taken.withLock { $0.append("\(id) \(report.isAccepted)") } } }
      let genome = try a.home.make(1)
      await a.start()
      await b.start()
      try await b.wait { $0.state(genome.id) == .accepted }
      try await a.wait { $0.exchange.counters[.acceptancesReceived] == 1 }
      let (chunks, bytes) = (b.exchange.counters[.chunksReceived], b.exchange.counters[.bytesReceived])
      #expect(chunks == 4 && bytes == UInt64(genome.size))
      for file in genome.files { try b.store.verify(file.hash) }
      #expect(taken.withLock { $0 } == ["\(genome.id) true"])
      #expect(heard.withLock { $0 } == ["\(b.key) accept"])
      #expect(a.exchange.counters[.completionsReceived] == 1 && a.exchange.counters[.chunksSent] == 4)
      let record = try b.store.genome(genome.id)
      #expect(record.manifest == genome.manifest && record.signature == genome.signature)
      // Nothing is left of the transfer but the genome.
      #expect(b.store.partialBytes() == 0)
      let status = await b.exchange.status()
      #expect(status.transfers.isEmpty && status.waiting == 0 && status.offered == 1 && status.counters["transfersCompleted"] == 1)
    }
  }

  @Test func aGenomeMadeWhileThePeerIsConnectedIsOfferedToo() throws {
    try inWorld { world, folder in
      let (a, b) = (try Trader(1, in: folder, world), try Trader(2, in: folder, world, dialling: [1]))
      await a.start()
      await b.start()
      await b.node.waitForPeers(1)
      await world.sleep(5_000)
      // No signal: another process made it, and the store is looked at again.
      let genome = try a.home.make(1)
      try await b.wait(20) { $0.state(genome.id) == .accepted }
    }
  }

  @Test(arguments: [true, false]) func aGiverWhoseFileIsDamagedSaysSoAndIsNotBlamed(isRemembered: Bool) throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      let genome = try a.home.make(1), blob = genome.files[1].hash, path = a.store.path(ofBlob: blob)
      let list = try #require(try a.store.chunkList(ofBlob: blob, chunkSize: 256))
      // Of what came from another node the quick sums are not known.
      if !isRemembered { try a.store.remember([ChunkList(blob: blob, chunkSize: 256, hashes: list.hashes)]) }
      let whole = try a.store.read(blob)
      await a.start()
      // Its gate reads the file before it is offered.
      try await a.wait { await $0.exchange.status().offered == 1 }
      var damaged = whole
      damaged[300] ^= 1
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      await b.start()
      try await b.wait { $0.exchange.counters[.missingChunks] > 0 && $0.exchange.counters[.transfersSuspended] > 0 }
      let chunks = b.exchange.counters[.chunksReceived]
      #expect(b.state(genome.id) == nil && b.exchange.counters[.badChunks] == 0 && (1..<4).contains(chunks))
      let points = await b.node.bans.count
      #expect(points == 0)
      // Mended, it is offered again over the next connection, and what came before is not fetched again.
      try Data(whole).write(to: URL(fileURLWithPath: path))
      world.network.cutAll()
      try await b.wait { $0.state(genome.id) == .accepted }
      #expect(a.exchange.counters[.chunksSent] == 4)
    }
  }

  @Test func sumsThatAreWrongThemselvesHoldNoChunkBack() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      let genome = try a.home.make(1), blob = genome.files[1].hash
      let list = try #require(try a.store.chunkList(ofBlob: blob, chunkSize: 256))
      try a.store.remember([ChunkList(blob: blob, chunkSize: 256, hashes: list.hashes, checks: list.checks.map { $0 ^ 1 })])
      await a.start()
      await b.start()
      try await b.wait { $0.state(genome.id) == .accepted }
      #expect(b.exchange.counters[.missingChunks] == 0)
    }
  }

  @Test func chunkListsAreMadeWhereNoneIsThereAndRemembered() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      // As a version made it that remembered none.
      let made = try a.home.signed(1, sequence: 1, previous: nil)
      for bytes in made.files { _ = try a.store.put(bytes, now: 1) }
      _ = try a.store.append(made.manifest.manifest.id, author: made.manifest.manifest.author) { (_) throws(StoreError) in (made.manifest.record(.own, now: 1), made.manifest.bytes)
      }
      let blob = made.manifest.manifest.files[1].sha256
      let before = try a.store.chunkList(ofBlob: blob, chunkSize: 256)
      #expect(before == nil)
      await a.start()
      await b.start()
      try await b.wait { $0.state(made.manifest.manifest.id) == .accepted }
      let (own, taken) = (try a.store.chunkList(ofBlob: blob, chunkSize: 256), try b.store.chunkList(ofBlob: blob, chunkSize: 256))
      #expect(own?.checks.count == 3 && taken?.hashes == own?.hashes && taken?.checks == [])
    }
  }

  @Test func severalPeersGiveChunksOfOneGenomeAtOnce() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.size = 100 * 256
      let genome = try a.home.make(1, draft)
      await a.start()
      await b.start()
      try await b.wait { $0.state(genome.id) == .accepted && $0.exchange.counters[.genomesAccepted] == 1 }
      let c = try Trader(3, in: folder, world, dialling: [1, 2])
      await c.start()
      try await c.wait { $0.state(genome.id) == .accepted }
      let (first, second) = (a.exchange.counters[.chunksSent] - 101, b.exchange.counters[.chunksSent])
      #expect(first > 10 && second > 10, "\(first) and \(second)")
      #expect(c.exchange.counters[.chunksReceived] >= 101)
    }
  }

  @Test func aPeerThatGivesNoChunksLosesThemToAnother() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), genome = try a.home.make(1), lazy = Stranger(2, world, dialling: [3])
      let copy = try LooseGenome(1, author: 1, world, folder)
      #expect(copy.id == genome.id)
      // It answers no chunk, and is asked first.
      lazy.answer(WireGenomeWant.self) { _ in copy.message }
      let b = try Trader(3, in: folder, world)
      await b.start()
      await lazy.start()
      try await lazy.send(copy.offer, to: b)
      try await lazy.wait(for: WireChunkRequest.self)
      await a.start()
      await a.node.connect(to: PeerReference(address: world.address(3)))
      try await b.wait { $0.state(genome.id) == .accepted }
      let stolen = b.exchange.counters[.stealMilliseconds]
      #expect(stolen > 0 && a.exchange.counters[.chunksSent] == 4)
      await world.sleep(1_000)
      #expect(lazy.all(WireTransferComplete.self).count == 1)
    }
  }

  @Test func aPeerThatAnswersNothingInTimeIsLeftWithAnAbort() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { $0.settings[.transferAttempts] = 2 }, lazy = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      lazy.answer(WireGenomeWant.self) { _ in genome.message }
      await b.start()
      await lazy.start()
      try await lazy.send(genome.offer, to: b)
      let abort = try await lazy.wait(for: WireTransferAbort.self)
      #expect(abort[0].reason == .timedOut && abort[0].resumable && abort[0].genome == genome.data)
      try await b.wait { $0.exchange.counters[.transfersSuspended] == 1 }
      #expect(b.exchange.counters[.chunkMilliseconds] >= 3)
    }
  }

  @Test func aWrongChunkCostsItsPeerTheTransferAndPoints() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), genome = try a.home.make(1), liar = Stranger(2, world, dialling: [3])
      let copy = try LooseGenome(1, author: 1, world, folder)
      liar.answer(WireGenomeWant.self) { _ in copy.message }
      liar.answerChunks { request in
        var chunk = copy.chunk(for: request)
        chunk.bytes[0] ^= 1
        return chunk
      }
      let b = try Trader(3, in: folder, world)
      await b.start()
      await liar.start()
      try await liar.send(copy.offer, to: b)
      let abort = try await liar.wait(for: WireTransferAbort.self)
      #expect(abort[0].reason == .badChunk && abort[0].badChunk.count == 1)
      await a.start()
      await a.node.connect(to: PeerReference(address: world.address(3)))
      try await b.wait { $0.state(genome.id) == .accepted }
      #expect(b.exchange.counters[.badChunks] > 0 && a.exchange.counters[.chunksSent] == 4)
      for file in genome.files { try b.store.verify(file.hash) }
    }
  }

  @Test(arguments: UInt64(1)...4) func aTransferGoesOnAfterACutConnectionWithoutFetchingAgain(seed: UInt64) throws {
    try inWorld(seed: seed, delay: 10_000_000...60_000_000) { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.size = 120 * 256
      let genome = try a.home.make(1, draft)
      await a.start()
      await b.start()
      try await b.wait { $0.exchange.counters[.chunksReceived] > 20 }
      world.network.cutAll()
      try await b.wait { $0.state(genome.id) == .accepted }
      let (received, resumed) = (b.exchange.counters[.chunksReceived], b.exchange.counters[.chunksResumed])
      #expect(resumed > 20 && received == 121, "seed \(seed): \(received) \(resumed)")
    }
  }

  @Test func partialFilesAreSharedByNobodyAndDamageInThemIsFetchedAgain() throws {
    try inWorld(delay: 10_000_000...60_000_000) { world, folder in
      let a = try Trader(1, in: folder, world)
      var draft = SampleHome.Draft()
      draft.size = 60 * 256
      let genome = try a.home.make(1, draft)
      await a.start()
      let b = try Trader(2, in: folder, world, dialling: [1])
      let kill = await b.start()
      try await b.wait { $0.exchange.counters[.chunksReceived] > 20 }
      kill()
      await world.sleep(1_000)
      let weights = try #require(genome.files.last)
      let path = "\(b.store.folder)/partial/\(genome.id)-\(weights.hash)"
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try file.write(contentsOf: [255, 254, 253])
      try file.close()
      let again = try Trader(2, in: folder, world, dialling: [1])
      await again.start()
      try await again.wait { $0.state(genome.id) == .accepted }
      try again.store.verify(weights.hash)
      let (received, resumed) = (again.exchange.counters[.chunksReceived], again.exchange.counters[.chunksResumed])
      #expect(received + resumed == 61 && resumed > 10, "\(received) \(resumed)")
    }
  }
}
