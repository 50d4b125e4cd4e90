import struct CentramGenome.Manifest
import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// What is offered to whom, and what is asked for.
@Suite struct OfferTests {
  @Test func offersComeInPagesNewestFirstAndAgainOverANewConnection() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { $0.settings[.offerGenomes] = 2 }, peer = Stranger(2, world, dialling: [1])
      var made: [String] = []
      for number in 1...5 {
        made.append(try a.home.make(number).id)
        await world.sleep(10)
      }
      await a.start()
      await peer.start()
      let pages = try await peer.wait(for: WireGenomeOffer.self, count: 3)
      #expect(pages.map(\.genomes.count) == [2, 2, 1] && pages.map(\.more) == [true, true, false])
      #expect(pages.flatMap(\.genomes).map { Hexadecimal.text($0.genome) } == made.reversed())
      let first = pages[0].genomes[0]
      #expect(first.claimedLift == 0.1 && first.rank == 4 && first.domain == "text" && first.authorSequence == 5 && first.license == "CC0-1.0")
      #expect(a.exchange.counters[ExchangeLimit.offerGenomes] == 2)
      world.network.cutAll()
      try await peer.wait(for: WireGenomeOffer.self, count: 6)
    }
  }

  /// Its outbound judgement let it go, and what left since has used up what was allowed.
  @Test func whatMayNoLongerLeaveIsNotGiven() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { $0.mayLeave = { $0.domain != "spent" } }, peer = Stranger(2, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.domain = "spent"
      let spent = try a.home.make(1, draft)
      await a.start()
      await peer.start()
      let offers = try await peer.wait(for: WireGenomeOffer.self)
      #expect(offers.flatMap(\.genomes).map { Hexadecimal.text($0.genome) } == [spent.id])
      var want = WireGenomeWant()
      want.genomes = [Data(Hexadecimal.bytes(spent.id.utf8)!)]
      try await peer.send(want, to: a)
      #expect(try await peer.wait(for: WireGenomeDecline.self).map(\.reason) == [.notForExport])
      var request = WireChunkRequest(), range = WireChunkRange()
      (range.file, range.first, range.count) = (0, 0, 1)
      (request.genome, request.ranges) = (want.genomes[0], [range])
      try await peer.send(request, to: a)
      let missing = try await peer.wait(for: WireChunkMissing.self)
      #expect(missing.count == 1 && missing[0].permanent)
    }
  }

  @Test func whatTheOutboundGateRefusesIsNeitherOfferedNorGiven() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { $0.rule = { record, _ in record.domain == "secret" ? .reject(reason: "it leaks") : .accept } }
      let peer = Stranger(2, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.domain = "secret"
      let (secret, open) = (try a.home.make(1, draft), try a.home.make(2))
      await a.start()
      await peer.start()
      let offers = try await peer.wait(for: WireGenomeOffer.self)
      #expect(offers.flatMap(\.genomes).map { Hexadecimal.text($0.genome) } == [open.id])
      var want = WireGenomeWant()
      want.genomes = [secret.id, open.id, SampleHome.hash("nothing")].map { Data(Hexadecimal.bytes($0.utf8)!) }
      try await peer.send(want, to: a)
      let declines = try await peer.wait(for: WireGenomeDecline.self, count: 2)
      #expect(declines.map(\.reason) == [.notForExport, .notFound])
      #expect(try await peer.wait(for: WireGenomeManifest.self).map { Hexadecimal.text($0.genome) } == [open.id])
      var request = WireChunkRequest(), range = WireChunkRange()
      range.count = 1
      (request.genome, request.ranges) = (Data(Hexadecimal.bytes(secret.id.utf8)!), [range])
      try await peer.send(request, to: a)
      #expect(try await peer.wait(for: WireChunkMissing.self)[0].permanent && a.exchange.counters[.chunksSent] == 0)
    }
  }

  @Test func anOfferStatesWhatOwnManifestsClaimAndWhatTheGateMeasuredOfOthers() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      let own = try a.home.make(1)
      var lifts = [own.id: 0.1]
      // The author says 0.1; the Ladder let 0.03 out of what was measured, and nothing of the other.
      for (number, (author, metrics, lift)) in [(8, ["ladder.released": 0.03, "lift": 0.0312], 0.03), (9, [:], 0.1)].enumerated() {
        let clock = world.simulation.clock, home = try SampleHome(folder("other-\(author)"), seed: world.seed(author), now: { clock.unixMilliseconds })
        let made = try home.make(10 + number)
        try home.library.export(made, to: folder("\(author).genome"))
        _ = try a.home.library.import(folder("\(author).genome"))
        try a.store.decide(made.id, .accepted, verdicts: [], metrics: metrics, advancesLog: true, now: clock.unixMilliseconds)
        lifts[made.id] = lift
      }
      await a.start()
      await peer.start()
      let offers = try await peer.wait(for: WireGenomeOffer.self)
      let stated = Dictionary(uniqueKeysWithValues: offers.flatMap(\.genomes).map { (Hexadecimal.text($0.genome), $0.claimedLift) })
      #expect(stated == lifts)
      // A merge claims its gain on the own domain, else that over all.
      var manifest = try Manifest(parsing: own.manifest)
      let claims: [([String: Double], Double)] = [
        (["lift": 1, "own_lift": 2], 1), (["generalist_lift": 3, "own_lift": 2], 2), (["generalist_lift": 3], 3), (["loss": 4], 0),
      ]
      for (metrics, lift) in claims {
        manifest.metrics = metrics.map { Manifest.Metric($0.key, $0.value) }
        let claimed = OfferCatalogue.claimedLift(manifest)
        #expect(claimed == lift)
      }
    }
  }

  @Test func onlyWhatThePolicyAllowsIsOffered() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) { options in
        options.settings.offer.domains = ["code.*"]
        options.settings.offer.minimumLift = 0.2
        options.settings.offer.peers = [world.key(2).publicKey]
      }
      let (friend, other) = (Stranger(2, world, dialling: [1]), Stranger(3, world, dialling: [1]))
      var good: [String] = []
      for (number, (domain, lift)) in [("code.swift", 0.5), ("text", 0.5), ("code", 0.2), ("code.c", 0.1), ("codex", 0.9)].enumerated() {
        var draft = SampleHome.Draft()
        (draft.domain, draft.lift) = (domain, lift)
        let id = try a.home.make(number, draft).id
        if number == 0 || number == 2 { good.append(id) }
      }
      await a.start()
      await friend.start()
      await other.start()
      let offers = try await friend.wait(for: WireGenomeOffer.self)
      #expect(Set(offers.flatMap(\.genomes).map { Hexadecimal.text($0.genome) }) == Set(good))
      await world.sleep(5_000)
      #expect(other.all(WireGenomeOffer.self).isEmpty)
      var want = WireGenomeWant()
      want.genomes = [Data(Hexadecimal.bytes(good[0].utf8)!)]
      #expect(try await other.session(with: a).requestFrame(want).type == .genomeDecline)
    }
  }

  @Test func aPeerThatNamesItsModelsIsOfferedGenomesOfTheseAlone() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world)
      var draft = SampleHome.Draft()
      draft.base = SampleHome.hash("another base")
      let (one, _) = (try a.home.make(1), try a.home.make(2, draft))
      let node = NetworkNode(
        settings: {
          var settings = NodeSettings(); settings.peers = [PeerReference(address: world.address(1))]; return settings
        }(), key: world.key(2),
        transports: [world.transport(2)], clock: world.simulation.clock, random: world.simulation.random,
        capabilities: {
          var (capabilities, model) = (WireCapabilities(), WireHeldModel())
          model.model = Data(Hexadecimal.bytes(SampleHome.base.utf8)!)
          capabilities.models = [model]
          return capabilities
        })
      let heard = Notes(), base = Data(Hexadecimal.bytes(one.id.utf8)!)
      node.handlers.on(WireGenomeOffer.self) { offer, _ in
        for genome in offer.genomes { heard.append(genome.genome == base ? 1 : 2) }
        return nil
      }
      await a.start()
      await world.start(node, 2)
      await node.waitForPeers(1)
      await world.sleep(5_000)
      #expect(heard.all == [1])
    }
  }

  static let refusals: [(name: String, reason: WireDeclineReason, draft: @Sendable (inout SampleHome.Draft) -> Void, policy: @Sendable (inout WantPolicy) -> Void)] = [
    ("base", .otherBase, { $0.base = SampleHome.hash("other") }, { $0.bases = [SampleHome.base] }),
    ("domain", .policy, { $0.domain = "music" }, { $0.domains = ["code.*", "text"] }),
    ("licence", .policy, { $0.license = "LicenseRef-none" }, { $0.licenses = ["CC0-1.0"] }),
    ("size", .policy, { $0.size = 1_018 }, { $0.maximumBytes = 1_024 }),
    ("lift", .policy, { $0.lift = 0.09 }, { $0.minimumLift = 0.1 }),
    ("author", .policy, { _ in }, { $0.authors = [SampleHome.hash("somebody")] }),
    ("refused author", .policy, { _ in }, { $0.refusedAuthors = [CentramWireKey.of(9)] }),
    ("nothing", .policy, { _ in }, { $0.isEnabled = false }),
  ]

  @Test(arguments: 0..<refusals.count) func whatIsNotWantedIsDeclinedWithItsReason(index: Int) throws {
    let refusal = Self.refusals[index]
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { refusal.policy(&$0.settings.want) }, peer = Stranger(2, world, dialling: [1])
      var draft = SampleHome.Draft()
      refusal.draft(&draft)
      let genome = try LooseGenome(1, author: 9, world, folder, draft)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      let declines = try await peer.wait(for: WireGenomeDecline.self)
      #expect(declines[0].reason == refusal.reason && declines[0].genome == genome.data && !declines[0].message.isEmpty, "\(refusal.name): \(declines)")
      // What an offer hides, the manifest shows.
      var lie = genome.offer
      (lie.genomes[0].base, lie.genomes[0].domain, lie.genomes[0].license) = (Data(Hexadecimal.bytes(SampleHome.base.utf8)!), "text", "CC0-1.0")
      (lie.genomes[0].size, lie.genomes[0].claimedLift) = (1, 1)
      try await peer.send(lie, to: b)
      let again = try await peer.wait(for: WireGenomeDecline.self, count: 2)
      #expect(again[1].reason == refusal.reason, "\(refusal.name)")
      #expect(b.exchange.counters[.chunksReceived] == 0 && b.state(genome.id) == nil)
    }
  }

  @Test func atTheLimitsOfItsPolicyAGenomeIsWanted() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { options in
        (options.settings.want.maximumBytes, options.settings.want.minimumLift) = (1_024, 0.1)
        options.hooks.bases = { [SampleHome.base] }
      }
      let peer = Stranger(2, world, dialling: [1])
      var draft = SampleHome.Draft()
      draft.size = 1_017
      let genome = try LooseGenome(1, author: 9, world, folder, draft)
      genome.give(by: peer)
      await b.start()
      await peer.start()
      try await peer.send(genome.offer, to: b)
      try await b.wait { $0.state(genome.id) == .accepted }
    }
  }

  @Test func ofWhatIsOfferedTheHighestLiftIsFetchedFirstAndAnAuthorsLogInItsOrder() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world) { $0.settings[.transfers] = 1 }, peer = Stranger(2, world, dialling: [1])
      var genomes: [LooseGenome] = []
      for (number, (author, lift)) in [(8, 0.1), (9, 0.2), (9, 0.9), (10, 0.5)].enumerated() {
        var draft = SampleHome.Draft()
        draft.lift = lift
        let isSecond = number == 2
        genomes.append(
          try LooseGenome(number, author: author, world, folder, draft, sequence: isSecond ? 2 : 1, previous: isSecond ? genomes[1].id : nil))
      }
      let all = Dictionary(uniqueKeysWithValues: genomes.map { ($0.data, $0) })
      peer.answer(WireGenomeWant.self) { all[$0.genomes[0]]?.message }
      peer.answerChunks { all[$0.genome]?.chunk(for: $0) }
      await b.start()
      await peer.start()
      var offer = WireGenomeOffer()
      offer.genomes = genomes.map(\.summary)
      try await peer.send(offer, to: b)
      let wants = try await peer.wait(for: WireGenomeWant.self, count: 4)
      // The best of all waits for the one before it in its author's log.
      #expect(wants.map { want in genomes.firstIndex { $0.data == want.genomes[0] } } == [3, 1, 2, 0])
    }
  }
}

enum CentramWireKey {
  static func text(_ bytes: Data) -> String { Hexadecimal.text(bytes) }

  /// Of a node of a world, by its number.
  static func of(_ number: Int) -> String { try! SigningKey(seed: (0..<32).map { $0 == 0 ? UInt8(number) : $0 == 1 ? 0 : 7 }).publicKey.description }
}
