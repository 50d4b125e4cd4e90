import CentramWire
import Foundation
import GRDB
import Testing

@testable import CentramNode

/// Rounds whose nodes are away, or stand still, for a while: nothing that is lost then may hold a round up until its deadline.
@Suite struct AbsenceTests {
  private static func phase(_ course: RoundsOverSessionsTests.Course) async -> CoordinatorRecord.Phase? { await course.coordinator.service.coordinated().first?.record.phase }

  /// A round of three participants whose coordinator has begun a merge that takes it five seconds.
  private static func merging(_ world: ServiceWorld, quorum: UInt32) async throws -> RoundsOverSessionsTests.Course {
    let clock = world.simulation.clock
    let course = try await RoundsOverSessionsTests.begin(world, participants: 3, outerSteps: 1, quorum: quorum, isPatient: true) { number, work in
      var work = work
      if number == 0 { work.merging = { try? await clock.sleep(milliseconds: 5_000) } }
      return work
    }
    let isMerging = await world.wait { await Self.phase(course) == .aggregating }
    #expect(isMerging)
    return course
  }

  /// Times are below and above the five minutes that gossip may be old.
  @Test(arguments: [20_000, 290_000, 400_000, 1_200_000] as [UInt64]) func whoComesBackAfterTheProposalVotesOnIt(away: UInt64) throws {
    try ServiceWorld.run { world in
      let course = try await Self.merging(world, quorum: 10_000)
      world.network.partition([["n0", "n1", "n2"], ["n3"]])
      await world.sleep(away)
      let waiting = try #require(await course.coordinator.service.coordinated().first?.waiting)
      let key = course.members[2].key.publicKey.description
      #expect(waiting.members.map(\.key) == [key] && waiting.what == "the votes of members")
      // The merge took five seconds, and a vote has an hour.
      let (since, until) = (try #require(waiting.since), try #require(waiting.until))
      #expect(until == since + 3_600_000 && world.now >= since + away - 6_000 && world.now <= since + away)
      #expect(
        waiting.text(now: since + 60_000, duration: { "\($0) s" })
          == "the votes of members (60.0 s so far, at most 3540.0 s more): \(waiting.members[0].participant) (\(key.prefix(16)), not connected)")
      world.network.heal()
      for member in course.all {
        let hasEnded = await world.wait(120_000) { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "after \(away) ms: \(member.events.ended)")
      }
      let after = await course.coordinator.service.coordinated().first?.waiting
      #expect(after == nil)
    }
  }

  @Test func whoComesBackVotesThoughTheMakerOfAnUpdateIsGoneForLong() throws {
    try ServiceWorld.run { world in
      let course = try await Self.merging(world, quorum: 5_001)
      course.members[0].kill()
      course.members[1].kill()
      await world.sleep(600_000)
      let again = try await world.member(2, dialling: [0]) { _, store in WorkDouble(store: store, name: "n2", clock: world.simulation.clock) }
      for member in [course.coordinator, again, course.members[2]] {
        let hasEnded = await world.wait(120_000) { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "\(member.events.ended)")
      }
    }
  }

  /// A trigger in the place of a full disk: no state can be kept while it is there.
  private static func setFull(_ isFull: Bool, _ world: ServiceWorld, _ number: Int) throws {
    let queue = try DatabaseQueue(path: world.folder("store-\(number)/genomes.sqlite"))
    try queue.write {
      try $0.execute(sql: isFull ? "CREATE TRIGGER full BEFORE UPDATE ON states BEGIN SELECT RAISE(ABORT, 'the disk is full'); END" : "DROP TRIGGER full")
    }
  }

