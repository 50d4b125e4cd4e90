import CentramWire
import Foundation
import Fuzzing
import Synchronization
import Testing

@testable import CentramNode

/// Frames that are mutated, signed by others than said them first, or come when nobody expects them.
@Suite struct RoundFuzzTests {
  /// What was sent, at most so many.
  final class Heard: Sendable {
    private let frames = Mutex<[Frame]>([])
    var all: [Frame] { frames.withLock { $0 } }
    func add(_ frame: Frame) { frames.withLock { if $0.count < 2_000 { $0.append(frame) } } }
  }

  /// A world whose nodes are all listened to.
  private static func world(_ seed: UInt64, _ announce: WireRoundAnnounce, hostile: Set<Int>, _ heard: Heard) throws -> RoundWorld {
    var world = try RoundWorld(seed: seed, participants: 5, announce: announce, faults: .init(delay: 1...300))
    for number in world.nodes.indices {
      let key = world.nodes[number].key
      world.nodes[number].isHonest = !hostile.contains(number)
      world.nodes[number].intercept = { effect, _ in
        switch effect {
        case .announce(let frame), .publish(let frame, _): heard.add(frame)
        case .send(let message, _): heard.add(RoundWorld.frame(message.wire, by: key, RoundWorld.begin))
        default: break
        }
        return [effect]
      }
    }
    return world
  }

