import CentramGenome
import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// Family 03: where genomes come from, what others found, and who misbehaved.
@Suite struct FindingsTests {
  /// Two nodes with a chain of genomes at the first one, each the parent of the next.
  private func chain(_ length: Int, _ world: World, _ folder: Scratch, _ change: (inout Trader.Options) -> Void = { _ in }) throws -> (a: Trader, b: Trader, ids: [String]) {
    let a = try Trader(1, in: folder, world, dialling: [], change)
    let b = try Trader(2, in: folder, world, dialling: [1]) { $0.settings.want.isEnabled = false }
    var ids: [String] = [], draft = SampleHome.Draft()
    for number in 1...length {
      let record = try a.home.make(number, draft)
      draft.parents = [record]
      ids.append(record.id)
    }
    return (a, b, ids)
  }

  @Test func lineageComesChildrenFirstInPagesAndStopsAtWhatIsKnown() throws {
    try inWorld { world, folder in
      let (a, b, ids) = try chain(9, world, folder)
      await a.start()
      await b.start()
      await b.node.waitForPeers(1)
      let session = try await b.session(with: a)
      var query = WireLineageQuery()
      (query.genome, query.depth, query.maximum) = (Data(Hexadecimal.bytes(ids[8].utf8)!), 256, 4)
      var found: [String] = [], pages = 0
      repeat {
        let reply = try await session.request(query, for: WireLineageReply.self)
        found += try reply.manifests.map { try SignedManifest(bytes: $0.serializedBytes(), name: "one").manifest.id }
        query.cursor = reply.cursor
        pages += 1
      } while !query.cursor.isEmpty
      #expect(found == ids.reversed() && pages == 3)
      (query.cursor, query.maximum, query.known) = (Data(), 256, [Data(Hexadecimal.bytes(ids[5].utf8)!)])
      let upper = try await session.request(query, for: WireLineageReply.self)
      #expect(upper.manifests.count == 3 && upper.cursor.isEmpty && upper.missing.isEmpty)
      (query.known, query.depth) = ([], 2)
      #expect(try await session.request(query, for: WireLineageReply.self).manifests.count == 3)
      #expect(try await b.exchange.fetchLineage(ids[8], from: a.key).count == 9)
      query.genome = Data(repeating: 7, count: 32)
      let none = try await session.request(query, for: WireLineageReply.self)
      #expect(none.manifests.isEmpty && none.missing == [query.genome])
    }
  }

  @Test func anUnknownAncestorsManifestIsFetchedFromWhoeverHasItAndALieIsNot() throws {
    try inWorld { world, folder in
      let (a, b, ids) = try chain(2, world, folder)
      let liar = Stranger(3, world, dialling: [2]), lie = try LooseGenome(50, author: 3, world, folder).message.manifest
      liar.answer(WireLineageQuery.self) { query in
        var reply = WireLineageReply()
        (reply.genome, reply.manifests) = (query.genome, [lie])
        return reply
      }
      await a.start()
      await b.start()
      await liar.start()
      await b.node.waitForPeers(2)
      await world.sleep(1_000)
      let bytes = try #require(await b.exchange.fetchManifest(ids[0]))
      #expect(try SignedManifest(bytes: bytes, name: "it").manifest.id == ids[0])
      #expect(await b.exchange.fetchManifest(SampleHome.hash("nothing")) == nil)
      #expect(b.exchange.counters[.malformed] > 0)
    }
  }

