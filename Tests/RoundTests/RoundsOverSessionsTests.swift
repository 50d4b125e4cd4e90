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
}
