import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// Genomes that are taken back.
@Suite struct RevocationTests {
  @Test func aRevocationReachesEveryNodeDescendantsAndThoseWhoComeLate() throws {
    try inWorld { world, folder in
      let heard = Mutex<[String]>([])
      let a = try Trader(1, in: folder, world), c = try Trader(3, in: folder, world, dialling: [2])
      let b = try Trader(2, in: folder, world, dialling: [1]) {
        $0.settings[.quarantineRetryMilliseconds] = 1_000
        $0.hooks.onRevoked = { changed, revocation in heard.withLock { $0 += changed + [revocation.genome] } }
      }
      let parent = try a.home.make(1)
      for trader in [a, b, c] { await trader.start() }
      try await c.wait { $0.state(parent.id) == .accepted }
      var draft = SampleHome.Draft()
      draft.parents = [parent]
      let child = try b.home.make(2, draft)
      b.exchange.storeChanged()
      for trader in [a, c] { try await trader.wait { $0.state(child.id) == .accepted } }
      _ = try a.home.library.revoke(parent, reason: .harmful)
      a.exchange.storeChanged()
      for trader in [a, b, c] { try await trader.wait(20) { $0.state(parent.id) == .revoked && $0.state(child.id) == .quarantined } }
      #expect(Set(heard.withLock { $0 }) == [parent.id, child.id])
      // What is revoked or aside is offered to nobody; who comes late learns of the revocation first.
      let late = try Trader(4, in: folder, world, dialling: [3])
      await late.start()
      try await late.wait { try $0.store.revocations().count == 1 }
      await world.sleep(10_000)
      #expect(late.state(parent.id) == nil && late.exchange.counters[.wantsSent] == 0)
      // A descendant is not judged again because time passes.
      await world.sleep(600_000)
      #expect(b.state(child.id) == .quarantined && b.exchange.counters[.retries] == 0)
    }
  }

  @Test func anOfferOfARevokedGenomeIsAnsweredWithTheRevocation() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      let genome = try LooseGenome(1, author: 9, world, folder)
      let revocation = try SignedRevocation(of: genome.id, reason: .privacy, message: "", replacement: nil, madeMilliseconds: 5, by: world.key(9))
      await b.start()
      await peer.start()
      var message = WireGenomeRevoked()
      (message.revocation, message.hops) = (try WireSigned(serializedBytes: Data(revocation.bytes)), 3)
      try await peer.send(message, to: b)
      try await b.wait { try $0.store.revocations().count == 1 }
      try await peer.send(genome.offer, to: b)
      #expect(try await peer.wait(for: WireGenomeDecline.self)[0].reason == .revoked)
      #expect(try await peer.wait(for: WireGenomeRevoked.self)[0].revocation == message.revocation)
      #expect(b.exchange.counters[.revokedOffered] == 1 && b.exchange.counters[.wantsSent] == 0)
    }
  }

  @Test func aRevocationStopsTheTransferOfItsGenome() throws {
    try inWorld(delay: 10_000_000...60_000_000) { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.size = 200 * 256
      let genome = try LooseGenome(1, author: 9, world, folder, draft)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      try await b.wait { $0.exchange.counters[.chunksReceived] > 10 }
      var message = WireGenomeRevoked()
      message.revocation = try WireSigned(
        serializedBytes: Data(SignedRevocation(of: genome.id, reason: .harmful, message: "", replacement: nil, madeMilliseconds: 5, by: world.key(9)).bytes))
      try await peer.send(message, to: b)
      #expect(try await peer.wait(for: WireTransferAbort.self)[0].reason == .cancelled)
      await world.sleep(60_000)
      #expect(b.state(genome.id) == nil && b.exchange.counters[.transfersCompleted] == 0)
    }
  }

  @Test func onlyTheAuthorsWordCountsAndAForgedOneCostsPoints() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), genome = try a.home.make(1), peer = Stranger(2, world, dialling: [1])
      await a.start()
      await peer.start()
      let forged = try SignedRevocation(of: genome.id, reason: .harmful, message: "", replacement: nil, madeMilliseconds: 5, by: world.key(2))
      var message = WireGenomeRevoked()
      message.revocation = try WireSigned(serializedBytes: Data(forged.bytes))
      try await peer.send(message, to: a)
      // It is kept, as anybody may take back what is its own, and changes nothing of another's genome.
      try await a.wait { try $0.store.revocations().count == 1 }
      #expect(a.state(genome.id) == .own)
      message.revocation.content[40] ^= 1
      try await peer.send(message, to: a)
      try await a.wait { $0.exchange.counters[.malformed] == 1 }
      #expect(try a.store.revocations().count == 1)
    }
  }

  @Test func revocationsOfGenomesThatNobodyKnowsAreLimited() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { $0.settings[.revocationsKept] = 5 }, peer = Stranger(2, world, dialling: [1])
      await a.start()
      await peer.start()
      for number in 0..<8 {
        var message = WireGenomeRevoked()
        message.revocation = try WireSigned(
          serializedBytes: Data(
            SignedRevocation(of: SampleHome.hash("\(number)"), reason: .harmful, message: "", replacement: nil, madeMilliseconds: 5, by: world.key(2)).bytes))
        try await peer.send(message, to: a)
      }
      try await a.wait { $0.exchange.counters[ExchangeLimit.revocationsKept] == 3 }
      #expect(try a.store.revocations().count == 5)
    }
  }
}
