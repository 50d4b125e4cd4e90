import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// Participants and coordinators that break the rules, over the state machines.
@Suite struct HostileTests {
  private func world(_ participants: Int = 4, minimum: UInt32 = 3, quorum: UInt32 = 6_667, outerSteps: UInt32 = 1) throws -> RoundWorld {
    try RoundWorld(seed: 3, participants: participants, announce: RoundWorld.announce(participants: minimum...UInt32(participants), outerSteps: outerSteps, quorum: quorum))
  }

  private func outcomes(_ world: RoundWorld, of number: Int) -> [WireUpdateOutcome] {
    world.acknowledgements.filter { $0.to == world.nodes[number].key.publicKey }.map(\.message.outcome)
  }

  /// Signs a changed message in the place of the original.
  private static func changed<Message: WireMessage>(_ effect: RoundEffect, by key: SigningKey, _ type: Message.Type, _ change: (inout Message) -> Void) -> [RoundEffect] {
    guard case .publish(let frame, let keys) = effect, frame.header.sender == key.publicKey, var message = try? frame.message(type) else { return [effect] }
    change(&message)
    return [.publish(key.publish(message, now: frame.header.unixMilliseconds)!, to: keys)]
  }

  @Test func whoShowsAnotherUpdateThanItCommittedToIsLeftOutAndProven() throws {
    var world = try world()
    let key = world.nodes[4].key
    world.nodes[4].isHonest = false
    world.nodes[4].intercept = { effect, _ in Self.changed(effect, by: key, WireUpdateReveal.self) { $0.update = Data(repeating: 5, count: 32) } }
    world.run()
    #expect(world.ended[0]?.result?.isLast == true && world.disagreements.isEmpty)
    #expect(outcomes(world, of: 4).contains(.brokenCommitment) && !outcomes(world, of: 4).contains(.taken))
    let proof = try #require(world.proofs.first { $0.by == 0 }?.proof)
    #expect(proof.kind == .brokenCommitment && proof.accused == Data(key.publicKey.bytes) && proof.frames.count == 2)
  }

  @Test func whoCopiesAnothersUpdateAfterItsRevealIsLeftOut() throws {
    var world = try world()
    let key = world.nodes[4].key, seen = Notes()
    world.nodes[4].isHonest = false
    for number in 1...3 {
      let other = world.nodes[number].key.publicKey
      world.nodes[number].intercept = { effect, _ in
        if case .publish(let frame, _) = effect, frame.header.sender == other, let reveal = try? frame.message(WireUpdateReveal.self) { seen.add(reveal) }
        return [effect]
      }
    }
    world.nodes[4].intercept = { effect, _ in
      // It waits until it has seen one.
      if case .publish(let frame, _) = effect, frame.type == .updateReveal, seen.first == nil { return [] }
      return Self.changed(effect, by: key, WireUpdateReveal.self) { message in
        if let copied = seen.first { (message.update, message.salt) = (copied.update, copied.salt) }
      }
    }
    world.run()
    #expect(seen.first != nil && outcomes(world, of: 4).contains(.brokenCommitment))
    #expect(world.ended[0]?.result?.isLast == true && world.disagreements.isEmpty)
  }

  @Test func twoVotesAreProvenAndOneCounts() throws {
    var world = try world(4, minimum: 4)
    let key = world.nodes[4].key
    world.nodes[4].isHonest = false
    world.nodes[4].intercept = { effect, _ in
      [effect]
        + Self.changed(effect, by: key, WireAggregateVote.self) { ($0.accept, $0.reason) = (!$0.accept, "the other way") }.filter { other in
          if case .publish(let frame, _) = other { return frame.type == .aggregateVote }
          return false
        }
    }
    world.run()
    #expect(world.ended[0]?.result?.isLast == true && world.disagreements.isEmpty)
    let proofs = world.proofs.filter { $0.proof.kind == .twoVotes }
    #expect(!proofs.isEmpty && proofs.allSatisfy { $0.proof.accused == Data(key.publicKey.bytes) })
    for entry in proofs {
      let frames = try entry.proof.frames.map { try Frame([UInt8]($0)) }
      #expect(frames.count == 2 && frames.allSatisfy { $0.header.sender == key.publicKey } && frames[0].payload != frames[1].payload)
    }
  }

  @Test func aVoteForAnotherHashDoesNotCount() throws {
    for hostile in 1...2 {
      var world = try world(4, minimum: 4, quorum: 7_500)
      for number in 1...hostile {
        let key = world.nodes[number].key
        world.nodes[number].isHonest = false
        world.nodes[number].intercept = { effect, _ in Self.changed(effect, by: key, WireAggregateVote.self) { $0.computed = Data(repeating: 8, count: 32) } }
      }
      world.run()
      // Three of four votes are needed: one wrong vote is borne, two are not.
      #expect((world.ended[0]?.result?.isLast == true) == (hostile == 1), "\(hostile) hostile voters")
      #expect(hostile == 1 || (world.finals.isEmpty && world.ended[0]?.reason == .noQuorum))
    }
  }

