import CentramHost
import CentramPluginAPI
import CentramStore
import CentramWire
import Foundation
import Testing
import Trainers_DPLora

@testable import CentramNode

/// Rounds that ask for private training: records go with updates, and the account is charged before they leave.
@Suite(.serialized) struct PrivateRoundTests {
  @Test func recordsGoWithUpdatesAndWhoHasNoneLeaves() throws {
    let announce = RoundWorld.announce(participants: 2...3) { $0.plan.maximumEpsilon = 1 }
    var world = try RoundWorld(seed: 1, participants: 3, announce: announce)
    // The third trains without privacy.
    world.isPrivate = { $0 < 3 }
    world.run()
    #expect((0...2).allSatisfy { world.ended[$0]?.result?.isLast == true } && world.proofs.isEmpty, "\(world.ended) \(world.acknowledgements.map(\.message.message))")
    #expect(world.ended[3]?.message.contains("no privacy record") == true)
    #expect(world.acknowledgements.filter { $0.message.outcome == .taken }.count >= 4)
    // Without budget nobody joins.
    let error = #expect(throws: RoundError.self) { try RoundParticipant(announce, offer: RoundWorld.offer, key: RoundWorld.key(1), now: RoundWorld.begin) }
    #expect(error?.code == .configuration && error?.message.contains("nothing is left") == true)
  }

  private struct Identified: HostServices {
    let identity: NodeIdentity
    func service(_ id: String) -> (any Sendable)? { id == "centram.clock/1" ? SystemClock() : id == "centram.identity/1" ? identity : nil }
    func log(_ level: LogLevel, _ message: String) {}
  }

  /// A node that trains privately.
  private struct Node {
    let folder: TemporaryFolder, store: GenomeStore, privacy: RoundPrivacy, work: AdapterRounds

    init(_ number: UInt8, limit: Double, signs: Bool = true, _ change: (inout WireRoundPlan) -> Void = { _ in }) throws {
      folder = try TemporaryFolder()
      store = try GenomeStore(folder: folder("store"))
      let identity = NodeIdentity(seed: [UInt8](repeating: number, count: 32)), signer = signs ? identity : NodeIdentity(seed: [UInt8](repeating: 99, count: 32))
      privacy = RoundPrivacy(GenomeLibrary(store: store, identity: identity, now: { 1 }), limit: limit, random: SystemRandom())
      let announce = try RealRoundTests.announce { announce in
        (announce.plan.trainer.id, announce.plan.localSteps, announce.plan.maximumEpsilon, announce.plan.maximumRelativeNorm) = (RoundPrivacy.trainer, 2, 4, 0)
        announce.plan.trainerParameters = #"{"rank": 2, "batch": 4, "length": 33, "clip_norm": "1", "validate_every": 0}"#
        change(&announce.plan)
      }
      try Data(RealRoundTests.text(1).utf8).write(to: URL(fileURLWithPath: folder("data.txt")))
      var settings = AdapterRounds.Settings(base: RealRoundTests.base, data: folder("data.txt"), folder: folder("work"))
      settings.privacy = privacy
      work = try AdapterRounds(
        announce, settings: settings, store: store, now: { 1_800_000_000_000 },
        trainer: { id, version in
          guard id == RoundPrivacy.trainer, version == "1.0.0", let box = Trainers_DPLora.centramPluginDescriptor().pointee.get_interface("centram.swift/1"),
            case .trainer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability
          else { throw PluginError(.unavailable, "no \(id) \(version)") }
          return try make(PluginEnvironment(services: Identified(identity: signer)))
        }, resolve: Linked.resolve)
    }

    func train(_ step: UInt32 = 1) async throws -> LocalResult { try await work.train(RoundTraining(step: step, start: Data(), seed: UInt64(step), participant: 0)) }
  }

