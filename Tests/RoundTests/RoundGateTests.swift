import CentramHost
import CentramModel
import CentramPluginAPI
import CentramStore
import CentramWire
import Foundation
import LinkedGate
import Testing

@testable import CentramNode

/// What layers ask for, by interface id.
private struct GateHost: HostServices {
  let services: [String: any Sendable]
  func service(_ id: String) -> (any Sendable)? { services[id] }
  func log(_ level: LogLevel, _ message: String) {}
}

private struct FixedRandom: RandomService {
  func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: 7 + index) } }
}

/// The ten layers' judgement of a step's updates, and lift, on the toy model.
@Suite(.serialized) struct RoundGateTests {
  /// A node with a gate that is to judge the updates of a round.
  private struct Judging {
    let folder: TemporaryFolder, store: GenomeStore, work: AdapterRounds, evaluation: NodeEvaluation?
    let key = RoundWorld.key(0)

    /// - Parameter text: what the node measures on; nil: nothing.
    init(text: String? = nil, settings: GateSettings = GateSettings(), domain: String = "animals") throws {
      folder = try TemporaryFolder()
      store = try GenomeStore(folder: folder("store"))
      let clock = SystemClock(), own = Hexadecimal.text(key.publicKey.bytes)
      var sources = GateServices.Sources(clock: clock, random: FixedRandom())
      var evaluation: NodeEvaluation?
      if let text {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder("held-out.txt")))
        var measuring = EvaluationSettings()
        (measuring.domains, measuring.length, measuring.threads) = (["animals": folder("held-out.txt")], 32, 2)
        evaluation = try NodeEvaluation(store: store, model: RealRoundTests.base, settings: measuring, random: FixedRandom(), now: { clock.unixMilliseconds })
        (sources.evaluation, sources.fitness, sources.behaviour) = (evaluation, evaluation, evaluation)
      }
      let services = try GateServices(store: store, own: own, bases: NodeBases(paths: [], store: store), sources)
      var settings = settings
      settings.policies["gate.behaviour"] = #"{"triggers": 16, "prompts": 4, "collapsed_prompts": 4, "entropy_floor": 0.01, "tau": 10}"#
      let judge = try GenomeJudge(
        store: store, settings: settings, layers: AllTen(services: GateHost(services: services.services)), services: services, clock: clock, own: own)
      let announce = try RealRoundTests.announce { ($0.plan.domain, $0.plan.localSteps, $0.plan.maximumRelativeNorm) = (domain, 30, 0) }
      try Data(RealRoundTests.text(1).utf8).write(to: URL(fileURLWithPath: folder("data.txt")))
      var rounds = AdapterRounds.Settings(base: RealRoundTests.base, data: folder("data.txt"), folder: folder("work"))
      (rounds.gate, rounds.evaluation) = (RoundGate(judge, evaluation: evaluation, key: key), evaluation)
      work = try AdapterRounds(announce, settings: rounds, store: store, now: { clock.unixMilliseconds }, trainer: Linked.trainer, resolve: Linked.resolve)
      self.evaluation = evaluation
    }

    func blob(_ hash: Data) throws -> AdapterBlob { try AdapterBlob(try store.read(Hexadecimal.text(hash)), name: "update") }

    /// An update like another, its B times `scale` and with noise of that share of its size.
    func like(_ hash: Data, scale: Float = 1, noise: Float = 0, seed: UInt64 = 1) throws -> Data {
      let adapter = try blob(hash).adapter
      let modules = try adapter.modules.map { module in
        let (a, b) = try adapter.factors(of: module)
        let size = (b.reduce(0) { $0 + $1 * $1 } / Float(b.count)).squareRoot(), drawn = InitialWeights.normal(b.count, seed: seed, name: module.name)
        let unit = (drawn.reduce(0) { $0 + $1 * $1 } / Float(drawn.count)).squareRoot(), factor = Float(module.scale)
        let changed = zip(b, drawn).map { factor * scale * ($0 + noise * size / unit * $1) }
        return AdapterContents.Module(name: module.name, outputs: module.outputs, inputs: module.inputs, rank: module.rank, a: a, b: changed)
      }
      let place = folder("like-\(UUID().uuidString)")
      var contents = AdapterContents(modules: modules)
      contents.baseModel = "toy"
      try AdapterWriter.write(contents, to: place)
      return Data(Hexadecimal.bytes(try store.put(try AdapterBlob(folder: place).encoded, now: 1).hash.utf8)!)
    }

    func train() async throws -> Data { try await work.train(RoundTraining(step: 1, start: Data(), seed: 7, participant: 0)).hash }

    /// One update of each of some participants.
    func step(_ updates: [Data], start: Data = Data(), domain: String = "animals") -> RoundAggregation {
      let weights = RoundRules.weights(updates.count)
      return RoundAggregation(
        step: 1, start: start,
        parts: updates.enumerated().map { number, hash in
          .init(hash: hash, size: 1, weightBasisPoints: weights[number], from: RoundWorld.key(number + 1).publicKey, domain: domain)
        })
    }
  }

  private func refused(_ refusals: [RoundRefusal]) -> [String] { refusals.map { "\(Hexadecimal.text($0.update.prefix(4))) \($0.layer)" } }

  @Test func anUpdateThatIsBoostedIsRefusedByNormsWithASignedVerdict() async throws {
    let node = try Judging(), honest = try await node.like(node.train(), scale: 0.1), boosted = try node.like(honest, scale: 100)
    let refusals = try await node.work.judge(node.step([honest, boosted]), except: nil)
    try #require(refused(refusals) == ["\(Hexadecimal.text(boosted.prefix(4))) gate.norms"], "\(refusals)")
    #expect(!refusals[0].isLocal && refusals[0].sentence.hasPrefix("gate.norms: the update of "))
    let (verdict, signer) = try #require(refusals[0].verdict).opened(WireVerdict.self, domain: .verdict)
    #expect(signer == node.key.publicKey && verdict.subject == boosted && verdict.layer == "gate.norms" && verdict.outcome == .reject && verdict.measures.isEmpty)
    // A voter does not judge its own.
    let own = try await node.work.judge(node.step([honest, boosted]), except: RoundWorld.key(2).publicKey)
    #expect(own.isEmpty)
    // What is switched off does not judge.
    var open = GateSettings()
    open.disabled = ["gate.norms"]
    let other = try Judging(settings: open), same = try await other.like(other.train(), scale: 10)
    let passed = try await other.work.judge(other.step([same]), except: nil)
    #expect(passed.isEmpty, "\(passed)")
  }

  @Test func anUpdateThatNormsWouldScaleIsRefusedForNobodyScalesInARound() async throws {
    var settings = GateSettings()
    // Wide enough that nothing is too large to be scaled.
    settings.policies["gate.norms"] = #"{"scale_up_to": 100}"#
    let node = try Judging(settings: settings), honest = try await node.like(node.train(), scale: 0.1), large = try node.like(honest, scale: 60)
    let refusals = try await node.work.judge(node.step([honest, large]), except: nil)
    #expect(refused(refusals) == ["\(Hexadecimal.text(large.prefix(4))) gate.norms"], "\(refusals)")
  }

  @Test func anUpdateAgainstTheOthersOfItsStepIsRefusedByConsensusWhereTheyAreFive() async throws {
    let node = try Judging(), first = try await node.like(node.train(), scale: 0.1)
    let others = try (1...5).map { try node.like(first, noise: 0.5, seed: UInt64($0)) }, turned = try node.like(first, scale: -1, noise: 0.5, seed: 9)
    let refusals = try await node.work.judge(node.step(others + [turned]), except: nil)
    #expect(refused(refusals) == ["\(Hexadecimal.text(turned.prefix(4))) gate.consensus"], "\(refusals)")
    // Four others are no cohort, and there is nothing else to compare with: the layer does not judge, and stops nothing.
    let few = try await node.work.judge(node.step(Array(others.prefix(4)) + [turned]), except: nil)
    #expect(few.isEmpty, "\(few)")
    // Others of another domain are no cohort either.
    var mixed = node.step(others + [turned])
    mixed.parts[5].domain = "plants"
    let apart = try await node.work.judge(mixed, except: nil)
    #expect(apart.isEmpty, "\(apart)")
  }

  @Test func aGateThatCannotJudgeRefusesNobodyAndSaysSo() async throws {
    var settings = GateSettings()
    settings.required.append("gate.of-the-operator")
    let node = try Judging(settings: settings), honest = try await node.like(node.train(), scale: 0.1)
    let error = await #expect(throws: RoundError.self) { _ = try await node.work.judge(node.step([honest]), except: nil) }
    #expect(error?.code == .gate && error?.message.contains("gate.of-the-operator") == true)
  }

  @Test func whatHarmsIsRefusedByFitnessAndLiftIsMeasuredAgainstTheStart() async throws {
    let node = try Judging(text: RealRoundTests.text(5, 120)), evaluation = try #require(node.evaluation)
    let trained = try await node.train(), good = try node.like(trained, scale: 0.15), harmful = try node.like(good, scale: -1)
    let refusals = try await node.work.judge(node.step([good, harmful]), except: nil)
    try #require(refused(refusals) == ["\(Hexadecimal.text(harmful.prefix(4))) gate.fitness"], "\(refusals)")
    #expect(refusals[0].isLocal)
    // Both used the hold-out, and each only once, however often the step is judged.
    #expect(try evaluation.state().tests == 2)
    _ = try await node.work.judge(node.step([good]), except: nil)
    let again = try await node.work.judge(node.step([good, harmful]), except: nil)
    let tests = try evaluation.state().tests
    #expect(again.count == 1 && tests <= 3)

    func aggregate(_ update: Data, _ start: Data) async throws -> Data { try await node.work.aggregate(node.step([update], start: start)).hash }
    let up = try await aggregate(good, Data()), down = try await aggregate(harmful, up)
    let gain = try await node.work.lift(up, from: Data()), loss = try await node.work.lift(down, from: up)
    // The second step takes back what the first one gave.
    #expect(gain > 0.01 && abs(gain + loss) < 1e-4, "\(gain) and \(loss) nat a byte")
    // Another base than the one it measures on, or none: no lift.
    let blind = try Judging()
    #expect(try await blind.work.lift(up, from: Data()) == 0)
  }
}
