import CentramGenome
import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// What becomes of a genome that came.
@Suite struct JudgementTests {
  @Test func aRefusalNamesItsLayerAndReasonIsSignedAndIsNotAskedForAgain() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { $0.rule = { _, _ in .reject(reason: "it is no good") } }, peer = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      let rejected = try await peer.wait(for: WireGenomeRejected.self)[0]
      #expect(rejected.layer == "gate.double" && rejected.layerVersion == "1.0.0" && rejected.message == "it is no good" && !rejected.quarantined && rejected.retryAfterMs == 0)
      let (verdict, signer) = try rejected.verdict.opened(WireVerdict.self, domain: .verdict)
      #expect(signer == b.key && verdict.subject == genome.data && verdict.outcome == .reject && verdict.direction == .inbound && verdict.layer == "gate.double")
      #expect(verdict.policy == Data(b.policyDigest) && verdict.measures.map(\.name) == ["size"])
      #expect(b.state(genome.id) == .rejected)
      world.network.cutAll()
      await world.sleep(5_000)
      try await peer.send(genome.offer, to: b)
      #expect(try await peer.wait(for: WireGenomeDecline.self)[0].reason == .refusedBefore)
      #expect(peer.all(WireGenomeWant.self).count == 1)
    }
  }

  @Test func aGenomeInQuarantineIsJudgedAgainAndPeersAreTold() throws {
    try inWorld { world, folder in
      let times = Mutex(0)
      let b = try Trader(1, in: folder, world) {
        $0.rule = { _, direction in
          guard direction == .inbound else { return .accept }
          return times.withLock { times in
            times += 1
            return times < 3 ? .quarantine(reason: "its parent is not known") : .accept
          }
        }
        $0.settings[.quarantineRetryMilliseconds] = 60_000
      }
      let peer = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      let rejected = try await peer.wait(for: WireGenomeRejected.self)[0]
      #expect(rejected.quarantined && rejected.retryAfterMs == 60_000)
      let notice = try await peer.wait(for: WireQuarantineNotice.self)[0]
      #expect(!notice.lifted && notice.untilMs == notice.sinceMs + 60_000 && notice.message == "its parent is not known")
      #expect(b.state(genome.id) == .quarantined)
      // A minute, then two.
      await world.sleep(70_000)
      #expect(times.withLock { $0 } == 2 && b.state(genome.id) == .quarantined)
      await world.sleep(120_000)
      #expect(b.state(genome.id) == .accepted && b.exchange.counters[.retries] == 2)
      let notices = try await peer.wait(for: WireQuarantineNotice.self, count: 3)
      #expect(notices.map(\.lifted) == [false, false, true])
      #expect(peer.all(WireGenomeWant.self).count == 1, "it is not fetched again")
    }
  }

  @Test func quarantineEndsAfterItsTries() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) {
        $0.rule = { _, direction in direction == .inbound ? .quarantine(reason: "not yet") : .accept }
        $0.settings[.quarantineRetries] = 2
        $0.settings[.quarantineRetryMilliseconds] = 1_000
      }
      let peer = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      try await b.wait { $0.exchange.counters[ExchangeLimit.quarantineRetries] == 1 }
      await world.sleep(60_000)
      #expect(b.exchange.counters[.retries] == 2 && b.exchange.counters[.genomesQuarantined] == 3)
      #expect(peer.all(WireGenomeRejected.self).map(\.retryAfterMs) == [1_000, 2_000, 0])
    }
  }

  @Test func aGenomeThatWaitsForTheOneBeforeItIsJudgedOnceThatCame() throws {
    try inWorld { world, folder in
      let known = Mutex<Set<String>>([])
      let b = try Trader(1, in: folder, world) {
        $0.rule = { record, direction in
          guard direction == .inbound else { return .accept }
          return known.withLock { known in
            guard record.previous.map({ known.contains($0) }) ?? true else { return .quarantine(reason: "a gap in the log") }
            known.insert(record.id)
            return .accept
          }
        }
      }
      let peer = Stranger(2, world, dialling: [1])
      let first = try LooseGenome(1, author: 9, world, folder), second = try LooseGenome(2, author: 9, world, folder, sequence: 2, previous: first.id)
      let all = [first.data: first, second.data: second]
      peer.answer(WireGenomeWant.self) { all[$0.genomes[0]]?.message }
      peer.answerChunks { all[$0.genome]?.chunk(for: $0) }
      await b.start()
      await peer.start()
      try await peer.send(second.offer, to: b)
      try await b.wait { $0.state(second.id) == .quarantined }
      try await peer.send(first.offer, to: b)
      try await b.wait(20) { $0.state(second.id) == .accepted }
    }
  }

  @Test func aGenomeThatWasNotJudgedBeforeTheNodeStoppedIsJudgedAtItsStart() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world)
      let genome = try LooseGenome(1, author: 9, world, folder)
      for bytes in genome.files { _ = try b.store.put(bytes, now: 1) }
      _ = try b.store.add(genome.manifest.record(.received, now: 1), signed: genome.manifest.bytes)
      await b.start()
      try await b.wait(5) { $0.state(genome.id) == .accepted }
    }
  }

  @Test func filesThatAreNotThoseOfTheManifestThoughTheirChunksAreAreRefusedForGood() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      let honest = try LooseGenome(1, author: 9, world, folder)
      // The author signs chunks of one file under the hash of another.
      var manifest = honest.manifest.manifest
      manifest.files[1].sha256 = SampleHome.hash("another file")
      manifest.id = CentramGenome.Hexadecimal.text(ContentHash.of(manifest.files))
      let signed = try SignedManifest(manifest, by: world.key(9))
      let genome = LooseGenome(manifest: signed, files: honest.files)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      let abort = try await peer.wait(for: WireTransferAbort.self)[0]
      #expect(abort.reason == .badManifest && !abort.resumable)
      #expect(b.state(genome.id) == .rejected && b.store.partialBytes() == 0)
      try await peer.send(genome.offer, to: b)
      #expect(try await peer.wait(for: WireGenomeDecline.self)[0].reason == .refusedBefore)
    }
  }

  /// Each breaks what a manifest's message says of its files.
  static let lies: [@Sendable (inout WireGenomeManifest) -> Void] = [
    { $0.files[1].chunks.removeLast() }, { $0.files[1].chunks.append(Data(repeating: 1, count: 32)) }, { $0.files[1].chunks.swapAt(0, 1) },
    { $0.files[1].size += 1 }, { $0.files[1].chunkSize += 1 }, { $0.files[1].digest[0] ^= 1 }, { $0.files[1].name = "delta.safetensors" }, { $0.files.removeLast() },
    { $0.files.append($0.files[0]) }, { $0.manifest.signature[0] ^= 1 }, { $0.manifest.content.append(32) }, { $0.genome[0] ^= 1 },
  ]

  @Test(arguments: 0..<lies.count) func aManifestWhoseChunksAreNotThoseThatWereSignedIsRefusedAndCostsPoints(index: Int) throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      var message = genome.message
      Self.lies[index](&message)
      let lie = message
      peer.answer(WireGenomeWant.self) { _ in lie }
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      #expect(try await peer.wait(for: WireTransferAbort.self)[0].reason == .badManifest)
      #expect(b.exchange.counters[.manifestsRefused] == 1 && b.state(genome.id) == nil)
      await world.sleep(60_000)
      #expect(peer.all(WireGenomeWant.self).count == 1)
    }
  }
}

extension Trader {
  var policyDigest: [UInt8] { exchange.judge.policyDigest }
}
