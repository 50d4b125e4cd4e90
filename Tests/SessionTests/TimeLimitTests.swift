import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// Limits in milliseconds, just below and just above. The session looks every quarter of its keep-alive time, so that is the grain.
@Suite struct TimeLimitTests {
  /// Frames of a type that a peer gets in so many milliseconds.
  private static func pings(_ peer: HostilePeer, _ world: World, for milliseconds: Int) async throws -> [UInt64] {
    let end = world.simulation.clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
    var times: [UInt64] = []
    while world.simulation.clock.monotonicNanoseconds < end, let frame = try await peer.reader.next() {
      if frame.type == .ping { times.append(world.simulation.clock.monotonicNanoseconds / 1_000_000) }
    }
    return times
  }

  @Test(arguments: [400, 4_000]) func aQuietPeerIsPingedOnceInTheKeepAliveTime(milliseconds: Int) throws {
    try World.attack(limits: [.keepAliveMilliseconds: milliseconds]) { world, _ in
      let peer = try await HostilePeer.connected(world, 3)
      let times = try await Self.pings(peer, world, for: milliseconds * 6)
      #expect(times.count >= 5)
      // Not sooner, and not later than one look after it. The first comes at once.
      for (before, after) in zip(times, times.dropFirst()) {
        let pause = Int(after - before)
        #expect(pause >= milliseconds - 5 && pause <= milliseconds + milliseconds / 4 + 10, "\(pause) ms between two pings; keepAliveMilliseconds is \(milliseconds)")
      }
    }
  }

  @Test func aPeerMayBeSilentForItsTimeAndNoLonger() throws {
    let counters = try World.attack(limits: [.silenceMilliseconds: 6_000, .keepAliveMilliseconds: 400]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      for _ in 0..<3 {
        // A word just before the time is over begins a new time.
        await world.sleep(5_800)
        #expect(await victim.session(with: peer.key.publicKey) != nil)
        try await peer.send(WirePing())
      }
      await world.sleep(5_900)
      #expect(await victim.session(with: peer.key.publicKey) != nil && victim.counters[Limit.silenceMilliseconds] == 0)
      await world.sleep(300)
      #expect(await victim.session(with: peer.key.publicKey) == nil)
    }
    #expect(counters[Limit.silenceMilliseconds] == 1)
  }

