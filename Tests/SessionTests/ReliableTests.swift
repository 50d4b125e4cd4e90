import CentramPluginTesting
import CentramWire
import NodeWorld
import Testing

@testable import CentramNode

/// A reliable message arrives once, whenever the connection is lost.
@Suite struct ReliableTests {
  /// Two nodes send each other notes while the connection is cut at given times.
  /// - Returns: what each received.
  private func run(seed: UInt64, notes: Int, cutsAt times: [UInt64]) throws -> (a: [Int], b: [Int], resumed: UInt64) {
    try World.run(seed: seed) { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      let (ofA, ofB) = (Notes(), Notes())
      ofA.listen(a)
      ofB.listen(b)
      for time in times { world.simulation.clock.at(time) { world.network.cutAll() } }
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      // The sessions themselves, which outlive their connections.
      guard let toB = await a.table[world.key(2).publicKey]?.session, let toA = await b.table[world.key(1).publicKey]?.session else { return ([], [], 0) }
      for number in 0..<notes {
        try await toB.send(WireChatMessage(number: number), reliably: true)
        try await toA.send(WireChatMessage(number: number), reliably: true)
        await world.sleep(3)
      }
      for _ in 0..<600 {
        let waiting = await toA.unacknowledged + toB.unacknowledged
        if waiting == 0 { break }
        await world.sleep(100)
      }
      return (ofA.all, ofB.all, b.counters[.sessionsResumed])
    }
  }

  /// The whole course, from the first frame to the last acknowledgement, in steps of a millisecond.
  @Test(arguments: UInt64(0)..<120) func aCutAtAnyMomentLosesAndRepeatsNothing(millisecond: UInt64) throws {
    let result = try run(seed: 7, notes: 12, cutsAt: [millisecond * 1_000_000])
    #expect(result.a == Array(0..<12) && result.b == Array(0..<12), "cut at \(millisecond) ms: \(result)")
  }

  @Test(arguments: 1...40) func manyCutsLoseAndRepeatNothing(seed: UInt64) throws {
    let random = SimulationRandom(seed: seed)
    let cuts = (0..<8).map { _ in UInt64(random.integer(in: 0...3_000)) * 1_000_000 }
    let result = try run(seed: seed, notes: 60, cutsAt: cuts)
    #expect(result.a == Array(0..<60) && result.b == Array(0..<60), "seed \(seed), cuts \(cuts.sorted()): \(result)")
  }

  @Test func messagesWithoutAConnectionWaitForTheNext() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1]), notes = Notes()
      notes.listen(a)
      await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      world.network.partition([["n1"], ["n2"]])
      await b.wait { $0.allSatisfy { $0.state == .suspended } }
      for number in 0..<5 { try await session.send(WireChatMessage(number: number), reliably: true) }
      await #expect(throws: SessionError(.disconnected, "the peer is not connected")) { try await session.send(WireChatMessage(number: 9)) }
      world.network.heal()
      await b.waitForPeers(1)
      await world.sleep(3_000)
      #expect(notes.all == [0, 1, 2, 3, 4])
      #expect(await session.unacknowledged == 0)
    }
  }

  @Test func theNextSessionGetsWhatAKilledPeerHadNotAcknowledged() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      let kill = await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      kill()
      for number in 0..<3 { try await session.send(WireChatMessage(number: number), reliably: true) }
      let again = world.node(1), notes = Notes()
      notes.listen(again)
      await world.start(again, 1)
      await again.waitForPeers(1)
      await world.sleep(1_000)
      #expect(notes.all == [0, 1, 2])
    }
  }
}