  @Test func theAccountIsChargedBeforeAnUpdateLeavesAndOnlyOnce() async throws {
    let node = try Node(3, limit: 8), made = try await node.train(), record = try #require(made.privacy)
    #expect(record.genome == made.hash && record.steps == 2 && record.epsilon > 0 && record.epsilon <= 4 && record.lifetimeEpsilon >= record.epsilon)
    // Both steps of the round together keep the plan's ε.
    #expect(PrivacyCheck(plan: node.work.announce.plan).refusal(record, of: made.hash) == nil)
    let left = try node.store.trainingsThatLeft()
    #expect(left.map(\.genome) == [Hexadecimal.text(made.hash)] && left[0].account?.noiseMultiplier == record.noiseMultiplier && left[0].account?.isAFrozen == true)
    // After a kill the same steps are taken again: the same update, counted once.
    let again = try await node.train()
    #expect(try again.hash == made.hash && again.privacy == record && node.store.trainingsThatLeft().count == 1)
    let rest = try await node.privacy.remaining()
    #expect(rest > 0 && rest < 8)
    // The next step adds to it.
    let next = try await node.train(2)
    let more = try await node.privacy.remaining()
    #expect(try next.privacy!.lifetimeEpsilon > record.lifetimeEpsilon && more < rest && node.store.trainingsThatLeft().count == 2)
  }

  @Test func noiseComesFromASecretThatOthersDoNotHave() async throws {
    let one = try await Node(3, limit: 8).train(), other = try await Node(4, limit: 8).train()
    // The same public seed and the same data.
    #expect(one.hash != other.hash)
    let node = try Node(5, limit: 8), first = try node.privacy.seed(7), same = try node.privacy.seed(7), next = try node.privacy.seed(8)
    #expect(first == same && first != next && first != 7)
  }

  private func code(_ body: () async throws -> LocalResult) async -> RoundError? {
    do {
      _ = try await body()
      return nil
    } catch { return error as? RoundError }
  }

  @Test func withoutBudgetOrRecordNothingLeaves() async throws {
    let poor = try Node(3, limit: 0.5), refused = await code { try await poor.train() }
    #expect(refused?.code == .privacy && refused?.message.contains("gate.privacy allows 0.5") == true, "\(String(describing: refused))")
    #expect(try poor.store.trainingsThatLeft().isEmpty)
    // A record that another key signed shows nothing.
    let foreign = try Node(3, limit: 8, signs: false), unsigned = await code { try await foreign.train() }
    #expect(unsigned?.code == .privacy && unsigned?.message.contains("this node's key signed") == true)
    #expect(try foreign.store.trainingsThatLeft().isEmpty)
  }

  @Test func aPlanThatCannotBeKeptPrivateIsNamed() throws {
    func sentence(_ parameters: String, trainer: String = RoundPrivacy.trainer) throws -> String? {
      var plan = WireRoundPlan()
      (plan.maximumEpsilon, plan.trainer.id, plan.trainerParameters) = (4, trainer, parameters)
      do throws(RoundError) {
        try RoundPrivacy.check(plan, try AdapterRounds.parameters(of: plan))
        return nil
      } catch { return error.message }
    }
    #expect(try sentence(#"{"clip_norm": "0.5"}"#) == nil)
    for (parameters, words) in [
      (#"{}"#, "no clip_norm in digits"), (#"{"clip_norm": "median"}"#, "no clip_norm in digits"), (#"{"clip_norm": "0"}"#, "no clip_norm in digits"),
      (#"{"clip_norm": "1", "epsilon": 3}"#, "give epsilon"), (#"{"clip_norm": "1", "noise_multiplier": 3}"#, "give noise_multiplier"),
    ] { #expect(try sentence(parameters)?.contains(words) == true, "\(parameters)") }
    #expect(try sentence(#"{"clip_norm": "1"}"#, trainer: "trainer.lora")?.contains("private rounds train with trainer.dp-lora") == true)
    // No more than a round that asks for nothing.
    var open = WireRoundPlan()
    open.trainer.id = "trainer.lora"
    try RoundPrivacy.check(open, [:])
  }
}
