import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import Foundation
import GateCorpus
import GateMeasuringCorpus
import Synchronization
import Testing

@Suite struct ServiceTests {
  let node: TestNode
  init() throws { node = try TestNode() }

  private static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Golden/Model/GGUF").path

  @Test func aBaseHasTheNamesAndShapesOfItsFileAndIsFoundByItsHash() async throws {
    let parameters = try await node.bases.parameters(ofBase: node.base)
    #expect(Set(parameters?.map { "\($0.name) \($0.shape)" } ?? []) == Set(node.world.shape.parameters.map { "\($0.name) \($0.shape)" }))
    let unknown = try await node.bases.parameters(ofBase: String(repeating: "0", count: 64))
    #expect(unknown == nil && node.bases.hashes == [node.base] && node.bases.path(ofBase: node.base) == node.path + "/base")
  }

  @Test func whatIsNoModelIsSaidAndPassedOver() async throws {
    let lines = Mutex<[String]>([])
    try Data("{}".utf8).write(to: URL(fileURLWithPath: node.path + "/model.safetensors"))
    let paths = [node.path + "/nothing", node.path + "/model.safetensors", node.path + "/base"]
    let bases = NodeBases(paths: paths, store: node.store) { _, line in lines.withLock { $0.append(line) } }
    #expect(bases.hashes == [node.base] && lines.withLock { $0.count } == 2)
  }

  @Test func aGGUFBaseHasTheParametersOfItsCheckpoint() async throws {
    let paths = ["\(Self.goldens)/llama", "\(Self.goldens)/llama.gguf"]
    let bases = NodeBases(paths: paths, store: node.store)
    let hashes = try paths.map { try BaseModelHash.of($0) }
    let (one, two) = (try await bases.parameters(ofBase: hashes[0]), try await bases.parameters(ofBase: hashes[1]))
    #expect(hashes[0] != hashes[1] && one?.isEmpty == false)
    #expect(Set(one?.map { "\($0.name) \($0.shape)" } ?? []) == Set(two?.map { "\($0.name) \($0.shape)" } ?? []))
  }

  @Test func normsOfABaseAreComputedOnceAndKept() async throws {
    let record = try node.receive(node.next())
    _ = try await node.judge().judge(record.id, .inbound)
    let kept = try #require(try node.store.state("gate.base-norms.\(node.base)"))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(kept)) as? [String: Any]), norms = try #require(object["norms"] as? [String: Double])
    var random = CorpusRandom(99)
    for parameter in node.world.shape.parameters {
      let values = (0..<parameter.shape.reduce(1, *)).map { _ in Double(random.normal() / 8) }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot(), found = norms[String(parameter.name.dropLast(7))] ?? 0
      #expect(abs(norm - found) <= 1e-6 * norm, "\(parameter.name): \(found), not \(norm)")
    }
    // A changed document shows that it is read and not computed again.
    let small = norms.mapValues { _ in 0.001 }
    try node.store.setState([UInt8](try JSONSerialization.data(withJSONObject: ["version": 1, "norms": small])), "gate.base-norms.\(node.base)")
    let other = try TestNode(), again = try node.receive(node.next(2, seed: 8))
    node.others["centram.updates/1"] = RootedUpdates(updates: StoredUpdates(store: node.store, bases: NodeBases(paths: [node.path + "/base"], store: node.store)))
    let report = try await node.judge().judge(again.id, .inbound)
    #expect(report.refusingLayer == "gate.norms", "\(report.outcome)")
    withExtendedLifetime(other) {}
  }

  @Test func branchesOfInvitationsShareTheirBudget() async throws {
    let keys = (1...5).map { CorpusKey($0).hex }, own = node.library.author
    try node.store.invite(keys[0], by: own, now: 1)
    try node.store.invite(keys[1], by: keys[0], now: 1)
    try node.store.invite(keys[2], by: keys[1], now: 1)
    try node.store.invite(keys[3], by: keys[4], now: 1)
    // Nobody moves to another branch later.
    try node.store.invite(keys[2], by: keys[4], now: 2)
    for author in [1, 3, 4] as [UInt64] {
      let record = try node.receive(node.next(author, seed: 10 + author))
      let report = try await node.judge().judge(record.id, .inbound)
      #expect(report.isAccepted, "\(report.outcome)")
    }
    let authors = StoredAuthors(store: node.store, own: own, clock: node.clock)
    let (first, third, fourth, stranger) = (
      try await authors.standing(ofAuthor: keys[0]), try await authors.standing(ofAuthor: keys[2]), try await authors.standing(ofAuthor: keys[3]),
      try await authors.standing(ofAuthor: CorpusKey(77).hex)
    )
    #expect(first.branch == keys[0] && third.branch == keys[0] && fourth.branch.isEmpty && stranger.branch.isEmpty)
    #expect(first.admissions.count == 1 && first.branchAdmissions.count == 2 && third.branchAdmissions.count == 2 && stranger.branchAdmissions.count == 1)
    #expect(first.branchInfluence == 0.5 && first.influence == 0.75 && first.branches == 2 && stranger.accepted == 0)
    // A circle of invitations leads nowhere, and ends.
    try node.store.invite(CorpusKey(8).hex, by: CorpusKey(9).hex, now: 1)
    try node.store.invite(CorpusKey(9).hex, by: CorpusKey(8).hex, now: 1)
    #expect(try node.store.branch(of: CorpusKey(8).hex, below: own).isEmpty)
  }