  /// Of the coordinator: its merge. Of a participant: its local steps.
  @Test(arguments: [0, 1]) func outcomesThatCannotBeKeptAreGivenAgain(number: Int) throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock
      @Sendable func wait() async { try? await clock.sleep(milliseconds: 20_000) }
      let course = try await RoundsOverSessionsTests.begin(world, participants: 2, outerSteps: 1, isPatient: true) { member, work in
        var work = work
        if member == number { (work.training, work.merging) = ({ () async throws(RoundError) in await wait() }, wait) }
        return work
      }
      let isAtWork = await world.wait { await Self.phase(course) == (number == 0 ? .aggregating : .training) }
      #expect(isAtWork)
      await world.sleep(5_000)
      try Self.setFull(true, world, number)
      await world.sleep(60_000)
      #expect(course.all.allSatisfy { $0.events.ended.isEmpty })
      try Self.setFull(false, world, number)
      for member in course.all {
        let hasEnded = await world.wait(120_000) { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "\(member.events.ended)")
      }
    }
  }

  @Test func aParticipantThatFailsWhileItIsAwayIsNotWaitedFor() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock
      let course = try await RoundsOverSessionsTests.begin(
        world, participants: 3, minimum: 2, outerSteps: 1,
        quorum: 5_001, isPatient: true
      ) { number, work in
        var work = work
        if number == 3 {
          work.training = { () async throws(RoundError) in
            try? await clock.sleep(milliseconds: 20_000)
            throw RoundError(.work, "the disk is full")
          }
        }
        return work
      }
      let isTraining = await world.wait { await Self.phase(course) == .training }
      #expect(isTraining)
      await world.sleep(1_000)
      world.network.partition([["n0", "n1", "n2"], ["n3"]])
      // So long that its session is over, too.
      let hasFailed = await world.wait { !course.members[2].events.ended.isEmpty }
      #expect(hasFailed)
      await world.sleep(300_000)
      world.network.heal()
      await world.sleep(90_000)
      let coordinator = try #require(await course.coordinator.service.coordinated().first)
      #expect(coordinator.record.entries.count(where: \.hasLeft) == 1, "\(coordinator.record.phase)")
      #expect(course.members[2].events.ended == ["the local steps failed: the disk is full"])
    }
  }

  @Test func aRoundThatWaitsSaysOnlyWhatIsLacking() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock, participants = 6
      let course = try await RoundsOverSessionsTests.begin(world, participants: participants, outerSteps: 1, quorum: 10_000, isPatient: true) { number, work in
        var work = work
        if number == participants { work.merging = { try? await clock.sleep(milliseconds: 60_000) } }
        return work
      }
      let isWaiting = await world.wait { await course.coordinator.service.coordinated().first?.waiting.map { $0.what == "the votes of members" && $0.members.count == 1 } ?? false }
      #expect(isWaiting)
      let node = course.members[0].node, before = node.counters[.framesReceived], looks = 20
      await world.sleep(UInt64(looks * course.coordinator.service.interval))
      // Acknowledgements of its commitment and its update, the round's status, a ping now and then; not what the five others showed.
      let frames = node.counters[.framesReceived] - before
      #expect(frames >= looks && frames <= 4 * looks, "\(frames) frames in \(looks) looks at the time")
      for member in course.all {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true && member.node.counters[Limit.trainingMessagesPerSecond] == 0, "\(member.events.ended)")
      }
    }
  }

  @Test func whoLeavesBeforeTheFirstStepGivesItsPlaceFree() throws {
    let announce = RoundWorld.announce(participants: 2...3), now = RoundWorld.begin
    var coordinator = try RoundCoordinator(announce, key: RoundWorld.key(0), drawn: 1)
    func join(_ number: Int) throws {
      var message = WireRoundJoin()
      (message.round, message.trainer, message.profiles) = (announce.round, RoundWorld.offer.trainer, RoundWorld.offer.profiles)
      _ = coordinator.take(try #require(RoundWorld.key(number).publish(message, now: now)), now: now)
    }
    for number in 1...2 { try join(number) }
    var leaving = WireRoundAbort()
    (leaving.round, leaving.reason) = (announce.round, .leaving)
    let effects = coordinator.take(try #require(RoundWorld.key(1).publish(leaving, now: now)), now: now)
    let answers = effects.compactMap { effect -> NodeKey? in if case .send(.abort, let key) = effect { key } else { nil } }
    #expect(answers == [RoundWorld.key(1).publicKey])
    #expect(coordinator.record.members.map(\.node) == [RoundWorld.key(2).publicKey] && coordinator.record.members.map(\.index) == [0])
    for number in 3...4 { try join(number) }
    #expect(coordinator.record.phase == .training && coordinator.record.members.map(\.index) == [0, 1, 2])
  }
}
