import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// What hostile peers do with genomes. Each limit is reached and counted, and an honest peer gives and gets its genomes meanwhile.
@Suite struct HostileTests {
  struct Attack: Sendable {
    var name: String
    var limits: [ExchangeLimit: Int]
    /// The limit that is reached, more often than not at all.
    var limit: ExchangeLimit?
    var event: ExchangeCounters.Event?
    var work: @Sendable (Stranger, Trader) async throws -> Void
  }

  static func summary(_ number: Int) -> WireGenomeSummary {
    var summary = WireGenomeSummary()
    (summary.genome, summary.base, summary.author) = (digest("genome \(number)"), digest("base"), digest("author \(number)"))
    (summary.authorSequence, summary.kind, summary.size, summary.madeMs, summary.domain) = (1, .adapter, 1_000, 1, "text")
    return summary
  }

  static func digest(_ text: String) -> Data { Data(Hexadecimal.bytes(SampleHome.hash(text).utf8)!) }

  static let attacks: [Attack] = [
    Attack(name: "more offers than a minute takes", limits: [.offersPerPeerAndMinute: 5], limit: .offersPerPeerAndMinute) { peer, victim in
      for number in 0..<20 {
        var offer = WireGenomeOffer()
        offer.genomes = [summary(number)]
        try await peer.send(offer, to: victim)
      }
    },
    Attack(name: "giant offers", limits: [.offeredGenomesPerPeer: 600], limit: .offeredGenomesPerPeer) { peer, victim in
      for page in 0..<4 {
        var offer = WireGenomeOffer()
        (offer.genomes, offer.more) = ((0..<256).map { summary(page * 256 + $0) }, true)
        try await peer.send(offer, to: victim)
      }
    },
    Attack(name: "more genomes than may wait", limits: [.waitingGenomes: 50], limit: .waitingGenomes) { peer, victim in
      // The honest peer comes when these have been asked for in vain.
      var offer = WireGenomeOffer()
      offer.genomes = (0..<51).map { summary($0) }
      peer.answer(WireGenomeWant.self) { want in GenomeExchange.decline(CentramWireKey.text(want.genomes[0]), .notFound, "a joke") }
      try await peer.send(offer, to: victim)
      await peer.world.sleep(10_000)
    },
    Attack(name: "more genomes of one peer than may wait", limits: [.waitingGenomesPerPeer: 100], limit: .waitingGenomesPerPeer) { peer, victim in
      var offer = WireGenomeOffer()
      offer.genomes = (0..<200).map { summary($0) }
      try await peer.send(offer, to: victim)
    },
    Attack(name: "a flood of chunks that nobody asked for", limits: [.unaskedPerPeerAndMinute: 10], limit: .unaskedPerPeerAndMinute, event: .unasked) { peer, victim in
      for index in 0..<40 {
        let chunk = LooseGenome.Chunk(genome: digest("genome"), index: index, bytes: [UInt8](repeating: 7, count: 1 << 16))
        guard (try? await peer.session(with: victim).send(chunk.message, bulk: Bulk(chunk.bytes), inReplyTo: 0)) != nil else { return }
      }
    },
    Attack(name: "manifests that nobody asked for", limits: [.unaskedPerPeerAndMinute: 10], limit: .unaskedPerPeerAndMinute, event: .unasked) { peer, victim in
      let genome = try LooseGenome(1, author: 5, peer.world, Scratch()), message = genome.message
      for _ in 0..<12 { try await peer.send(message, to: victim) }
    },
    Attack(name: "wants for what was never offered", limits: [.wantsPerPeerAndMinute: 20], limit: .wantsPerPeerAndMinute, event: .unoffered) { peer, victim in
      var want = WireGenomeWant()
      want.genomes = (0..<30).map { digest("\($0)") }
      try await peer.send(want, to: victim)
      let declines = try await peer.wait(for: WireGenomeDecline.self, count: 30)
      #expect(declines.prefix(20).allSatisfy { $0.reason == .notFound } && declines.suffix(10).allSatisfy { $0.reason == .rateLimited && $0.retryAfterMs == 60_000 })
    },
    Attack(name: "chunks of what was never offered", limits: [:], event: .unoffered) { peer, victim in
      for _ in 0..<20 {
        var request = WireChunkRequest(), range = WireChunkRange()
        range.count = 1
        (request.genome, request.ranges) = (digest("nothing"), [range])
        try await peer.send(request, to: victim)
      }
      try await peer.wait(for: WireChunkMissing.self, count: 20)
    },
    Attack(name: "chunks without end in one request", limits: [.chunksPerRequest: 8], limit: .chunksPerRequest) { peer, victim in
      let offer = try await peer.wait(for: WireGenomeOffer.self)[0]
      var request = WireChunkRequest(), range = WireChunkRange()
      range.count = 9
      (request.genome, request.ranges) = (offer.genomes[0].genome, [range])
      try await peer.send(request, to: victim)
    },
    Attack(name: "endless declines", limits: [.declinesPerPeerAndMinute: 10], limit: .declinesPerPeerAndMinute) { peer, victim in
      for number in 0..<30 { try await peer.send(GenomeExchange.decline(SampleHome.hash("\(number)"), .policy, "no"), to: victim) }
    },
    Attack(name: "declines of more than is remembered", limits: [.declinesRemembered: 10], limit: .declinesRemembered) { peer, victim in
      for number in 0..<11 { try await peer.send(GenomeExchange.decline(SampleHome.hash("\(number)"), .policy, "no"), to: victim) }
    },
    Attack(name: "a flood of revocations", limits: [.revocationsPerPeerAndMinute: 5], limit: .revocationsPerPeerAndMinute) { peer, victim in
      for number in 0..<8 {
        let revocation = try SignedRevocation(
          of: SampleHome.hash("\(number)"), reason: .harmful, message: "", replacement: nil, madeMilliseconds: 1, by: peer.world.key(peer.number))
        var message = WireGenomeRevoked()
        message.revocation = try WireSigned(serializedBytes: Data(revocation.bytes))
        try await peer.send(message, to: victim)
      }
    },
    Attack(name: "a flood of verdicts", limits: [.noticesPerPeerAndMinute: 5], limit: .noticesPerPeerAndMinute) { peer, victim in
      for number in 0..<8 { try await peer.send(notice(number, peer), to: victim) }
    },
    Attack(name: "verdicts on more than is remembered", limits: [.attestationsKept: 5], limit: .attestationsKept) { peer, victim in
      for number in 0..<6 { try await peer.send(notice(number, peer), to: victim) }
    },
    Attack(name: "verdicts of one node on one genome without end", limits: [.attestationsPerSigner: 5], limit: .attestationsPerSigner) { peer, victim in
      for time in 1...6 { try await peer.send(notice(0, peer, at: time), to: victim) }
    },
    Attack(name: "questions without end", limits: [.queriesPerPeerAndMinute: 5], limit: .queriesPerPeerAndMinute) { peer, victim in
      var query = WireLineageQuery()
      (query.genome, query.depth, query.maximum) = (digest("x"), 256, 256)
      let session = try await peer.session(with: victim)
      for _ in 0..<5 { _ = try await session.request(query, for: WireLineageReply.self) }
      await #expect(throws: SessionError.self) { try await session.request(query, for: WireLineageReply.self) }
    },
  ]