  @Test func anAncestorFromPeersIsKeptWhenItsSignatureHolds() async throws {
    let parent = node.world.nextPrivate(2, seed: 30).sealed(), key = CorpusKey(2).publicKey
    let good = TestNode.signed(parent.manifest, key, parent.signature)
    var forged = parent.signature
    forged[3] ^= 1
    for (bytes, isTaken) in [(nil, false), ([1, 2, 3], false), (TestNode.signed(parent.manifest, key, forged), false), (good, true)] as [([UInt8]?, Bool)] {
      let ancestry = NodeAncestry(store: node.store, clock: node.clock, fetch: { _ in bytes })
      let (entry, other) = (try await ancestry.fetch(parent.id), try await ancestry.fetch(String(repeating: "1", count: 64)))
      #expect((entry?.id == parent.id) == isTaken && other == nil)
    }
    let failing = NodeAncestry(store: node.store, clock: node.clock, fetch: { _ in throw PluginError(.unavailable, "no peer") })
    let none = try await failing.fetch(parent.id)
    let (record, stored) = (try node.store.genome(parent.id), try await StoredLineage(store: node.store).ancestor(parent.id))
    #expect(none == nil && record.state == .received && !node.store.hasFiles(record) && stored?.id == parent.id)
  }

  @Test func aChildOfAnUnknownParentWaitsUntilAPeerHasIt() async throws {
    let parent = node.next(2, seed: 31)
    var draft = node.world.nextPrivate(1, seed: 32)
    (draft.parents, draft.generation) = ([.init(id: parent.id, weight: 10_000)], 1)
    let child = try node.receive(draft.sealed())
    let first = try await node.judge().judge(child.id, .inbound)
    #expect(first.outcome == .quarantined(layer: "gate.lineage", reason: "its ancestor \(parent.id.prefix(12))… is not known"), "\(first.outcome)")
    let bytes = TestNode.signed(parent.manifest, CorpusKey(2).publicKey, parent.signature)
    node.fetch = { _ in bytes }
    let second = try await node.judge().judge(child.id, .inbound)
    #expect(second.isAccepted, "\(second.outcome)")
  }

  @Test func theSecretOfSketchesStaysTheSame() throws {
    let (one, two) = (try node.services().sketches.key, try node.services().sketches.key)
    #expect(one == two && one.count == 32 && Set(one).count > 4)
    let other = try TestNode().services().sketches.key
    #expect(other != one)
  }

  @Test func aCopyOfAnAcceptedGenomeIsFound() async throws {
    let first = node.next(1, seed: 40), record = try node.receive(first)
    _ = try await node.judge().judge(record.id, .inbound)
    var copy = node.world.nextPrivate(2, seed: 40)
    // The same update with the factors scaled against each other.
    let factors = node.world.shape.factors(seed: 40).map { it -> CorpusShape.Factors in
      var it = it
      (it.a, it.b) = (it.a.map { $0 * 2 }, it.b.map { $0 / 2 })
      return it
    }
    copy.weights = node.world.shape.weights(factors)
    let other = try node.receive(copy.sealed())
    let report = try await node.judge().judge(other.id, .inbound)
    #expect(report.refusingLayer == "gate.admission", "\(report.outcome)")
  }

  @Test func aCohortIsOfWhatAdmissionLetInOneAnAuthorNewestFirst() async throws {
    let updates = StoredUpdates(store: node.store, bases: node.bases)
    var ids: [String] = []
    for (author, seed) in [(1, 50), (1, 51), (2, 52), (3, 53)] as [(UInt64, UInt64)] {
      node.clock.advance(600_000)
      let record = try node.receive(node.next(author, seed: seed))
      ids.append(record.id)
      // The last one is only here.
      if author != 3 { _ = try await node.judge().judge(record.id, .inbound) }
    }
    let candidate = try node.receive(node.next(4, seed: 54))
    let hash = bytes(candidate.id)
    let cohort = try await updates.cohort(domain: CorpusWorld.corpusDomain, beside: hash, limit: 10)
    #expect(cohort.map { Hexadecimal.text($0.contentHash) } == [ids[2], ids[1]])
    let (one, none) = (
      try await updates.cohort(domain: CorpusWorld.corpusDomain, beside: hash, limit: 1), try await updates.cohort(domain: "code.swift", beside: hash, limit: 10)
    )
    #expect(one.count == 1 && none.isEmpty)
    // Not its author's own.
    let second = try await updates.cohort(domain: CorpusWorld.corpusDomain, beside: bytes(ids[0]), limit: 10)
    #expect(second.map { Hexadecimal.text($0.contentHash) } == [ids[2]])
    let modules = try await updates.modules(of: cohort[0]), module = try await updates.module(modules[0], of: cohort[0])
    let factors = node.world.shape.factors(seed: 52)[0], missing = try await updates.module("model.nothing", of: cohort[0])
    #expect(modules.count == node.world.shape.modules.count && missing == nil)
    let named = try await updates.module(factors.module.name, of: cohort[0])
    #expect(named?.factors.a == factors.a && named?.factors.b == factors.b && named?.scale == 2 && module != nil)
  }
}
