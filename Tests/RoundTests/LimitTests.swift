import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// Each limit in time and number, and one beyond it.
@Suite struct LimitTests {
  static let begin = RoundWorld.begin

  struct Member {
    let key: SigningKey
    func join(_ change: (inout WireRoundJoin) -> Void = { _ in }) -> Frame {
      var message = WireRoundJoin()
      message.round = Data(repeating: 7, count: 16)
      (message.trainer.id, message.trainer.version, message.profiles) = ("trainer.lora", "1.0.0", ["exact/1"])
      change(&message)
      return key.publish(message, now: LimitTests.begin)!
    }
    func commit(_ update: Data, _ step: UInt32 = 1) -> Frame {
      var message = WireUpdateCommit()
      (message.round, message.outerStep) = (Data(repeating: 7, count: 16), step)
      message.commitment = RoundRules.commitment(round: message.round, step: step, key: key.publicKey, salt: Data(count: 32), update: update)
      return key.publish(message, now: LimitTests.begin)!
    }
    func reveal(_ update: Data) -> Frame {
      var message = WireUpdateReveal()
      (message.round, message.outerStep, message.salt, message.update, message.size) = (Data(repeating: 7, count: 16), 1, Data(count: 32), update, 10)
      return key.publish(message, now: LimitTests.begin)!
    }
  }
  let members = (1...4).map { Member(key: RoundWorld.key($0)) }
  func update(_ number: Int) -> Data { Data(repeating: UInt8(number), count: 32) }

  func coordinator(_ participants: ClosedRange<UInt32> = 2...3, _ change: (inout WireRoundAnnounce) -> Void = { _ in }) throws -> RoundCoordinator {
    try RoundCoordinator(RoundWorld.announce(participants: participants, outerSteps: 1, change), key: RoundWorld.key(0), drawn: 1)
  }

  func welcome(_ effects: [RoundEffect]) -> WireRoundWelcome? {
    for case .send(.welcome(let message), _) in effects { return message }
    return nil
  }
  func outcome(_ effects: [RoundEffect]) -> WireUpdateOutcome? {
    for case .send(.acknowledge(let message), _) in effects { return message.outcome }
    return nil
  }

  @Test func oneCanJoinUntilTheLastMillisecond() throws {
    for (late, isAccepted) in [(UInt64(0), true), (1, false)] {
      var coordinator = try coordinator()
      let answer = try #require(welcome(coordinator.take(members[0].join(), now: coordinator.announce.joinByMs + late)))
      #expect(answer.accepted == isAccepted && (isAccepted || answer.reason == .closed))
    }
  }

  @Test func aRoundTakesAsManyAsItSaidAndNotOneMore() throws {
    var coordinator = try coordinator(2...3)
    for (index, member) in members.enumerated() {
      let answer = try #require(welcome(coordinator.take(member.join(), now: Self.begin)))
      #expect(answer.accepted == (index < 3))
    }
    #expect(coordinator.record.members.count == 3 && coordinator.record.phase == .training)
    // Who is in gets the same place again.
    #expect(welcome(coordinator.take(members[1].join(), now: Self.begin))?.participant == 1)
  }

  @Test func anotherTrainerOrProfileOrAStrangerIsRefusedWithTheReason() throws {
    var coordinator = try coordinator()
    #expect(welcome(coordinator.take(members[0].join { $0.trainer.version = "2.0.0" }, now: Self.begin))?.reason == .incompatible)
    #expect(welcome(coordinator.take(members[0].join { $0.profiles = ["other"] }, now: Self.begin))?.reason == .incompatible)
    var closed = try RoundCoordinator(coordinator.announce, key: RoundWorld.key(0), drawn: 1, allowed: [members[1].key.publicKey])
    #expect(welcome(closed.take(members[0].join(), now: Self.begin))?.reason == .notAllowed)
    #expect(welcome(closed.take(members[1].join(), now: Self.begin))?.accepted == true)
  }

  @Test func withTheLeastNumberTheRoundStartsAndWithOneLessItDoesNot() throws {
    for count in 1...2 {
      var coordinator = try coordinator(2...4)
      for member in members.prefix(count) { _ = coordinator.take(member.join(), now: Self.begin) }
      _ = coordinator.tick(now: coordinator.announce.joinByMs)
      #expect(coordinator.record.phase == .joining)
      _ = coordinator.tick(now: coordinator.announce.joinByMs + 1)
      #expect(coordinator.record.phase == (count == 2 ? .training : .aborted))
    }
  }

  private func training() throws -> RoundCoordinator {
    var coordinator = try coordinator(2...3)
    for member in members.prefix(3) { _ = coordinator.take(member.join(), now: Self.begin) }
    return coordinator
  }