  @Test func nobodyVotesForAWrongAggregate() throws {
    var world = try world()
    let key = world.nodes[0].key
    world.nodes[0].isHonest = false
    world.nodes[0].intercept = { effect, _ in Self.changed(effect, by: key, WireAggregateProposal.self) { $0.result = Data(repeating: 6, count: 32) } }
    let votes = Notes()
    for number in 1...4 {
      world.nodes[number].intercept = { effect, _ in
        if case .publish(let frame, _) = effect, let vote = try? frame.message(WireAggregateVote.self) { votes.add(vote) }
        return [effect]
      }
    }
    world.run()
    #expect(votes.votes.count >= 4 && votes.votes.allSatisfy { !$0.accept && $0.reason.contains("another aggregate was computed") })
    #expect(world.finals.isEmpty)
  }

  @Test func anAggregateWithOtherWeightsOrWithoutATakenUpdateGetsNoVote() throws {
    for kind in 0..<3 {
      var world = try world()
      let key = world.nodes[0].key, votes = Notes()
      world.nodes[0].isHonest = false
      world.nodes[0].intercept = { effect, _ in
        Self.changed(effect, by: key, WireAggregateProposal.self) { message in
          switch kind {
          case 0: (message.contributions[0].weightBps, message.contributions[1].weightBps) = (4_000, 1_000)
          case 1:
            (message.contributions[3].weightBps, message.contributions[3].update) = (0, Data())
            for index in 0..<3 { message.contributions[index].weightBps = index == 0 ? 3_334 : 3_333 }
          default: message.contributions.removeLast()
          }
        }
      }
      world.nodes[4].intercept = { effect, _ in
        if case .publish(let frame, _) = effect, let vote = try? frame.message(WireAggregateVote.self) { votes.add(vote) }
        return [effect]
      }
      world.run()
      #expect(!votes.votes.isEmpty && votes.votes.allSatisfy { !$0.accept }, "kind \(kind)")
    }
  }

  @Test func aCoordinatorThatProposesTwoThingsIsProvenAndLeft() throws {
    for seed in UInt64(1)...20 {
      var world = try RoundWorld(seed: seed, participants: 4, announce: RoundWorld.announce(participants: 4...4, outerSteps: 1))
      let key = world.nodes[0].key
      world.nodes[0].isHonest = false
      // Each participant gets a proposal of its own.
      world.nodes[0].intercept = { effect, _ in
        guard case .publish(let frame, let keys) = effect, let proposal = try? frame.message(WireAggregateProposal.self) else { return [effect] }
        return keys.enumerated().map { index, to in
          var own = proposal
          own.size += UInt64(index % 2)
          return .publish(key.publish(own, now: frame.header.unixMilliseconds)!, to: [to])
        }
      }
      world.run()
      #expect(world.disagreements.isEmpty, "seed \(seed)")
      let proofs = world.proofs.filter { $0.by != 0 }
      #expect(!proofs.isEmpty && proofs.allSatisfy { $0.proof.accused == Data(key.publicKey.bytes) }, "seed \(seed)")
    }
  }

  @Test func equivocatingCoordinatorsAndDoubleVotersMakeNoTwoFinalsBelowTheBound() throws {
    // Of five with a quorum of four, two quorums have three in common: two dishonest voters do not suffice.
    for seed in RoundPropertyTests.seeds {
      var world = try RoundWorld(
        seed: seed, participants: 5, announce: RoundWorld.announce(participants: 5...5, outerSteps: 1, quorum: 8_000),
        faults: .init(delay: 1...2_000, loss: 0.1, duplication: 0.1))
      let key = world.nodes[0].key
      world.nodes[0].isHonest = false
      world.nodes[0].intercept = { effect, random in
        guard case .publish(let frame, let keys) = effect, let proposal = try? frame.message(WireAggregateProposal.self) else { return [effect] }
        return keys.map { to in
          var own = proposal
          own.size += UInt64.random(in: 0...1, using: &random)
          return .publish(key.publish(own, now: frame.header.unixMilliseconds)!, to: [to])
        }
      }
      for number in 4...5 {
        let key = world.nodes[number].key
        world.nodes[number].isHonest = false
        world.nodes[number].intercept = { effect, _ in
          [effect] + Self.changed(effect, by: key, WireAggregateVote.self) { $0.lift += 1 }
        }
      }
      world.run()
      #expect(world.disagreements.isEmpty, "seed \(seed)")
    }
  }

  @Test func whatTheGateRefusesIsLeftOutWithItsReason() throws {
    var world = try world()
    let hostile = world.nodes[2].key.publicKey
    world.gate = { $0.from == hostile ? "the update holds NaN" : nil }
    world.run()
    #expect(outcomes(world, of: 2).contains(.refused))
    let sentence = world.acknowledgements.first { $0.message.outcome == .refused }?.message.message
    #expect(sentence == "the update holds NaN" && world.ended[0]?.result?.isLast == true)
  }

