import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import GateLayers_Behaviour
import GateLayers_Fitness
import Testing

/// The services that gate layers ask, over the real toy.
@Suite struct ServiceTests {
  @Test func lossesOfTheModelInUseCostOnceAndThoseOfScaleZeroAreTheSame() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    let record = try node.accepted(world.adapter("c"), domain: "c"), hash = contentHash(of: record)
    #expect(evaluation.domains == ["c", "prose", "swift"] && evaluation.base == world.baseHash)
    let first = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    #expect(first.count == 48 && evaluation.forwardPasses == 48 && first.allSatisfy { (1...8).contains($0) })
    let again = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    #expect(again == first && evaluation.forwardPasses == 48)
    let zero = try await evaluation.losses(domain: "c", candidateHash: hash, scale: 0)
    #expect(zero == first && evaluation.forwardPasses == 48)
    let whole = try await evaluation.losses(domain: "c", candidateHash: hash, scale: 1)
    #expect(whole != first && evaluation.forwardPasses == 96)
    let (bytes, prose) = (try await evaluation.bytesPerToken(domain: "c"), try await evaluation.losses(domain: "prose", candidateHash: nil, scale: 0))
    #expect(bytes == 1 && prose != first)
    await #expect(throws: PluginError.self) { try await evaluation.losses(domain: "poems", candidateHash: nil, scale: 0) }
    await #expect(throws: PluginError.self) { try await evaluation.losses(domain: "c", candidateHash: [UInt8](repeating: 1, count: 32), scale: 1) }
  }

  @Test func resultsDoNotDependOnThreads() async throws {
    let world = try await World.shared.value, node = try TestNode(world)
    let hash = contentHash(of: try node.accepted(world.adapter("c"), domain: "c"))
    var found: [[Double]] = []
    for threads in [1, 3] {
      var settings = world.settings
      settings.threads = threads
      let evaluation = try node.evaluation(settings)
      found.append(try await evaluation.losses(domain: "swift", candidateHash: hash, scale: 0.5))
      found.append(try await evaluation.divergences(domain: "swift", candidateHash: hash, scale: 0.5))
      found.append(try await evaluation.sweep(candidateHash: hash, scale: 1, triggers: 16, prompts: 4, seed: 3).flatMap { $0.base + $0.candidate })
    }
    #expect(found[0] == found[3] && found[1] == found[4] && found[2] == found[5])
    #expect(found[1].count == 12 && found[1].allSatisfy { $0 > 0 && $0 < 1 })
  }

  @Test func theLayersFindALiftInAnHonestAdapterAndRefuseItsOpposite() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    let honest = try node.accepted(world.adapter("all"), domain: "swift")
    try Hostile.negated(world.adapter("all"), by: 2, to: node.folder("hostile"))
    let hostile = try node.accepted(node.folder("hostile"), domain: "swift", key: 3)
    let start = ContinuousClock.now
    let (one, two) = (try await node.judge(honest, evaluation), try await node.judge(hostile, evaluation))
    print("two judgements of fitness and behaviour took \(ContinuousClock.now - start), \(evaluation.forwardPasses) forward passes")
    let bounds = [one, two].map { judged in judged.fitness.evidence.first { $0.name == "measure.lift.lower" }.flatMap { Double($0.value) } ?? .nan }
    #expect(bounds[0] > 0 && bounds[1] < 0 && one.behaviour.isTaken, "\(one)")
    #expect(!two.fitness.isTaken, "\(two)")
    // A random update of the same norms is what the honest one has to beat, and it does.
    let hash = contentHash(of: honest)
    let random = try await evaluation.randomUpdateLosses(domain: "swift", candidateHash: hash, scale: 1, seed: 5)
    let again = try await evaluation.randomUpdateLosses(domain: "swift", candidateHash: hash, scale: 1, seed: 6)
    let trained = try await evaluation.losses(domain: "swift", candidateHash: hash, scale: 1)
    let (sum, randomSum) = (trained.reduce(0, +), random.reduce(0, +))
    #expect(random != again && sum < randomSum && random.count == 48)
    let text = try await evaluation.randomTextLosses(candidateHash: nil, scale: 0, count: 50, seed: 1)
    let other = try await evaluation.randomTextLosses(candidateHash: hash, scale: 1, count: 50, seed: 1)
    let textSum = text.reduce(0, +)
    // Each sequence is a draw of its own, and another seed draws others.
    let redrawn = try await evaluation.randomTextLosses(candidateHash: nil, scale: 0, count: 50, seed: 2)
    #expect(Set(text).count == 50 && Set(redrawn).isDisjoint(with: text))
    #expect(text.count == 50 && other.count == 50 && text != other && textSum > 150)
  }

  @Test func aJudgementCountsATestRemembersTheScoreAndReplacesAQuarterInTime() async throws {
    let world = try await World.shared.value, node = try TestNode(world)
    var settings = world.settings
    settings.tests = 2
    let evaluation = try node.evaluation(settings)
    let record = try node.accepted(world.adapter("all"), domain: "c")
    func report(_ evidence: [Verdict.Evidence]) -> GateReport {
      let verdict = GateVerdict(
        contentHash: record.id, direction: .inbound, layer: "gate.fitness", version: "1.0.0", decision: .accept, evidence: evidence, decidedMilliseconds: 1)
      return GateReport(contentHash: record.id, direction: .inbound, outcome: .accepted(factor: 1), verdicts: [verdict], warning: nil)
    }
    let before = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    try evaluation.didJudge(report([]))
    let untouched = try await evaluation.holdOut(author: record.author)
    #expect(untouched == HoldOutState(released: 0, testsSinceRefresh: 0))
    try evaluation.didJudge(report([.init("measure.ladder.released", "0.012")]))
    let one = try await evaluation.holdOut(author: record.author), stranger = try await evaluation.holdOut(author: "ab")
    #expect(one == HoldOutState(released: 0.012, testsSinceRefresh: 1) && stranger == HoldOutState(released: 0, testsSinceRefresh: 1))
    // Another process of the same node goes on from there, and knows the same secret.
    let other = try node.evaluation(settings), same = try await other.losses(domain: "c", candidateHash: nil, scale: 0)
    #expect(same == before)
    try other.didJudge(report([.init("measure.ladder.released", "0.014")]))
    let two = try await evaluation.holdOut(author: record.author), after = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    #expect(two == HoldOutState(released: 0.014, testsSinceRefresh: 0) && after.prefix(36) == before.suffix(36) && after.suffix(12) != before.prefix(12))
    // Every author's score was of the former model.
    _ = try await node.evolution(evaluation).step()
    let state = try EvolutionState.current(in: node.store), reset = try await evaluation.holdOut(author: record.author)
    #expect(state.history.count == 1 && reset.released == 0)
  }

  @Test func liveRequestsAndTheShadowAreThoseOfMergedGenomes() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    let record = try node.accepted(world.adapter("all"), domain: "swift"), hash = contentHash(of: record)
    let (live, shadow) = (try await evaluation.live(contentHash: hash), try await evaluation.shadow(contentHash: hash))
    #expect(live == nil && shadow == nil)
    let early = await refusal { try Evolution.recordLive(record.id, before: 1, after: 1, in: node.store) }
    #expect(early?.message.contains("not merged") == true)
    let evolution = node.evolution(evaluation) { $0.shadowRequests = 60 }
    _ = try await evolution.step()
    let entry = try #require(try EvolutionState.current(in: node.store).history.last)
    #expect(!entry.isProved)
    let text = try String(contentsOfFile: world.holdOut("swift"), encoding: .utf8)
    let requests = try node.requests(), pieces = (0..<60).map { String(text.dropFirst($0 * 128).prefix(128)) }
    let count = try pieces.reduce(0) { $0 + (try requests.record($1)) }
    node.clock.advance(hours: 1)
    let (some, running) = (try await evaluation.live(contentHash: hash), try await evaluation.shadow(contentHash: hash))
    #expect(count == 60 && some?.before.count == 60 && some?.after.count == 60)
    #expect(running == ShadowState(milliseconds: 3_600_000, requests: 60, faults: 0))
    let gone = try evolution.checkShadow(), proved = try EvolutionState.current(in: node.store).history.map(\.isProved)
    #expect(gone.isEmpty && proved == [true])
  }
}