  @Test func aCommitmentIsTakenUntilTheLastMillisecond() throws {
    for (late, wanted) in [(UInt64(0), WireUpdateOutcome.committed), (1, .late)] {
      var coordinator = try training()
      #expect(outcome(coordinator.take(members[0].commit(update(1)), now: coordinator.record.commitBy + late)) == wanted)
    }
    var coordinator = try training()
    for member in members.prefix(2) { _ = coordinator.take(member.commit(update(1)), now: Self.begin) }
    _ = coordinator.tick(now: coordinator.record.commitBy)
    #expect(coordinator.record.phase == .training)
    _ = coordinator.tick(now: coordinator.record.commitBy + 1)
    #expect(coordinator.record.phase == .revealing)
    #expect(outcome(coordinator.take(members[2].commit(update(3)), now: Self.begin)) == .late)
  }

  private func revealing() throws -> RoundCoordinator {
    var coordinator = try training()
    for (index, member) in members.prefix(3).enumerated() { _ = coordinator.take(member.commit(update(index)), now: Self.begin) }
    return coordinator
  }

  @Test func anUpdateIsTakenUntilTheLastMillisecond() throws {
    for (late, wanted) in [(UInt64(0), WireUpdateOutcome.taken), (1, .late)] {
      var coordinator = try revealing()
      #expect(coordinator.record.phase == .revealing)
      let now = coordinator.record.deadline + late
      let effects = coordinator.take(members[0].reveal(update(0)), now: now)
      guard late == 0 else {
        #expect(outcome(effects) == wanted)
        continue
      }
      #expect(outcome(coordinator.checked(step: 1, participant: 0, hash: update(0), refusal: nil, now: now)) == wanted)
    }
  }

