import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// Whole rounds over random orders, losses, delays, duplicates and crashes. `CENTRAM_FUZZ_ROUNDS` asks for more seeds.
@Suite struct RoundPropertyTests {
  static let seeds = 1...(UInt64(ProcessInfo.processInfo.environment["CENTRAM_FUZZ_ROUNDS"] ?? "") ?? 16)

  @Test func aQuietNetworkFinishesEveryStepWithOneResult() throws {
    var world = try RoundWorld(seed: 1, participants: 3, announce: RoundWorld.announce(participants: 3...3, outerSteps: 3))
    world.run()
    #expect(world.finals.keys.sorted() == [1, 2, 3])
    for (step, results) in world.finals { #expect(results.count == 4 && Set(results.values).count == 1, "step \(step)") }
    #expect(world.ended.count == 4 && world.ended.values.allSatisfy { $0.result?.isLast == true })
    #expect(world.proofs.isEmpty && world.trainings == 9)
  }

  @Test func noTwoHonestNodesHoldDifferentFinalsWhateverIsLostDoubledOrKilled() throws {
    var finished = 0
    for seed in Self.seeds {
      var random = SeededRandom(seed)
      let participants = Int.random(in: 2...5, using: &random)
      var faults = RoundWorld.Faults(delay: 1...UInt64.random(in: 10...4_000, using: &random))
      (faults.loss, faults.duplication, faults.crash) = (
        Double.random(in: 0...0.3, using: &random), Double.random(in: 0...0.3, using: &random), Double.random(in: 0...0.01, using: &random)
      )
      var world = try RoundWorld(
        seed: seed, participants: participants, announce: RoundWorld.announce(participants: 2...UInt32(participants), quorum: 6_000), faults: faults)
      world.run()
      #expect(world.disagreements.isEmpty, "seed \(seed): steps \(world.disagreements)")
      #expect(world.commitments.values.allSatisfy { $0.count == 1 }, "seed \(seed): a second commitment")
      #expect(world.votes.values.allSatisfy { $0.count == 1 }, "seed \(seed): a second vote")
      #expect(world.proofs.isEmpty, "seed \(seed): an honest node is accused of \(world.proofs.map(\.proof.message))")
      finished += world.ended[0]?.result?.isLast == true ? 1 : 0
    }
    #expect(finished > Self.seeds.count / 2, "\(finished) of \(Self.seeds.count) rounds came to their end")
  }

  @Test func whereFaultsEndTheRoundDoes() throws {
    for seed in Self.seeds {
      var faults = RoundWorld.Faults(delay: 1...500)
      (faults.loss, faults.duplication, faults.crash, faults.until) = (0.3, 0.2, 0.01, RoundWorld.begin + 30_000)
      let announce = RoundWorld.announce(participants: 3...3) { ($0.joinByMs, $0.stepMs, $0.revealMs, $0.voteMs) = (RoundWorld.begin + 60_000, 60_000, 60_000, 60_000) }
      var world = try RoundWorld(seed: seed, participants: 3, announce: announce, faults: faults)
      world.run()
      #expect((0...3).allSatisfy { world.ended[$0]?.result?.isLast == true }, "seed \(seed): \(world.ended)")
      #expect(world.disagreements.isEmpty && world.finals[2]?.count == 4, "seed \(seed)")
    }
  }

  @Test func aParticipantWhoVanishesDoesNotStopTheRoundWhileTheMinimumIsThere() throws {
    for seed in Self.seeds {
      var random = SeededRandom(seed)
      var world = try RoundWorld(seed: seed, participants: 4, announce: RoundWorld.announce(participants: 3...4, quorum: 7_500))
      world.run(milliseconds: UInt64.random(in: 1...3_000, using: &random))
      world.nodes[4].hasVanished = true
      world.run()
      #expect(world.ended[0]?.result?.isLast == true && world.disagreements.isEmpty, "seed \(seed): \(world.ended[0]?.message ?? "not ended")")
    }
  }

  @Test func aParticipantWhoLeavesWhileOthersTrainDoesNotStopTheRound() throws {
    for seed in Self.seeds {
      // Updates may be shown for less time than the local steps have.
      let announce = RoundWorld.announce(participants: 3...4, quorum: 7_500) { $0.revealMs = 5_000 }
      var world = try RoundWorld(seed: seed, participants: 4, announce: announce)
      world.nodes[4].intercept = { effect, _ in
        guard case .train(let work) = effect, work.step == 1 else { return [effect] }
        var message = WireRoundAbort()
        (message.round, message.outerStep, message.reason) = (announce.round, 1, .leaving)
        return [.send(.abort(message), to: RoundWorld.key(0).publicKey)]
      }
      world.run(milliseconds: 300_000)
      #expect((0...3).allSatisfy { world.ended[$0]?.result?.isLast == true } && world.disagreements.isEmpty, "seed \(seed): \(world.ended)")
    }
  }

  @Test func belowTheMinimumTheRoundIsGivenUp() throws {
    var world = try RoundWorld(seed: 1, participants: 3, announce: RoundWorld.announce(participants: 3...3))
    world.trainingTime = { $0 == 3 ? 1_000_000 : 500 }
    world.run()
    #expect(world.ended[0]?.reason == .tooFew && world.finals.isEmpty)
    #expect((1...3).allSatisfy { world.ended[$0] != nil })
  }
}