  @Test func whatTheGateRefusesBesideTheOthersIsLeftOutToldAndMergedWithout() throws {
    var world = try world()
    let hostile = world.nodes[2].key.publicKey
    world.judged = { $0.parts.filter { $0.from == hostile }.map { RoundRefusal(update: $0.hash, layer: "gate.consensus", reason: "it points elsewhere") } }
    world.run()
    let told = world.acknowledgements.filter { $0.to == hostile }.map(\.message)
    #expect(told.contains { $0.outcome == .taken } && told.last { $0.outcome != .committed }?.outcome == .refused)
    #expect(told.contains { $0.message == "gate.consensus: it points elsewhere" })
    // Nobody misses it: all four voted for the merge of three.
    #expect(world.ended[0]?.result?.isLast == true && world.disagreements.isEmpty && world.proofs.isEmpty)
    guard case .coordinator(let coordinator)? = world.nodes[0].machine else { return }
    #expect(coordinator.ballots.count >= 3 && coordinator.ballots.allSatisfy(\.accept), "\(coordinator.ballots)")
    // Below the least number the round is given up.
    var small = try self.world(4, minimum: 4)
    small.judged = world.judged
    small.run()
    #expect(small.ended[0]?.reason == .tooFew && small.finals.isEmpty)
  }

  @Test func whoTellsTheParticipantsSomethingElseThanTheCoordinatorStopsNoRoundAndIsProven() throws {
    for kind in 0..<2 {
      var world = try world()
      let key = world.nodes[4].key, coordinator = world.nodes[0].key.publicKey
      world.nodes[4].isHonest = false
      // Participants hear another commitment, or another update, than the coordinator does.
      world.nodes[4].intercept = { effect, _ in
        guard case .publish(let frame, let keys) = effect, keys.contains(coordinator) else { return [effect] }
        let others: RoundEffect = .publish(frame, to: keys.filter { $0 != coordinator })
        let changed =
          kind == 0
          ? Self.changed(others, by: key, WireUpdateCommit.self) { $0.commitment = Data(repeating: 9, count: 32) }
          : Self.changed(others, by: key, WireUpdateReveal.self) { $0.update = Data(repeating: 9, count: 32) }
        return changed + [.publish(frame, to: [coordinator])]
      }
      world.run()
      #expect((0...3).allSatisfy { world.ended[$0]?.result?.isLast == true } && world.disagreements.isEmpty, "kind \(kind): \(world.ended)")
      let proofs = world.proofs.filter { world.nodes[$0.by].isHonest }
      #expect(!proofs.isEmpty && proofs.allSatisfy { $0.proof.accused == Data(key.publicKey.bytes) }, "kind \(kind)")
    }
  }

  @Test func aRefusalOfAnotherStepOrPhaseChangesNothing() throws {
    var coordinator = try RoundCoordinator(RoundWorld.announce(participants: 1...2), key: RoundWorld.key(0), drawn: 1)
    let before = coordinator.record, refusal = RoundRefusal(update: Data(count: 32), layer: "gate.norms", reason: "large")
    for step in UInt32(0)...2 {
      let effects = coordinator.refused(step: step, [refusal], now: RoundWorld.begin)
      #expect(effects.isEmpty)
    }
    #expect(coordinator.record == before)
    let long = RoundRefusal(update: Data(count: 32), layer: "gate.norms", reason: String(repeating: "ä", count: 300))
    #expect(long.sentence.utf8.count <= 256 && long.sentence.hasPrefix("gate.norms: ää"))
  }

  @Test func anUpdateOfAGiantSizeIsRefusedBeforeItIsFetched() throws {
    for (size, isTaken) in [(RoundRules.maximumUpdate, true), (RoundRules.maximumUpdate + 1, false), (1 << 40, false)] {
      var world = try world()
      let key = world.nodes[4].key
      world.nodes[4].intercept = { effect, _ in Self.changed(effect, by: key, WireUpdateReveal.self) { $0.size = size } }
      world.run()
      #expect(outcomes(world, of: 4).contains(.taken) == isTaken && outcomes(world, of: 4).contains(.refused) == !isTaken, "\(size)")
    }
  }

  @Test func strangersAreNotHeard() throws {
    var coordinator = try RoundCoordinator(RoundWorld.announce(participants: 1...2), key: RoundWorld.key(0), drawn: 1)
    let before = coordinator.record, stranger = RoundWorld.key(9), now = RoundWorld.begin
    for message in [Self.commit(1), Self.commit(0)] as [WireUpdateCommit] where message.outerStep > 0 {
      let effects = coordinator.take(stranger.publish(message, now: now)!, now: now)
      #expect(effects.isEmpty)
    }
    #expect(coordinator.record == before)
  }

  static func commit(_ step: UInt32) -> WireUpdateCommit {
    var message = WireUpdateCommit()
    (message.round, message.outerStep, message.commitment) = (Data(repeating: 7, count: 16), step, Data(repeating: 1, count: 32))
    return message
  }
}

/// What went by, on one thread.
final class Notes: @unchecked Sendable {
  private(set) var first: WireUpdateReveal?
  private(set) var votes: [WireAggregateVote] = []
  func add(_ reveal: WireUpdateReveal) { first = first ?? reveal }
  func add(_ vote: WireAggregateVote) { votes.append(vote) }
}