  @Test func attestationsAreOwnVerdictsAndThoseOfOthers() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      let genome = try a.home.make(1)
      await a.start()
      await b.start()
      try await a.wait { $0.exchange.counters[.acceptancesReceived] == 1 }
      let found = try await b.exchange.fetchAttestations([genome.id], from: a.key)
      // a's own on the way out, of its layer and of the whole gate, and what b said on the way in.
      let own = found.filter { $0.signer == a.key }.map { "\($0.verdict.layer) \($0.verdict.direction)" }
      #expect(own == ["gate.double outbound", " outbound"], "\(own)")
      #expect(found.contains { $0.signer == b.key && $0.verdict.layer.isEmpty && $0.verdict.direction == .inbound && $0.verdict.outcome == .accept })
      #expect(await b.exchange.attestations(of: genome.id).count == 2)
      let layer = try await b.exchange.fetchAttestations([genome.id], layer: "gate.double", from: a.key)
      #expect(layer.count == 1)
      var query = WireAttestationQuery()
      (query.genomes, query.maximum) = ([Data(Hexadecimal.bytes(genome.id.utf8)!)], 1)
      let session = try await b.session(with: a), first = try await session.request(query, for: WireAttestation.self)
      #expect(first.verdicts.count == 1 && first.truncated)
    }
  }

  @Test func whatOthersAttestedIsThereAfterAKillAndWhatIsNotSignedIsForgotten() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      let genome = try a.home.make(1)
      await a.start()
      let kill = await b.start()
      try await a.wait { $0.exchange.counters[.acceptancesReceived] == 1 }
      _ = try await b.exchange.fetchAttestations([genome.id], from: a.key)
      let before = await b.exchange.attestations(of: genome.id), stored = try b.store.attestations(limit: .max)
      #expect(before.count == 2 && stored.count == 2)
      kill()
      var forged = stored[0]
      forged.signature[0] ^= 1
      try b.store.keep([forged], forgetting: [])
      let again = try Trader(2, in: folder, world)
      await again.start()
      try await again.wait { await $0.exchange.attestations(of: genome.id).count == 2 }
      let after = await again.exchange.attestations(of: genome.id)
      #expect(after.map(\.verdict) == before.map(\.verdict) && after.map(\.signer) == before.map(\.signer))
      #expect(try again.store.attestations(limit: .max) == stored)
      // A peer that asks gets them as if nothing had been.
      let peer = Stranger(3, world, dialling: [2])
      await peer.start()
      var query = WireAttestationQuery()
      (query.genomes, query.maximum) = ([Data(Hexadecimal.bytes(genome.id.utf8)!)], 10)
      let answer = try await peer.session(with: again).request(query, for: WireAttestation.self)
      #expect(Set(stored.map(\.signature)).isSubset(of: Set(answer.verdicts.map { [UInt8]($0.signature) })))
    }
  }

  @Test func ofOneNodeOnOneGenomeTheLatestAreKeptAndOfAllThoseThatCameLast() throws {
    let subject = Data(repeating: 1, count: 32)
    func entry(_ signer: UInt8, _ time: UInt64, _ subject: Data) throws -> BoundedRecords<WireVerdict>.Entry {
      let key = try SigningKey(seed: [UInt8](repeating: signer, count: 32))
      var verdict = WireVerdict()
      (verdict.subject, verdict.direction, verdict.outcome, verdict.decidedMs) = (subject, .inbound, .accept, time)
      return .init(record: verdict, signer: key.publicKey, signed: try WireSigned(verdict, by: key, domain: .verdict))
    }
    var records = BoundedRecords<WireVerdict>(capacity: 6, perSigner: 2) { $0.decidedMs }
    func times() -> [UInt64] { records.records(of: subject).map(\.record.decidedMs).sorted() }
    for time in [5, 3] as [UInt64] {
      let added = records.add(try entry(1, time, subject), subject: subject)
      #expect(added.isNew && !added.signerIsFull && added.gone.isEmpty)
    }
    let earlier = records.add(try entry(1, 2, subject), subject: subject)
    #expect(!earlier.isNew && earlier.signerIsFull && earlier.gone.isEmpty && times() == [3, 5])
    let third = try entry(1, 3, subject).signed.signature, later = records.add(try entry(1, 7, subject), subject: subject)
    #expect(later.isNew && later.signerIsFull && later.gone == [third] && times() == [5, 7])
    // Others have room of their own, until all is full: then the first that came goes.
    let other = records.add(try entry(2, 1, subject), subject: subject)
    #expect(other.isNew && !other.signerIsFull && times() == [1, 5, 7])
    var gone: [Data] = []
    for number in 2...4 { gone += records.add(try entry(1, 1, Data(repeating: UInt8(number), count: 32)), subject: Data(repeating: UInt8(number), count: 32)).gone }
    #expect(gone == [try entry(1, 5, subject).signed.signature] && times() == [1, 7])
  }

  @Test func aVerdictIsToldToPeersThatDidNotGiveTheGenomeAndPassedOnOnce() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world), b = try Trader(2, in: folder, world, dialling: [1])
      let c = try Trader(3, in: folder, world, dialling: [2]) { $0.settings.want.isEnabled = false }
      let d = try Trader(4, in: folder, world, dialling: [3]) { $0.settings.want.isEnabled = false }, far = Stranger(5, world, dialling: [4])
      let genome = try a.home.make(1)
      for trader in [b, c, d] { await trader.start() }
      await far.start()
      await a.start()
      try await b.wait { $0.state(genome.id) == .accepted }
      for trader in [c, d] { try await trader.wait(20) { await $0.exchange.attestations(of: genome.id).map(\.signer) == [b.key] } }
      await world.sleep(5_000)
      #expect(far.all(WireVerdictNotice.self).isEmpty)
      // A second time it is nothing new.
      let signed = try #require(await d.exchange.attestations.records(of: Data(Hexadecimal.bytes(genome.id.utf8)!)).first?.signed)
      var notice = WireVerdictNotice()
      notice.verdict = signed
      try await far.send(notice, to: d)
      notice.verdict.content[3] ^= 1
      notice.verdict.signature[0] ^= 1
      try await far.send(notice, to: d)
      try await d.wait { $0.exchange.counters[.malformed] == 1 }
      #expect(d.exchange.counters[.verdictsReceived] == 1)
    }
  }

  @Test func fitnessIsSignedByItsEvaluatorAndPassedOnWhenAskedFor() throws {
    try inWorld { world, folder in
      let record = Self.fitness(of: SampleHome.hash("genome"))
      let a = try Trader(1, in: folder, world) { $0.hooks.fitness = { ids in ids.contains(SampleHome.hash("genome")) ? [record] : [] } }
      let b = try Trader(2, in: folder, world, dialling: [1])
      await a.start()
      await b.start()
      await b.node.waitForPeers(1)
      let found = try await b.exchange.fetchFitness([SampleHome.hash("genome")], from: a.key)
      #expect(found.map(\.record) == [record] && found.map(\.signer) == [a.key])
      #expect(try await b.exchange.fetchFitness([SampleHome.hash("genome")], domains: ["music"], from: a.key).isEmpty)
      // b has it now, and says whose it is.
      let peer = Stranger(3, world, dialling: [1, 2])
      await peer.start()
      var query = WireFitnessQuery()
      (query.genomes, query.maximum) = ([record.genome], 10)
      let report = try await peer.session(with: b).request(query, for: WireFitnessReport.self)
      #expect(try report.records.map { try $0.opened(WireFitnessRecord.self, domain: .fitness).signer } == [a.key])
      // One that comes by itself is checked, too.
      try await peer.send(report, to: a)
      var forged = report
      forged.records[0].signature[0] ^= 1
      try await peer.send(forged, to: b)
      try await b.wait { $0.exchange.counters[.malformed] == 1 }
      #expect(await b.exchange.fitness(of: SampleHome.hash("genome")).count == 1)
    }
  }

  static func fitness(of genome: String) -> WireFitnessRecord {
    var record = WireFitnessRecord(), domain = WireDomainFitness()
    (domain.domain, domain.lift, domain.lower, domain.upper, domain.sequences) = ("text", 0.1, 0.05, 0.15, 48)
    (record.genome, record.base) = (Data(Hexadecimal.bytes(genome.utf8)!), Data(Hexadecimal.bytes(SampleHome.base.utf8)!))
    (record.scale, record.domains, record.holdout, record.measuredMs) = (1, [domain], Data(repeating: 4, count: 32), 7)
    return record
  }

  private static func request(_ genome: String, _ world: World) -> WireEvaluationRequest {
    var request = WireEvaluationRequest()
    (request.job, request.genome, request.base) = (
      Data(repeating: 3, count: 16), Data(Hexadecimal.bytes(genome.utf8)!), Data(Hexadecimal.bytes(SampleHome.base.utf8)!)
    )
    (request.sequences, request.deadlineMs) = (48, UInt64(world.simulation.clock.unixMilliseconds) + 60_000)
    return request
  }

  @Test func anEvaluationIsRefusedWithoutAnEvaluatorAndElseSentWhenDone() throws {
    try inWorld { world, folder in
      let id = SampleHome.hash("genome"), clock = world.simulation.clock
      let a = try Trader(1, in: folder, world),
        c = try Trader(3, in: folder, world) {
          $0.hooks.evaluator = { request, _ in
            try await clock.sleep(until: clock.monotonicNanoseconds + 5_000_000_000)
            if request.base.first == 0 { throw StoreError(.invalid, "no such base") }
            return [Self.fitness(of: id)]
          }
        }
      let b = try Trader(2, in: folder, world, dialling: [1, 3])
      for trader in [a, c, b] { await trader.start() }
      await b.node.waitForPeers(2)
      let request = Self.request(id, world)
      func refusal(_ request: WireEvaluationRequest, of peer: NodeKey) async -> String {
        do {
          _ = try await b.exchange.requestEvaluation(request, of: peer)
          return "none"
        } catch { return "\(error.code.rawValue): \(error.message)" }
      }
      #expect(await refusal(request, of: a.key) == "refused: the peer does not evaluate it: this node evaluates nothing for others")
      #expect(a.exchange.counters[.evaluationsRefused] == 1)
      let records = try await b.exchange.requestEvaluation(request, of: c.key)
      #expect(records.map(\.job) == [request.job])
      var late = request
      late.deadlineMs = 1
      #expect(await refusal(late, of: c.key).hasSuffix("the deadline is over"))
      var failing = request
      failing.base = Data(repeating: 0, count: 32)
      #expect(await refusal(failing, of: c.key).contains("the evaluation failed"))
      // One at a time.
      var other = request
      other.job = Data(repeating: 5, count: 16)
      async let first = b.exchange.requestEvaluation(request, of: c.key)
      await world.sleep(1_000)
      let busy = await refusal(other, of: c.key)
      #expect(busy.hasSuffix("evaluations is 1") && c.exchange.counters[ExchangeLimit.evaluations] == 1)
      _ = try await first
    }
  }

  @Test func whatTrainingSpentIsStatedWithTheOffersOfOwnGenomes() throws {
    try inWorld { world, folder in
      let a = try Trader(1, in: folder, world) {
        $0.hooks.privacy = { id in
          var record = WirePrivacyRecord()
          (record.genome, record.node) = (Data(Hexadecimal.bytes(id.utf8)!), Data(world.key(1).publicKey.bytes))
          (record.epsilon, record.delta, record.lifetimeEpsilon, record.madeMs, record.accountant) = (2, 1e-5, 6, 1, "rdp/1")
          return record
        }
      }
      let b = try Trader(2, in: folder, world, dialling: [1]), peer = Stranger(3, world, dialling: [2])
      let genome = try a.home.make(1)
      for trader in [a, b] { await trader.start() }
      try await b.wait { await $0.exchange.privacy(of: a.key).count == 1 }
      #expect(await b.exchange.privacy(of: a.key)[0].epsilon == 2)
      try await b.wait { $0.state(genome.id) == .accepted }
      // Nobody speaks for another.
      await peer.start()
      var record = WirePrivacyRecord(), statement = WirePrivacyStatement()
      (record.node, record.madeMs) = (Data(a.key.bytes), 1)
      statement.records = [try WireSigned(record, by: world.key(3), domain: .privacy)]
      try await peer.send(statement, to: b)
      await world.sleep(1_000)
      let (ofPeer, ofAuthor) = (await b.exchange.privacy(of: peer.key), await b.exchange.privacy(of: a.key))
      #expect(ofPeer.isEmpty && ofAuthor.count == 1)
    }
  }

  @Test func aForkedLogIsProvedToEverybodyAndItsAuthorIsFrozen() throws {
    try inWorld { world, folder in
      let frozen = Mutex<[String]>([])
      let b = try Trader(1, in: folder, world), c = try Trader(2, in: folder, world, dialling: [1]) { $0.hooks.onFrozen = { author in frozen.withLock { $0.append(author) } } }
      let peer = Stranger(3, world, dialling: [1])
      let genomes = try (1...2).map { try LooseGenome($0, author: 9, world, folder) }
      let all = Dictionary(uniqueKeysWithValues: genomes.map { ($0.data, $0) })
      peer.answer(WireGenomeWant.self) { all[$0.genomes[0]]?.message }
      peer.answerChunks { all[$0.genome]?.chunk(for: $0) }
      for trader in [b, c] { await trader.start() }
      await peer.start()
      for genome in genomes { try await peer.send(genome.offer, to: b) }
      try await b.wait { try $0.store.forkProof(of: CentramWireKey.of(9)) != nil }
      try await c.wait(20) { try $0.store.forkProof(of: CentramWireKey.of(9)) != nil }
      #expect(frozen.withLock { $0 } == [CentramWireKey.of(9)])
      let proof = try await peer.wait(for: WireMisbehaviourProof.self)[0]
      #expect(proof.kind == .forkedLog && proof.statements.count == 2)
      // A third one is not asked for; a node that comes late learns of it.
      let third = try LooseGenome(3, author: 9, world, folder, sequence: 2, previous: genomes[0].id)
      try await peer.send(third.offer, to: b)
      #expect(try await peer.wait(for: WireGenomeDecline.self).last?.message.contains("frozen") == true)
      let late = try Trader(4, in: folder, world, dialling: [2])
      await late.start()
      try await late.wait(20) { try $0.store.forkProof(of: CentramWireKey.of(9)) != nil }
    }
  }

  @Test func aProofThatProvesNothingFreezesNobodyAndCostsPoints() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1])
      await b.start()
      await peer.start()
      let one = try LooseGenome(1, author: 9, world, folder).message.manifest, later = try LooseGenome(2, author: 9, world, folder, sequence: 2, previous: SampleHome.hash("one"))
      let stranger = try LooseGenome(2, author: 8, world, folder).message.manifest
      var forged = try LooseGenome(2, author: 9, world, folder).message.manifest
      forged.signature[0] ^= 1
      for statements in [[one, one], [one, later.message.manifest], [one, stranger], [one, forged], [one]] {
        var proof = WireMisbehaviourProof()
        (proof.kind, proof.accused, proof.statements) = (.forkedLog, Data(world.key(9).publicKey.bytes), statements)
        try await peer.send(proof, to: b)
      }
      try await b.wait { $0.exchange.counters[.proofsReceived] == 5 || !$0.exchange.counters.all.isEmpty && $0.exchange.counters[.malformed] >= 4 }
      #expect(try b.store.forkProof(of: CentramWireKey.of(9)) == nil)
    }
  }

  @Test func aNodeThatSignsTwoVerdictsOnOneThingIsNotBelieved() throws {
    try inWorld { world, folder in
      let b = try Trader(1, in: folder, world), peer = Stranger(2, world, dialling: [1]), id = Data(repeating: 4, count: 32)
      await b.start()
      await peer.start()
      let signed = try [WireOutcome.accept, .reject].map { outcome in
        var verdict = WireVerdict()
        (verdict.subject, verdict.direction, verdict.outcome, verdict.decidedMs) = (id, .inbound, outcome, 5)
        return try WireSigned(verdict, by: world.key(2), domain: .verdict)
      }
      var attestation = WireAttestation()
      attestation.verdicts = [signed[0]]
      try await peer.send(attestation, to: b)
      let text = CentramGenome.Hexadecimal.text(id)
      try await b.wait { await $0.exchange.attestations(of: text).count == 1 }
      var proof = WireMisbehaviourProof()
      (proof.kind, proof.accused, proof.statements) = (.twoVerdicts, Data(world.key(2).publicKey.bytes), signed)
      try await peer.send(proof, to: b)
      try await b.wait { await $0.exchange.attestations(of: text).isEmpty }
      #expect(try b.store.attestations(limit: .max).isEmpty)
      // Proofs of rounds are not this part's to check.
      proof.kind = .twoVotes
      try await peer.send(proof, to: b)
      await world.sleep(500)
      #expect(b.exchange.counters[.proofsReceived] == 2)
    }
  }
}
