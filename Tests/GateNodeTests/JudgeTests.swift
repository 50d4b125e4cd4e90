import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import CentramPluginTesting
import CentramStore
import Foundation
import Fuzzing
import GateCorpus
import GateMeasuringCorpus
import LinkedGate
import Synchronization
import Testing

@Suite struct JudgeTests {
  let node: TestNode
  init() throws { node = try TestNode() }

  @Test func anHonestGenomePassesTheTenLayersAndEverythingOfItIsKept() async throws {
    let record = try node.receive(node.next()), judge = try node.judge()
    let report = try await judge.judge(record.id, .inbound)
    #expect(report.isAccepted && report.verdicts.map(\.layer) == GateSettings.standardLayers, "\(report.outcome)")
    let (kept, verdicts, log) = (try node.store.genome(record.id), try node.store.verdicts(of: record.id), try node.store.log(of: record.author))
    #expect(kept.state == .accepted && log == AuthorLog(lastSequence: 1, lastID: record.id))
    #expect(verdicts.map(\.layer) == GateSettings.standardLayers && verdicts.allSatisfy { $0.direction == .inbound && !$0.isIncomplete })
    // Each number that a layer asked to keep is a measure of the genome.
    let entry = try #require(try await StoredLineage(store: node.store).ancestor(record.id))
    let module = node.world.shape.modules[0].name
    #expect(entry.measures["norm.\(module)"] != nil && entry.measures["sigma1.\(module)"] != nil && entry.measures["privacy.epsilon"] != nil, "\(entry.measures.keys.sorted())")
    let services = try node.services()
    let standing = try await StoredAuthors(store: node.store, own: node.library.author, clock: node.clock).standing(ofAuthor: record.author)
    #expect(standing.accepted == 1 && standing.admissions == [node.clock.unixMilliseconds] && standing.influence == 0.25 && standing.branches == 1)
    let known = try await services.sketches.known(base: node.base, except: [], limit: 10)
    #expect(known.map(\.id) == [record.id])
    // New authors count a quarter.
    guard case .accepted(let factor) = report.outcome else { return }
    #expect(factor <= 0.25)
  }