  /// One frame that a hostile node sends: as somebody said it, or changed and signed anew.
  private static func frame(_ heard: [Frame], _ keys: [SigningKey], _ mutator: FrameMutator, _ random: inout FuzzGenerator, now: UInt64) -> Frame? {
    guard let frame = heard.randomElement(using: &random), let key = keys.randomElement(using: &random) else { return nil }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return frame
    case 1: return FrameMutator.frame(frame.type, frame.payload, by: key, now: now)
    case 2: return FrameMutator.frame(heard.randomElement(using: &random)!.type, frame.payload, by: key, now: now)
    default: return FrameMutator.frame(frame.type, mutator.mutated(frame.payload, &random), by: key, now: now)
    }
  }

  /// Sends `count` frames in each slice of the round's time.
  private static func disturb(_ world: inout RoundWorld, _ heard: Heard, by keys: [SigningKey], _ random: inout FuzzGenerator, count: Int) {
    var mutator = FrameMutator(), known = 0
    for _ in 0..<60 where world.ended.count < world.nodes.count {
      let all = heard.all
      for frame in all.dropFirst(known) { mutator.learn(frame.payload) }
      known = all.count
      for _ in 0..<count {
        guard let frame = Self.frame(all, keys, mutator, &random, now: world.now) else { continue }
        world.schedule(Int.random(in: world.nodes.indices, using: &random), .frame(frame), in: UInt64.random(in: 1...400, using: &random))
      }
      world.run(milliseconds: 200)
    }
    world.run(milliseconds: 200_000)
  }

  /// What holds of a node whatever it was sent.
  private static func check(_ world: RoundWorld, seed: UInt64) {
    let honest = world.nodes.filter(\.isHonest), keys = Set(honest.map { Data($0.key.publicKey.bytes) })
    #expect(world.disagreements.isEmpty, "seed \(seed): steps \(world.disagreements)")
    for node in honest {
      #expect(world.commitments.filter { $0.key.hasPrefix("\(node.number)/") }.allSatisfy { $0.value.count == 1 }, "seed \(seed): a second commitment of \(node.number)")
      #expect(world.votes.filter { $0.key.hasPrefix("\(node.number)/") }.allSatisfy { $0.value.count == 1 }, "seed \(seed): a second vote of \(node.number)")
      #expect(node.kept.count < 1 << 20, "seed \(seed): \(node.kept.count) bytes are kept")
      switch node.machine {
      case .coordinator(let machine): #expect(machine.said.count <= 3 * world.nodes.count && machine.checking.count <= world.nodes.count, "seed \(seed)")
      case .participant(let machine):
        // Of each node what it says in a step, and of the coordinator the beginning of the next.
        #expect(machine.said.count <= 5 * world.nodes.count + 1 && machine.commits.count <= 5 && machine.shown.count <= 5, "seed \(seed)")
      case nil: Issue.record("seed \(seed): node \(node.number) has no state")
      }
    }
    let accused = world.proofs.filter { proof in world.nodes[proof.by].isHonest && keys.contains(proof.proof.accused) }
    #expect(accused.isEmpty, "seed \(seed): an honest node is accused of \(accused.map(\.proof.message))")
    #expect(world.mostEffects <= 8 * world.nodes.count, "seed \(seed): \(world.mostEffects) effects of one event")
  }

  @Test func hostileFramesOfACoordinatorAndTwoParticipantsMakeNoTwoFinals() throws {
    // Of five with a quorum of four, two may be dishonest whatever the coordinator does.
    let fuzz = Fuzz("hostile frames of everybody", rounds: 12)
    for seed in (0..<UInt64(fuzz.rounds)).map({ fuzz.seed &+ $0 }) {
      let heard = Heard()
      var random = FuzzGenerator(seed)
      var world = try Self.world(seed, RoundWorld.announce(participants: 5...5, outerSteps: 2, quorum: 8_000), hostile: [0, 4, 5], heard)
      Self.disturb(&world, heard, by: [0, 4, 5, 9].map(RoundWorld.key), &random, count: 30)
      Self.check(world, seed: seed)
    }
  }

  @Test func hostileFramesOfParticipantsAndStrangersDoNotStopARound() throws {
    let fuzz = Fuzz("hostile frames of participants", rounds: 12)
    for seed in (0..<UInt64(fuzz.rounds)).map({ fuzz.seed &+ $0 }) {
      let heard = Heard()
      var random = FuzzGenerator(seed)
      var world = try Self.world(seed, RoundWorld.announce(participants: 3...5, outerSteps: 2, quorum: 6_000), hostile: [4, 5], heard)
      // All five are in before anybody is hostile.
      while case .coordinator(let machine)? = world.nodes[0].machine, machine.record.phase == .joining { world.run(milliseconds: 20) }
      Self.disturb(&world, heard, by: [4, 5, 9].map(RoundWorld.key), &random, count: 30)
      Self.check(world, seed: seed)
      #expect([0, 1, 2, 3].allSatisfy { world.ended[$0]?.result?.isLast == true }, "seed \(seed): \(world.ended)")
    }
  }

  @Test func aCoordinatorThatNamesThousandsOfStepsFillsNoMemory() throws {
    let announce = RoundWorld.announce(participants: 1...1, outerSteps: 100_000)
    var participant = try RoundParticipant(announce, offer: RoundWorld.offer, key: RoundWorld.key(1), now: RoundWorld.begin)
    var start = WireRoundStart()
    (start.round, start.commitByMs) = (announce.round, RoundWorld.begin + 1_000)
    start.participants = [RoundMember(index: 0, key: Data(RoundWorld.key(1).publicKey.bytes), domain: "").message]
    for step in UInt32(1)...2_000 {
      (start.outerStep, start.seed) = (step, UInt64(step))
      _ = participant.take(RoundWorld.frame(start, by: RoundWorld.key(0), RoundWorld.begin), now: RoundWorld.begin)
    }
    #expect(participant.record.step == 1 && participant.said.count == 1)
  }

  @Test func whoWasProvenToSayTwoThingsIsHeldToTheFirst() throws {
    let announce = RoundWorld.announce(participants: 2...2, outerSteps: 1), members = [1, 2].map(RoundWorld.key)
    var participant = try RoundParticipant(announce, offer: RoundWorld.offer, key: members[0], now: RoundWorld.begin)
    var start = WireRoundStart()
    (start.round, start.outerStep, start.commitByMs) = (announce.round, 1, RoundWorld.begin + 1_000)
    start.participants = members.enumerated().map { RoundMember(index: UInt32($0), key: Data($1.publicKey.bytes), domain: "").message }
    _ = participant.take(RoundWorld.frame(start, by: RoundWorld.key(0), RoundWorld.begin), now: RoundWorld.begin)
    var proofs = 0
    for number in UInt8(1)...4 {
      var commit = HostileTests.commit(1)
      commit.commitment = Data(repeating: number, count: 32)
      for case .accuse in participant.take(RoundWorld.frame(commit, by: members[1], RoundWorld.begin), now: RoundWorld.begin) { proofs += 1 }
    }
    let kept = try participant.commits[1]?.message(WireUpdateCommit.self).commitment
    #expect(kept == Data(repeating: 1, count: 32) && proofs == 1)
  }
}