  @Test func privacyIsAttestedByTheParticipantWithinTheRoundsBound() throws {
    func settled(_ epsilon: Double, signedBy key: SigningKey?, _ change: (inout WirePrivacyRecord) -> Void = { _ in }) throws -> WireUpdateOutcome? {
      var coordinator = try self.coordinator(2...2) { $0.plan.maximumEpsilon = 4 }
      for member in members.prefix(2) { _ = coordinator.take(member.join { $0.remainingEpsilon = 8 }, now: Self.begin) }
      for (index, member) in members.prefix(2).enumerated() { _ = coordinator.take(member.commit(update(index)), now: Self.begin) }
      var message = WireUpdateReveal()
      (message.round, message.outerStep, message.salt, message.update, message.size) = (coordinator.round, 1, Data(count: 32), update(0), 10)
      if let key {
        var record = RoundWorld.privacy(of: update(0), key)
        record.epsilon = epsilon
        change(&record)
        message.privacy = try WireSigned(record, by: key, domain: .privacy)
      }
      let frame = try #require(members[0].key.publish(message, now: Self.begin)), effects = coordinator.take(frame, now: Self.begin)
      return outcome(effects) ?? outcome(coordinator.checked(step: 1, participant: 0, hash: update(0), refusal: nil, now: Self.begin))
    }
    let most = 4 * (1 + PrivacyCheck.tolerance)
    #expect(try settled(4, signedBy: members[0].key) == .taken && settled(most, signedBy: members[0].key) == .taken && settled(most.nextUp, signedBy: members[0].key) == .refused)
    // What its own noise, steps and sampling come to counts, and not what it claims; and it is of this very update.
    let wrong: [(inout WirePrivacyRecord) -> Void] = [
      { $0.noiseMultiplier = 0.3 }, { $0.noiseMultiplier = 0 }, { ($0.samplingRate, $0.noiseMultiplier) = (1, 1) }, { $0.steps = 4 }, { $0.genome = Data(repeating: 9, count: 32) },
      { $0.delta = 0.002 },
      { $0.delta = 0 }, { $0.examples = 0 },
    ]
    for (index, change) in wrong.enumerated() { #expect(try settled(1, signedBy: members[0].key, change) == .refused, "record \(index)") }
    #expect(try settled(1, signedBy: members[1].key) == .refused && settled(1, signedBy: nil) == .refused)
    // Without budget left one is not let in.
    var coordinator = try self.coordinator(2...2) { $0.plan.maximumEpsilon = 4 }
    #expect(welcome(coordinator.take(members[0].join(), now: Self.begin))?.reason == .incompatible)
    #expect(throws: RoundError.self) { try RoundParticipant(coordinator.announce, offer: RoundWorld.offer, key: RoundWorld.key(1), now: Self.begin) }
  }

  @Test func withoutEnoughUpdatesTheRoundEnds() throws {
    for count in 1...2 {
      var coordinator = try revealing()
      for index in 0..<count {
        _ = coordinator.take(members[index].reveal(update(index)), now: Self.begin)
        _ = coordinator.checked(step: 1, participant: UInt32(index), hash: update(index), refusal: nil, now: Self.begin)
      }
      _ = coordinator.tick(now: coordinator.record.deadline)
      #expect(coordinator.record.phase == .revealing)
      _ = coordinator.tick(now: coordinator.record.deadline + 1)
      #expect(coordinator.record.phase == (count == 2 ? .aggregating : .aborted))
    }
  }

  private func voting() throws -> (RoundCoordinator, AggregateBallot) {
    var coordinator = try revealing()
    for index in 0..<3 {
      _ = coordinator.take(members[index].reveal(update(index)), now: Self.begin)
      _ = coordinator.checked(step: 1, participant: UInt32(index), hash: update(index), refusal: nil, now: Self.begin)
    }
    _ = coordinator.aggregated(step: 1, .success(RoundAggregate(hash: update(9), size: 10, norm: 1)), now: Self.begin)
    let frame = try Frame([UInt8](try #require(coordinator.record.proposal)))
    return (coordinator, AggregateBallot(proposal: RoundRules.hash(of: frame), result: update(9)))
  }

  struct AggregateBallot {
    let proposal: Data, result: Data
    func vote(_ member: Member, _ accept: Bool = true) -> Frame {
      var message = WireAggregateVote()
      (message.round, message.outerStep, message.proposal, message.accept, message.computed) = (Data(repeating: 7, count: 16), 1, proposal, accept, result)
      return member.key.publish(message, now: LimitTests.begin)!
    }
  }

  @Test func theQuorumMakesAFinalAndOneVoteLessDoesNot() throws {
    // Two thirds and a bit of three are three.
    var (coordinator, ballot) = try voting()
    for index in 0..<3 {
      #expect(coordinator.record.phase == .voting, "\(index) votes")
      _ = coordinator.take(ballot.vote(members[index]), now: coordinator.record.deadline)
    }
    #expect(coordinator.record.phase == .done && coordinator.lastResult?.isLast == true)
  }

  @Test func aVoteCountsUntilTheLastMillisecond() throws {
    for late in [UInt64(0), 1] {
      var (coordinator, ballot) = try voting()
      for index in 0..<2 { _ = coordinator.take(ballot.vote(members[index]), now: Self.begin) }
      _ = coordinator.take(ballot.vote(members[2]), now: coordinator.record.deadline + late)
      #expect(coordinator.record.phase == (late == 0 ? .done : .voting))
      guard late == 1 else { continue }
      _ = coordinator.tick(now: coordinator.record.deadline)
      #expect(coordinator.record.phase == .voting)
      _ = coordinator.tick(now: coordinator.record.deadline + 1)
      #expect(coordinator.record.phase == .aborted && coordinator.abortMessage.reason == .noQuorum)
    }
  }

  @Test func aNoThatMakesTheQuorumImpossibleEndsTheRoundAtOnce() throws {
    var (coordinator, ballot) = try voting()
    _ = coordinator.take(ballot.vote(members[0], false), now: Self.begin)
    #expect(coordinator.record.phase == .aborted)
  }

  @Test func quorumsAndWeightsAreWhatTheirSharesSay() {
    #expect(RoundRules.quorum(participants: 3, basisPoints: 6_667) == 3 && RoundRules.quorum(participants: 3, basisPoints: 6_666) == 2)
    #expect(RoundRules.quorum(participants: 4, basisPoints: 5_001) == 3 && RoundRules.quorum(participants: 1_024, basisPoints: 10_000) == 1_024)
    for count in 1...256 {
      let weights = RoundRules.weights(count)
      #expect(weights.reduce(0, +) == 10_000 && weights.max()! - weights.min()! <= 1 && weights.count == count)
    }
  }

  @Test func aRoundOfMoreThanTheLimitIsNotCoordinatedOrJoined() throws {
    for (count, isPossible) in [(RoundRules.maximumParticipants, true), (RoundRules.maximumParticipants + 1, false)] {
      let announce = RoundWorld.announce(participants: 1...count)
      let coordinator = try? RoundCoordinator(announce, key: RoundWorld.key(0), drawn: 1)
      let participant = try? RoundParticipant(announce, offer: RoundWorld.offer, key: RoundWorld.key(1), now: Self.begin)
      #expect((coordinator != nil) == isPossible && (participant != nil) == isPossible)
    }
  }

  @Test func theStateOfTheLargestRoundStaysBelowAMebibyte() throws {
    var coordinator = try coordinator(1...RoundRules.maximumParticipants)
    let all = (0..<Int(RoundRules.maximumParticipants)).map { number in Member(key: try! SigningKey(seed: (0..<32).map { $0 == 0 ? UInt8(number & 255) : 77 })) }
    for member in all { _ = coordinator.take(member.join { $0.domain = String(repeating: "d", count: 128) }, now: Self.begin) }
    for (index, member) in all.enumerated() {
      let update = Data(SHA256.hash(Array("\(index)".utf8)))
      _ = coordinator.take(member.commit(update), now: Self.begin)
    }
    for (index, member) in all.enumerated() {
      let update = Data(SHA256.hash(Array("\(index)".utf8)))
      _ = coordinator.take(member.reveal(update), now: Self.begin)
      _ = coordinator.checked(step: 1, participant: UInt32(index), hash: update, refusal: nil, now: Self.begin)
    }
    _ = coordinator.aggregated(step: 1, .success(RoundAggregate(hash: update(9), size: 10, norm: 1)), now: Self.begin)
    let ballot = AggregateBallot(proposal: RoundRules.hash(of: try Frame([UInt8](try #require(coordinator.record.proposal)))), result: update(9))
    for member in all { _ = coordinator.take(ballot.vote(member), now: Self.begin) }
    #expect(coordinator.record.phase == .done && coordinator.record.encoded().count < 1 << 20)
  }
}