  @Test func aFrameMayBeOnItsWayForItsTimeAndNoLonger() throws {
    let counters = try World.attack(limits: [.stalledMilliseconds: 3_000, .keepAliveMilliseconds: 400]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3), bytes = try peer.frame(HostilePeer.find(), replyExpected: true).bytes
      try await peer.send(Array(bytes.prefix(100)))
      await world.sleep(2_900)
      try await peer.send(Array(bytes.dropFirst(100)))
      while let frame = try await peer.reader.next() { if frame.type == .findNodeReply { break } }
      #expect(victim.counters[Limit.stalledMilliseconds] == 0)
      try await peer.send(Array(peer.frame(HostilePeer.find()).bytes.prefix(100)))
      await world.sleep(2_900)
      #expect(await victim.session(with: peer.key.publicKey) != nil)
      await world.sleep(300)
      #expect(await victim.session(with: peer.key.publicKey) == nil)
    }
    #expect(counters[Limit.stalledMilliseconds] == 1)
  }

  /// A clock whose sleeps do not end within a time: the node stands still.
  private struct LateClock: NodeClock {
    let clock: SimulationClock, standstill: Range<UInt64>
    var unixMilliseconds: Int64 { clock.unixMilliseconds }
    var monotonicNanoseconds: UInt64 { clock.monotonicNanoseconds }
    func sleep(until nanoseconds: UInt64) async throws {
      try await clock.sleep(until: standstill.contains(nanoseconds) ? standstill.upperBound : nanoseconds)
    }
  }

  @Test(arguments: [true, false]) func aNodeThatStoodStillBlamesNobodyForIt(stoodStill: Bool) throws {
    try World.run { world in
      let clock = world.simulation.clock, begin = clock.monotonicNanoseconds + 10_000_000_000, end = begin + 30_000_000_000
      var settings = NodeSettings()
      settings.listen = [world.address(1)]
      settings.limits = Limits([.silenceMilliseconds: 6_000, .keepAliveMilliseconds: 400])
      let a = NetworkNode(
        settings: settings, key: world.key(1), transports: [world.transport(1)], clock: LateClock(clock: clock, standstill: stoodStill ? begin..<end : begin..<begin),
        random: SimulationRandom(seed: 1))
      let b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      try await clock.sleep(until: begin)
      // What comes meanwhile waits.
      world.network.partition([["n1"], ["n2"]])
      try await clock.sleep(until: end)
      world.network.heal()
      await world.sleep(2_000)
      #expect((a.counters[Limit.silenceMilliseconds] == 0) == stoodStill)
      #expect((a.counters[.connectionsLost] == 0) == stoodStill)
    }
  }

  @Test func aRequestWaitsForItsTimeAndNoLonger() throws {
    let counters = try World.attack(limits: [.requestMilliseconds: 3_000, .keepAliveMilliseconds: 400]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      let session = try await victim.connectedSession(peer.key.publicKey)
      for wait in [2_900, 3_200] {
        async let outcome = Self.outcome(session)
        var question: Frame?
        while question == nil, let frame = try await peer.reader.next() { if frame.type == .findNode { question = frame } }
        await world.sleep(wait)
        let answer = try Frame.signed(
          WireFindNodeReply(), by: peer.key, to: peer.victim, session: peer.session, sequence: peer.nextSequence(), unixMilliseconds: peer.now,
          inReplyTo: question?.header.sequence ?? 0)
        try await peer.send(answer.bytes)
        #expect(await outcome == (wait < 3_000 ? nil : SessionError(.timedOut, "the peer did not answer in time")), "\(wait) ms")
      }
    }
    #expect(counters[Limit.requestMilliseconds] == 1)
  }

  private static func outcome(_ session: PeerSession) async -> SessionError? {
    do throws(SessionError) {
      _ = try await session.request(HostilePeer.find(), for: WireFindNodeReply.self)
      return nil
    } catch { return error }
  }

  @Test(arguments: [(18_500, true), (21_500, false)]) func aSessionWaitsForItsPeerForItsTimeAndNoLonger(milliseconds: Int, isKept: Bool) throws {
    try World.run { world in
      let a = world.node(1, limits: Limits([.resumeMilliseconds: 20_000, .silenceMilliseconds: 3_000, .keepAliveMilliseconds: 500]))
      let b = world.node(2, dialling: [1], limits: Limits([.silenceMilliseconds: 3_000, .keepAliveMilliseconds: 500])) { $0.redialMilliseconds = 50...100 }
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      let before = await a.session(with: world.key(2).publicKey)?.id
      world.network.partition([["n1"], ["n2"]])
      await a.wait { $0.contains { $0.state == .suspended } }
      await world.sleep(milliseconds)
      world.network.heal()
      await a.waitForPeers(1)
      let after = await a.session(with: world.key(2).publicKey)?.id
      #expect(before != nil && after != nil && (before == after) == isKept)
      #expect((a.counters[Limit.resumeMilliseconds] > 0) == !isKept)
    }
  }

  @Test(arguments: [1, 2, 5]) func aPeerMaySendSoManySecondsWorthAtOnceAndNotOneMore(seconds: Int) throws {
    let limit = Limit.messagesPerSecond(family: 3)
    let counters = try World.attack(limits: [limit: 10, .burstSeconds: seconds]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      // In one piece, so that no time passes in between.
      var bytes: [UInt8] = []
      for _ in 0..<(10 * seconds) { bytes += try peer.unknown(family: 3) }
      try await peer.send(bytes)
      for _ in 0..<(10 * seconds) { #expect(await peer.nextError()?.code == .unknownType) }
      #expect(victim.counters[limit] == 0)
      // Full again after as many seconds, and not fuller after more.
      await world.sleep(seconds * 1_000 + 5_000)
      bytes = []
      for _ in 0..<(10 * seconds + 1) { bytes += try peer.unknown(family: 3) }
      try await peer.send(bytes)
      for _ in 0..<(10 * seconds) { #expect(await peer.nextError()?.code == .unknownType) }
      #expect(await peer.nextError()?.code == .rateLimited)
    }
    #expect(counters[limit] == 1)
  }
}