  @Test func aRefusedGenomeKeepsItsVerdictsAndItsAuthorsLogGoesOn() async throws {
    node.settings.policies["gate.norms"] = #"{"rho": 0.0001}"#
    let record = try node.receive(node.next())
    let report = try await node.judge().judge(record.id, .inbound)
    #expect(report.refusingLayer == "gate.norms" && report.undo == nil && !report.isNodesFault)
    let (kept, verdicts, log) = (try node.store.genome(record.id), try node.store.verdicts(of: record.id), try node.store.log(of: record.author))
    #expect(kept.state == .rejected && verdicts.last?.decision == .reject && verdicts.count == 6 && log?.lastSequence == 1)
    // One that fails before its place in the log was looked at moves nothing.
    node.settings.policies = ["gate.format": #"{"rank_limit": 1}"#]
    let other = try node.receive(node.next(2, seed: 8))
    _ = try await node.judge().judge(other.id, .inbound)
    #expect(try node.store.log(of: other.author) == nil)
  }

  @Test func whereSomethingOfTheNodeIsMissingTheGenomeWaitsAndIsJudgedAgain() async throws {
    let evaluation = node.others.removeValue(forKey: "centram.evaluation/1")
    let record = try node.receive(node.next())
    let first = try await node.judge().judge(record.id, .inbound)
    #expect(first.refusingLayer == "gate.fitness" && first.isNodesFault)
    #expect(try node.store.genome(record.id).state == .quarantined)
    node.others["centram.evaluation/1"] = evaluation
    // Two days later: the time of its arrival was judged when it came.
    node.clock.advance(48 * 3_600_000)
    let second = try await node.judge().judge(record.id, .inbound)
    #expect(second.isAccepted && second.verdicts.count == 10, "\(second.outcome)")
    let (state, standing) = (
      try node.store.genome(record.id).state, try await StoredAuthors(store: node.store, own: node.library.author, clock: node.clock).standing(ofAuthor: record.author)
    )
    #expect(state == .accepted && standing.accepted == 1 && standing.admissions.count == 1)
    let verdicts = try node.store.verdicts(of: record.id)
    #expect(verdicts.count { $0.layer == "gate.admission" } == 1 && verdicts.count { $0.layer == "gate.norms" } == 2)
    // What admission scaled by still counts.
    guard case .accepted(let factor) = second.outcome else { return }
    #expect(factor <= 0.25)
  }

  @Test(arguments: [(PluginError.Code.inputOutput, GenomeState.quarantined), (.unavailable, .quarantined), (.invalid, .rejected), (.internalFailure, .rejected)])
  func whatALayerThrowsDecidesWhetherTheGenomeWaits(code: PluginError.Code, state: GenomeState) async throws {
    let layer = ScriptedLayer(11) { (_) throws(PluginError) in throw PluginError(code, "it broke") }
    node.more = [LoadedGateLayer(id: "com.example.gate.throws", version: "1.0.0", layer: layer)]
    let record = try node.receive(node.next()), report = try await node.judge().judge(record.id, .inbound)
    let kept = try node.store.genome(record.id).state
    #expect(kept == state && !report.isAccepted && report.isNodesFault == (state == .quarantined))
  }

  @Test func aMergedGenomeThatHarmsIsForItsUserToTakeBack() async throws {
    let record = try node.receive(node.next())
    _ = try await node.judge().judge(record.id, .inbound)
    node.world.change("centram.fitness/1", FitnessDouble.self) { $0.live = LiveFitness(before: CorpusWorld.losses(0), after: CorpusWorld.losses(-0.05)) }
    node.others["centram.fitness/1"] = node.world.others["centram.fitness/1"]
    let before = try node.store.verdicts(of: record.id).count
    let report = try await node.judge().judge(record.id, .inbound)
    #expect(report.undo == .revert && report.refusingLayer == "gate.fitness", "\(report.outcome)")
    let (state, after) = (try node.store.genome(record.id).state, try node.store.verdicts(of: record.id))
    #expect(state == .accepted && after.count == before + 7 && after.last?.decision == .reject)
    node.others["centram.fitness/1"] = CorpusWorld.measured().others["centram.fitness/1"]
    node.others["centram.behaviour/1"] = BehaviourDouble(state: ShadowState(milliseconds: 3_600_000, requests: 40, faults: 2))
    let shadow = try await node.judge().judge(record.id, .inbound)
    #expect(shadow.undo == .rollBack && shadow.refusingLayer == "gate.behaviour", "\(shadow.outcome)")
  }

  @Test func theFactorSoFarIsToldToTheLayersThatAskForIt() async throws {
    let seen = Mutex<[String]>([])
    node.more = [
      LoadedGateLayer(
        id: "com.example.gate.asks", version: "1.0.0",
        layer: ScriptedLayer(11, parameters: [.init("scale", .number, default: .number(1), limits: 0...1, "factor so far")]) { (candidate) throws(PluginError) in
          seen.withLock { $0.append(candidate.policyJSON) }
          return Verdict(.scale(factor: 0.5, reason: "half"))
        }),
      LoadedGateLayer(
        id: "com.example.gate.silent", version: "1.0.0",
        layer: ScriptedLayer(12) { (candidate) throws(PluginError) in
          seen.withLock { $0.append(candidate.policyJSON) }
          return Verdict(.accept)
        }),
    ]
    let record = try node.receive(node.next())
    let report = try await node.judge().judge(record.id, .inbound)
    let product = report.verdicts.reduce(1.0) { product, verdict in if case .scale(let factor, _) = verdict.decision { product * factor } else { product } }
    #expect(report.outcome == .accepted(factor: product) && product < 0.25, "\(report.outcome)")
    #expect(seen.withLock { $0 } == ["{\"scale\":\(product * 2)}", "{}"])
    node.settings.policies["com.example.gate.asks"] = #"{"scale": 0.5}"#
    let error = #expect(throws: GateError.self) { try node.judge() }
    #expect(error?.code == .settings && error?.message.contains("scale") == true)
  }

  @Test func twoEntriesAtOnePlaceFreezeTheirAuthorAfterBothSignaturesWereChecked() async throws {
    // The other entry lies with a peer: the next one names it.
    let one = node.next(1, seed: 7)
    let record = try node.receive(one)
    _ = try await node.judge().judge(record.id, .inbound)
    var fork = node.world.nextPrivate(1, seed: 8)
    (fork.sequence, fork.previous) = (1, nil)
    let other = fork.sealed()
    var after = node.world.nextPrivate(1, seed: 9)
    (after.sequence, after.previous) = (2, other.id)
    let signed = TestNode.signed(other.manifest, CorpusKey(1).publicKey, other.signature)
    node.fetch = { id in id == other.id ? signed : nil }
    let next = try node.receive(after.sealed())
    let report = try await node.judge().judge(next.id, .inbound)
    #expect(report.refusingLayer == "gate.freshness", "\(report.outcome)")
    let proof = try #require(try node.store.forkProof(of: record.author))
    #expect(proof.sequence == 1 && Set([proof.first.manifest, proof.second.manifest]) == Set([one.manifest, other.manifest]))
    // Nothing more of that author is taken.
    var last = node.world.nextPrivate(1, seed: 10)
    (last.sequence, last.previous) = (3, next.id)
    let error = #expect(throws: GenomePackageError.self) { try node.receive(last.sealed()) }
    #expect(error?.code == .conflict && error?.message.contains("frozen") == true)
  }

  @Test func aLayersWordAloneFreezesNobody() async throws {
    let (one, two) = (try node.receive(node.next(1)), try node.receive(node.next(2, seed: 8)))
    node.more = [
      LoadedGateLayer(
        id: "com.example.gate.liar", version: "1.0.0",
        layer: ScriptedLayer(11) { (_) throws(PluginError) in
          Verdict(.reject(reason: "a lie"), evidence: [.init("fork", "author \(one.author), sequence 1: \(one.id) and \(two.id) or \(String(repeating: "0", count: 64))")])
        })
    ]
    _ = try await node.judge().judge(one.id, .inbound)
    #expect(try node.store.forkProof(of: one.author) == nil)
  }

  @Test func judgementsOfOneGenomeGoOneAfterTheOther() async throws {
    let counts = Mutex((now: 0, most: 0, all: 0))
    node.more = [
      LoadedGateLayer(
        id: "com.example.gate.counts", version: "1.0.0",
        layer: ScriptedLayer(11) { (_) async throws(PluginError) in
          counts.withLock { ($0.now, $0.most, $0.all) = ($0.now + 1, max($0.most, $0.now + 1), $0.all + 1) }
          for _ in 0..<50 { await Task.yield() }
          counts.withLock { $0.now -= 1 }
          return Verdict(.accept)
        })
    ]
    let record = try node.receive(node.next()), judge = try node.judge()
    let outcomes = try await withThrowingTaskGroup(of: GateReport.self) { group in
      for _ in 0..<6 { group.addTask { try await judge.judge(record.id, .inbound) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let seen = counts.withLock { $0 }
    #expect(outcomes.allSatisfy(\.isAccepted) && seen.most == 1 && seen.all == 6)
    let standing = try await StoredAuthors(store: node.store, own: node.library.author, clock: node.clock).standing(ofAuthor: record.author)
    #expect(standing.admissions.count == 1 && standing.accepted == 1)
  }

  @Test func whatIsTakenBackWhileItIsJudgedIsNotAccepted() async throws {
    let other = try TestNode(key: 9)
    let record = try node.receive(node.next()), store = node.store
    let entry = RevocationEntry(scope: .genome, subject: record.id, signer: record.author, signed: [1], timeMilliseconds: 1)
    node.more = [
      LoadedGateLayer(
        id: "com.example.gate.slow", version: "1.0.0",
        layer: ScriptedLayer(11) { (_) throws(PluginError) in
          _ = try? store.revoke(entry)
          return Verdict(.accept)
        })
    ]
    let report = try await node.judge().judge(record.id, .inbound)
    #expect(report.refusingLayer == GenomeStore.revocationLayer, "\(report.outcome)")
    let (state, verdicts) = (try node.store.genome(record.id).state, try node.store.verdicts(of: record.id))
    #expect(state == .revoked && verdicts.last?.layer == GenomeStore.revocationLayer)
    withExtendedLifetime(other) {}
  }

  @Test func aFileIsCheckedWithoutATrace() async throws {
    let genome = node.next(), judge = try node.judge()
    let report = try await judge.check(try GenomeFiles(path: node.folder(genome)), .inbound)
    #expect(report.isAccepted, "\(report.outcome)")
    let (genomes, verdicts) = (try node.store.genomes(), try node.store.verdicts(of: genome.id))
    #expect(genomes.isEmpty && verdicts.isEmpty)
    // One file says the same.
    let archive = node.path + "/one.genome", other = try TestNode(key: 3)
    try other.library.export(try other.receive(genome), to: archive)
    let same = try await judge.check(try GenomeFiles(path: archive), .inbound)
    #expect(same == report)
    // What is no genome at all is the format layer's to name.
    var broken = genome
    broken.weights = Array("PK\u{3}\u{4} an archive".utf8)
    let refused = try await judge.check(try GenomeFiles(path: node.folder(broken)), .inbound)
    #expect(refused.refusingLayer == "gate.format", "\(refused.outcome)")
  }

  @Test func noChangedByteOfAFolderPasses() async throws {
    let fuzz = Fuzz("genome folders", rounds: 120)
    var random = fuzz.random
    let genome = node.next(), judge = try node.judge(), folder = try node.folder(genome, "fuzzed")
    for round in 0..<fuzz.rounds {
      let name = ["manifest", "adapter_config.json", "adapter_model.safetensors"].randomElement(using: &random)!, url = URL(fileURLWithPath: folder + "/" + name)
      let good = try Data(contentsOf: url)
      var bad = good
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bad = good.prefix(Int.random(in: 0..<good.count, using: &random))
      case 1: bad.append(UInt8.random(in: 0...255, using: &random))
      default: bad[Int.random(in: 0..<bad.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      }
      try Data(bad).write(to: url)
      do throws(GenomePackageError) {
        let files = try GenomeFiles(path: folder), report = await Self.check(files, judge)
        #expect(report?.isAccepted != true, "seed \(fuzz.seed), round \(round): \(name)")
      } catch { #expect(!error.message.isEmpty) }
      try good.write(to: url)
    }
  }

  /// Nil where the gate itself failed.
  private static func check(_ files: GenomeFiles, _ judge: GenomeJudge) async -> GateReport? { try? await judge.check(files, .inbound) }

  @Test func anUnknownGenomeIsAnError() async throws {
    let judge = try node.judge()
    let error = await #expect(throws: GateError.self) { try await judge.judge(String(repeating: "a", count: 64), .inbound) }
    #expect(error?.code == .notFound)
  }
}
