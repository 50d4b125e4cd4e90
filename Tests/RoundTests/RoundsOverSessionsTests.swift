import CentramStore
import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// Rounds between nodes with sessions, blobs and stores.
@Suite struct RoundsOverSessionsTests {
  static func announce(_ world: ServiceWorld, participants: ClosedRange<UInt32>, outerSteps: UInt32) -> WireRoundAnnounce {
    RoundWorld.announce(participants: participants, outerSteps: outerSteps) { $0.joinByMs = world.now + 20_000 }
  }

  @Test func aCoordinatorAndTwoParticipantsMakeOneOuterStep() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock
      let coordinator = try await world.member(0) { _, store in WorkDouble(store: store, name: "c", clock: clock) }
      var members: [ServiceWorld.Member] = []
      for number in 1...2 { members.append(try await world.member(number, dialling: [0]) { _, store in WorkDouble(store: store, name: "p\(number)", clock: clock) }) }
      await coordinator.node.wait { $0.count { $0.state == .connected } >= 2 }
      let announce = Self.announce(world, participants: 2...2, outerSteps: 1)
      try await coordinator.service.start(announce)
      for member in members {
        let isHeard = await world.wait { await member.service.announced().contains { $0.isVerified } }
        #expect(isHeard)
        try await member.service.join(announce.round, offer: RoundWorld.offer)
      }
      for member in [coordinator] + members {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.map(\.step) == [1] && member.events.stepped.allSatisfy(\.isLast))
      }
      let results = Set(([coordinator] + members).flatMap { $0.events.stepped.map(\.result) })
      #expect(results.count == 1)
      let result = Hexadecimal.text(try #require(results.first))
      for member in [coordinator] + members { #expect(member.store.hasBlob(result)) }
    }
  }

  /// A coordinator, participants that are connected to it, and a round that all joined.
  struct Course: Sendable {
    let coordinator: ServiceWorld.Member, members: [ServiceWorld.Member], announce: WireRoundAnnounce
    var all: [ServiceWorld.Member] { [coordinator] + members }
  }

  /// - Parameters:
  ///   - quorum: basis points.
  ///   - isPatient: an hour for everything, so that no deadline helps the round on.
  static func begin(
    _ world: ServiceWorld, participants: Int, minimum: UInt32? = nil, outerSteps: UInt32, quorum: UInt32 = 6_667, isPatient: Bool = false,
    work: @escaping @Sendable (Int, WorkDouble) -> WorkDouble = { $1 }
  ) async throws -> Course {
    let clock = world.simulation.clock
    func member(_ number: Int) async throws -> ServiceWorld.Member {
      try await world.member(number, dialling: number == 0 ? [] : [0]) { _, store in work(number, WorkDouble(store: store, name: "n\(number)", clock: clock)) }
    }
    let coordinator = try await member(0)
    var members: [ServiceWorld.Member] = []
    for number in 1...participants { members.append(try await member(number)) }
    await coordinator.node.wait { $0.count { $0.state == .connected } >= participants }
    var announce = Self.announce(world, participants: (minimum ?? UInt32(participants))...UInt32(participants), outerSteps: outerSteps)
    announce.quorumBps = quorum
    if isPatient { (announce.stepMs, announce.revealMs, announce.voteMs) = (3_600_000, 3_600_000, 3_600_000) }
    try await coordinator.service.start(announce)
    for member in members {
      _ = await world.wait { await member.service.announced().contains { $0.isVerified } }
      try await member.service.join(announce.round, offer: RoundWorld.offer)
    }
    return Course(coordinator: coordinator, members: members, announce: announce)
  }

  @Test(arguments: [UInt64](1...6)) func aCoordinatorThatIsKilledGoesOnFromItsStore(seed: UInt64) throws {
    try ServiceWorld.run(seed: seed) { world in
      let course = try await Self.begin(world, participants: 2, outerSteps: 3), clock = world.simulation.clock
      var random = SeededRandom(seed)
      await world.sleep(UInt64.random(in: 1...6_000, using: &random))
      course.coordinator.kill()
      await world.sleep(3_000)
      let again = try await world.member(0) { _, store in WorkDouble(store: store, name: "n0", clock: clock) }
      for member in course.members {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "seed \(seed): \(member.events.ended)")
      }
      let record = await again.service.coordinated().first?.record
      let results = Set(course.members.compactMap { $0.events.stepped.last?.result } + [try #require(record).lastResult])
      #expect(results.count == 1 && course.members.allSatisfy { $0.events.proofs.isEmpty }, "seed \(seed)")
    }
  }

  @Test(arguments: [UInt64](1...6)) func aParticipantThatIsKilledGoesOnAndIsNotAccused(seed: UInt64) throws {
    try ServiceWorld.run(seed: seed) { world in
      let course = try await Self.begin(world, participants: 3, outerSteps: 2), clock = world.simulation.clock
      var random = SeededRandom(seed &+ 100)
      await world.sleep(UInt64.random(in: 1...4_000, using: &random))
      course.members[0].kill()
      await world.sleep(2_000)
      // What it would train now is another update, so a second commitment would be seen.
      let again = try await world.member(1, dialling: [0]) { _, store in WorkDouble(store: store, name: "after the kill", clock: clock) }
      for member in [course.coordinator, course.members[1], course.members[2], again] {
        let isOver = await world.wait {
          let joined = await member.service.joined().allSatisfy { $0.record.phase == .done }
          let coordinated = await member.service.coordinated().allSatisfy { $0.record.phase == .done }
          return joined && coordinated
        }
        #expect(isOver && member.events.proofs.isEmpty, "seed \(seed)")
      }
      let ends = await Self.results(of: [course.members[1], course.members[2], again])
      #expect(ends.count == 1, "seed \(seed)")
    }
  }

  private static func results(of members: [ServiceWorld.Member]) async -> Set<Data> {
    var results: Set<Data> = []
    for member in members { for machine in await member.service.joined() { results.insert(machine.record.lastResult) } }
    return results
  }

  @Test func aParticipantThatVanishesIsLeftOut() throws {
    try ServiceWorld.run { world in
      let course = try await Self.begin(world, participants: 4, minimum: 3, outerSteps: 2)
      await world.sleep(500)
      course.members[3].kill()
      for member in [course.coordinator] + course.members.prefix(3) {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true)
      }
    }
  }

  @Test func updatesOfSeveralChunksAndARefusalOfTheGateTravel() throws {
    try ServiceWorld.run { world in
      let course = try await Self.begin(world, participants: 4, minimum: 3, outerSteps: 1) { number, work in
        var work = work
        work.size = BlobServer.chunkSize + 100
        work.refuses = { String(decoding: $0.prefix(2), as: UTF8.self) == "n4" ? "updates of n4 are not wanted" : nil }
        return work
      }
      for member in course.all {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true)
      }
      let record = try #require(await course.coordinator.service.coordinated().first).record
      let proposal = try Frame([UInt8](try #require(record.proposal))).message(WireAggregateProposal.self)
      // Who joined first has the first index.
      let refused = proposal.contributions.filter { $0.weightBps == 0 }
      #expect(proposal.contributions.reduce(0) { $0 + $1.weightBps } == 10_000 && refused.map(\.reason) == ["updates of n4 are not wanted"])
    }
  }

  @Test func updatesThatTheCoordinatorsGateRefusesBesideTheOthersAreLeftOut() throws {
    try ServiceWorld.run { world in
      let course = try await Self.begin(world, participants: 4, minimum: 3, outerSteps: 1) { number, work in
        var work = work
        if number == 0 { work.judges = { $0.filter { String(decoding: $0.prefix(2), as: UTF8.self) == "n4" }.map { ($0, false) } } }
        return work
      }
      for member in course.all {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "\(member.events.ended)")
      }
      let coordinator = try #require(await course.coordinator.service.coordinated().first)
      let proposal = try Frame([UInt8](try #require(coordinator.record.proposal))).message(WireAggregateProposal.self)
      #expect(proposal.contributions.filter { $0.weightBps == 0 }.map(\.reason) == ["gate.double: not wanted"])
      // Lift is said in votes and shown.
      #expect(coordinator.ballots.count >= 3 && coordinator.ballots.allSatisfy { $0.accept && $0.lift == 0.5 && $0.step == 1 }, "\(coordinator.ballots)")
    }
  }

  @Test func aVotersRefusalMakesANoAndItsDoubtARemark() throws {
    try ServiceWorld.run { world in
      let course = try await Self.begin(world, participants: 4, minimum: 3, outerSteps: 1) { number, work in
        var work = work
        // The first refuses what another made, and the second only finds that it gains nothing.
        if number == 1 || number == 2 { work.judges = { $0.filter { String(decoding: $0.prefix(2), as: UTF8.self) == "n4" }.map { ($0, number == 2) } } }
        return work
      }
      for member in course.all {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.last?.isLast == true, "\(member.events.ended)")
      }
      let coordinator = try #require(await course.coordinator.service.coordinated().first)
      let index = { (number: Int) in coordinator.record.members.first { $0.node == RoundWorld.key(number).publicKey }!.index }
      let remark = try #require(coordinator.ballots.first { $0.participant == index(2) })
      #expect(remark.accept && remark.reason == "gate.double: not wanted" && remark.lift == 0.5)
      // Three of four suffice, so the no may come after the end.
      if let no = coordinator.ballots.first(where: { $0.participant == index(1) }) { #expect(!no.accept && no.reason == "gate.double: not wanted" && no.lift == 0) }
      let own = try #require(await course.members[0].service.joined().first)
      let vote = try own.record.vote.map { try WireAggregateVote(serializedBytes: $0) }
      #expect(vote?.accept == false && vote?.reason == "gate.double: not wanted")
    }
  }

  @Test func collectionsFreeNothingThatALongRoundNeeds() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock, lease = 60_000
      func member(_ number: Int) async throws -> ServiceWorld.Member {
        try await world.member(number, dialling: number == 0 ? [] : [0], lease: Int64(lease)) { _, store in
          var work = WorkDouble(store: store, name: "n\(number)", clock: clock)
          // The second takes three times as long as a lease lasts.
          work.training = { try? await clock.sleep(milliseconds: number == 2 ? 3 * lease : 1_000) }
          return work
        }
      }
      let members = [try await member(0), try await member(1), try await member(2)]
      await members[0].node.wait { $0.count { $0.state == .connected } >= 2 }
      let announce = RoundWorld.announce(participants: 2...2, outerSteps: 2) { announce in
        (announce.joinByMs, announce.stepMs) = (world.now + 600_000, UInt32(6 * lease))
      }
      try await members[0].service.start(announce)
      for member in members.dropFirst() {
        _ = await world.wait { await member.service.announced().contains { $0.isVerified } }
        try await member.service.join(announce.round, offer: RoundWorld.offer)
      }
      for _ in 0..<200 where members.contains(where: { $0.events.ended.isEmpty }) {
        for member in members { _ = try member.store.collect(now: clock.unixMilliseconds) }
        await world.sleep(5_000)
      }
      for member in members { #expect(member.events.stepped.map(\.step) == [1, 2] && member.events.stepped.last?.isLast == true, "\(member.events.ended)") }
      // Afterwards nothing keeps them.
      await world.sleep(UInt64(2 * lease))
      let update = try #require(await members[1].service.joined().first?.record.update?.hash)
      _ = try members[1].store.collect(now: clock.unixMilliseconds)
      #expect(!members[1].store.hasBlob(Hexadecimal.text(update)))
    }
  }

  @Test func aNodeThatCoordinatesMayTakePartItself() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock
      let coordinator = try await world.member(0) { _, store in WorkDouble(store: store, name: "n0", clock: clock) }
      let other = try await world.member(1, dialling: [0]) { _, store in WorkDouble(store: store, name: "n1", clock: clock) }
      await coordinator.node.wait { $0.contains { $0.state == .connected } }
      let announce = Self.announce(world, participants: 2...2, outerSteps: 2)
      try await coordinator.service.start(announce)
      try await coordinator.service.join(announce.round, offer: RoundWorld.offer)
      _ = await world.wait { await other.service.announced().contains { $0.isVerified } }
      try await other.service.join(announce.round, offer: RoundWorld.offer)
      for member in [coordinator, other] {
        let hasEnded = await world.wait { member.events.ended.count == (member.node === coordinator.node ? 2 : 1) }
        #expect(hasEnded && member.events.stepped.last?.isLast == true)
      }
    }
  }

  @Test func aWrongAggregateOfTheCoordinatorGetsNoVotes() throws {
    try ServiceWorld.run { world in
      let course = try await Self.begin(world, participants: 2, outerSteps: 1) { number, work in
        var work = work
        if number == 0 { work.change = { $0 + [1] } }
        return work
      }
      for member in course.all {
        let hasEnded = await world.wait { !member.events.ended.isEmpty }
        #expect(hasEnded && member.events.stepped.isEmpty)
      }
    }
  }

  @Test func announcementsReachNodesBehindOthersAsHearsayAndJoiningNeedsTheCoordinator() throws {
    try ServiceWorld.run { world in
      let clock = world.simulation.clock
      var members: [ServiceWorld.Member] = []
      // A line of ten nodes: an announcement is passed on eight times.
      for number in 0..<11 {
        members.append(try await world.member(number, dialling: number == 0 ? [] : [number - 1]) { _, store in WorkDouble(store: store, name: "n\(number)", clock: clock) })
      }
      for (number, member) in members.enumerated() { await member.node.wait { $0.count { $0.state == .connected } >= (number == 0 || number == 10 ? 1 : 2) } }
      let announce = Self.announce(world, participants: 1...2, outerSteps: 1)
      try await members[0].service.start(announce)
      await world.sleep(3_000)
      for (number, member) in members.enumerated().dropFirst() {
        let heard = await member.service.announced()
        // The first neighbour has the coordinator's own word; eight more have it by hearsay.
        #expect(heard.count == (number <= 9 ? 1 : 0) && (heard.first.map { $0.isVerified } ?? false) == (number == 1), "node \(number)")
        if let round = heard.first { #expect(round.announce.hops == UInt32(number - 1), "node \(number)") }
      }
      let member = members[5]
      let error = await Self.sentence { () throws(RoundError) in try await member.service.join(announce.round, offer: RoundWorld.offer) }
      #expect(error.contains("by hearsay; connect to its coordinator"))
    }
  }

  private static func sentence(_ body: () async throws(RoundError) -> Void) async -> String {
    do throws(RoundError) {
      try await body()
      return ""
    } catch { return error.message }
  }

  @Test func announcementsAreBounded() {
    var heard = HeardRounds()
    func announce(_ number: Int, _ change: (inout WireRoundAnnounce) -> Void = { _ in }) -> WireRoundAnnounce {
      var message = RoundWorld.announce(participants: 1...2)
      message.round = Data(repeating: UInt8(number & 255), count: 8) + Data(repeating: UInt8(number >> 8), count: 8)
      change(&message)
      return message
    }
    let now = RoundWorld.begin, coordinator = RoundWorld.key(0).publicKey, other = RoundWorld.key(1).publicKey
    for number in 0..<HeardRounds.perPeer { #expect(heard.take(announce(number), signedBy: coordinator, from: other, now: now) == .forward) }
    if case .refused = heard.take(announce(100), signedBy: coordinator, from: other, now: now) {} else { Issue.record("one peer told of \(HeardRounds.perPeer + 1) rounds") }
    #expect(heard.take(announce(0), signedBy: coordinator, from: other, now: now) == .keep)
    let third = RoundWorld.key(2).publicKey
    for (hops, verdict) in [(UInt32(7), HeardRounds.Verdict.forward), (8, .keep)] {
      #expect(heard.take(announce(200 + Int(hops)) { $0.hops = hops }, signedBy: third, from: third, now: now) == verdict)
    }
    let wrong: [(inout WireRoundAnnounce) -> Void] = [{ $0.hops = 9 }, { $0.joinByMs = now }, { $0.joinByMs = now + HeardRounds.horizon + 1 }, { $0.minimumParticipants = 3 }]
    for (index, change) in wrong.enumerated() {
      if case .refused = heard.take(announce(300 + index, change), signedBy: third, from: third, now: now) {} else { Issue.record("announcement \(index) was taken") }
    }
    #expect(heard.take(announce(400) { $0.joinByMs = now + HeardRounds.horizon }, signedBy: third, from: third, now: now) == .forward)
  }
}