  private static func notice(_ number: Int, _ peer: Stranger, at time: Int = 1) throws -> WireVerdictNotice {
    var verdict = WireVerdict(), notice = WireVerdictNotice()
    (verdict.subject, verdict.direction, verdict.outcome, verdict.decidedMs) = (digest("\(number)"), .inbound, .accept, UInt64(time))
    notice.verdict = try WireSigned(verdict, by: peer.world.key(peer.number), domain: .verdict)
    return notice
  }

  @Test(arguments: 0..<attacks.count) func eachAttackReachesItsLimitAndAnHonestPeerIsServed(index: Int) throws {
    let attack = Self.attacks[index]
    try inWorld { world, folder in
      let victim = try Trader(1, in: folder, world) { for (limit, value) in attack.limits { $0.settings[limit] = value } }
      let honest = try Trader(2, in: folder, world, dialling: [1]), attacker = Stranger(3, world, dialling: [1])
      let (ofVictim, ofHonest) = (try victim.home.make(1), try honest.home.make(2))
      await victim.start()
      await attacker.start()
      try await attack.work(attacker, victim)
      await honest.start()
      try await honest.wait(60, "\(attack.name)") { $0.state(ofVictim.id) == .accepted }
      try await victim.wait(60, "\(attack.name)") { $0.state(ofHonest.id) == .accepted }
      let counters = victim.exchange.counters
      if let limit = attack.limit { #expect(counters[limit] > 0, "\(attack.name): \(counters.all)") }
      if let event = attack.event { #expect(counters[event] > 0, "\(attack.name): \(counters.all)") }
    }
  }

  /// At the limit and not above it nothing is counted.
  @Test func whatStaysAtItsLimitIsNoAttack() throws {
    try inWorld { world, folder in
      let victim = try Trader(1, in: folder, world) {
        $0.settings[.offersPerPeerAndMinute] = 3
        $0.settings[.offeredGenomesPerPeer] = 3
        $0.settings[.waitingGenomes] = 3
        $0.settings[.wantsPerPeerAndMinute] = 3
        $0.settings[.declinesPerPeerAndMinute] = 3
        $0.settings[.declinesRemembered] = 3
        $0.settings[.noticesPerPeerAndMinute] = 3
        $0.settings[.attestationsKept] = 3
        $0.settings[.attestationsPerSigner] = 1
      }
      let peer = Stranger(2, world, dialling: [1])
      peer.answer(WireGenomeWant.self) { want in GenomeExchange.decline(CentramWireKey.text(want.genomes[0]), .busy, "later", retryAfter: 600_000) }
      await victim.start()
      await peer.start()
      var want = WireGenomeWant()
      for number in 0..<3 {
        var offer = WireGenomeOffer()
        offer.genomes = [Self.summary(number)]
        try await peer.send(offer, to: victim)
        try await peer.send(Self.notice(number, peer), to: victim)
        try await peer.send(GenomeExchange.decline(SampleHome.hash("\(number)"), .policy, "no"), to: victim)
        want.genomes.append(Self.digest("\(number)"))
      }
      try await peer.send(want, to: victim)
      await world.sleep(5_000)
      let reached = victim.exchange.counters.all.keys.filter { $0.hasPrefix("limit.") }
      #expect(reached.isEmpty, "\(reached)")
    }
  }

  @Test func aPeerThatFloodsIsBannedInTheEnd() throws {
    try inWorld { world, folder in
      let victim = try Trader(1, in: folder, world) { $0.settings[.unaskedPerPeerAndMinute] = 5 }, peer = Stranger(2, world, dialling: [1])
      await victim.start()
      await peer.start()
      let session = try await peer.session(with: victim)
      for index in 0..<200 {
        let chunk = LooseGenome.Chunk(genome: Self.digest("genome"), index: index, bytes: [1])
        guard (try? await session.send(chunk.message, bulk: Bulk(chunk.bytes), inReplyTo: 0)) != nil else { break }
        await world.sleep(20)
      }
      let isBanned = await victim.node.isBanned(peer.key)
      #expect(isBanned)
    }
  }
}