func contentHash(of record: GenomeRecord) -> [UInt8] { Hexadecimal.bytes(record.id) ?? [] }

/// What two layers said.
struct Judged: CustomStringConvertible {
  var fitness: Verdict, behaviour: Verdict
  var description: String { "\(fitness)\n\(behaviour)" }
}

extension Verdict {
  var isTaken: Bool {
    switch decision {
    case .accept, .scale: true
    default: false
    }
  }
}

extension TestNode {
  /// Runs layers 9 and 10 on a genome.
  func judge(_ record: GenomeRecord, _ evaluation: NodeEvaluation, behaviour policy: String = "{}") async throws -> Judged {
    let services = Services(evaluation: evaluation)
    // A full delta has no configuration.
    let contents = try record.files.map { try store.read($0.hash) }, weights = contents[contents.count - 1], configuration = contents.count > 1 ? contents[0] : []
    let hash = contentHash(of: record)
    func verdict(_ descriptor: UnsafePointer<centram_descriptor_t>, _ policy: String) async throws -> Verdict {
      guard let box = descriptor.pointee.get_interface("centram.swift/1"),
        case .gateLayer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability
      else { preconditionFailure("no layer") }
      let layer = try make(PluginEnvironment(services: services))
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: weights.count, alignment: 64)
      defer { copy.deallocate() }
      copy.copyBytes(from: weights)
      return try await layer.judge(
        GenomeCandidate(
          direction: .inbound, contentHash: hash, manifest: record.manifest, manifestSignature: record.signature, adapterConfiguration: configuration,
          weights: UnsafeRawBufferPointer(copy), policyJSON: policy))
    }
    return Judged(
      fitness: try await verdict(GateLayers_Fitness.centramPluginDescriptor(), "{}"), behaviour: try await verdict(GateLayers_Behaviour.centramPluginDescriptor(), policy))
  }
}

private struct Services: HostServices {
  let evaluation: NodeEvaluation
  func service(_ id: String) -> (any Sendable)? { ["centram.evaluation/1", "centram.fitness/1", "centram.behaviour/1"].contains(id) ? evaluation : nil }
  func log(_ level: LogLevel, _ message: String) {}
}
