import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// The punch over simulated sessions. transport.memory has no routers, so what these tests show is the exchange and the move of the session; routers
/// are those of the namespaces' tests.
@Suite struct PunchServiceTests {
  /// Calls itself QUIC, so that its addresses are punched, and dials the host that an address of documentation stands for.
  private struct Renamed: Transport {
    let base: any Transport
    var info: TransportInfo { TransportInfo(scheme: "quic", features: base.info.features) }
    func listen(on address: String) async throws(PluginError) -> any TransportListener { try await base.listen(on: address) }
    func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
      let number = address.hasPrefix("quic://198.51.100.1:") ? 1 : 2
      return try await base.dial(RelayWorld.address(number), expecting: expected)
    }
  }

  private static func places(_ number: Int) -> [PeerAddress] { [try! PeerAddress("quic://198.51.100.\(number):9741")] }

  private static func punchers(_ world: RelayWorld, _ a: RelayWorld.Member, _ b: RelayWorld.Member) async -> (PunchService, PunchService) {
    let clock = world.simulation.clock
    let first = PunchService(clock: clock, random: SimulationRandom(seed: 1)) { places(1) }, second = PunchService(clock: clock, random: SimulationRandom(seed: 2)) { places(2) }
    await first.attach(to: a.node)
    await second.attach(to: b.node)
    return (first, second)
  }

  @Test(arguments: 1...5) func theSessionGoesOnDirectlyAndNoReliableMessageIsLost(seed: UInt64) throws {
    try RelayWorld.run(seed: seed) { world in
      let (relay, a, b) = try await RelayedSessionTests.pair(world) { Renamed(base: $0) }
      let (punching, other) = await Self.punchers(world, a, b)
      let received = Received()
      b.node.handlers.on(WireChatMessage.self) { message, _ in
        received.append(message.writtenMs)
        return nil
      }
      let session = try #require(await a.node.session(with: b.key)), id = session.id
      let total: UInt64 = 300
      world.scope.start {
        for number in 1...total {
          var message = WireChatMessage()
          (message.note, message.conversation, message.text, message.writtenMs) = (Data(repeating: 1, count: 16), Data(repeating: 2, count: 16), "x", number)
          _ = try? await session.send(message, reliably: true)
          await world.sleep(5)
        }
      }
      await world.sleep(100)
      let outcome = await punching.punch(b.key)
      #expect(outcome.isDirect, "seed \(seed): \(outcome)")
      await world.sleep(10_000)
      let (ofA, ofB) = (await a.status(of: b), await b.status(of: a))
      #expect(ofA?.path == "direct" && ofB?.path == "direct", "seed \(seed): \(String(describing: ofA)) \(String(describing: ofB))")
      #expect(await a.node.session(with: b.key)?.id == id, "the session is the same")
      #expect(received.all == Array(1...total), "seed \(seed)")
      #expect(await relay.relaying.circuitCount == 0)
      _ = other
    }
  }

  @Test func whereNothingGetsThroughTheRelayStays() throws {
    try RelayWorld.run { world in
      let (_, a, b) = try await RelayedSessionTests.pair(world) { Renamed(base: $0) }
      let (punching, other) = await Self.punchers(world, a, b)
      world.isWalled.withLock { $0 = true }
      let outcome = await punching.punch(b.key)
      #expect(outcome == PunchService.Outcome(isDirect: false, reason: "3 tries got no answer"))
      let status = await a.status(of: b)
      #expect(status?.path == "relay" && status?.state == .connected)
      _ = other
    }
  }

  @Test func relayedSessionsArePunchedByThemselvesAndPeersSaysWhyOneStays() throws {
    try RelayWorld.run { world in
      let (_, a, b) = try await RelayedSessionTests.pair(world) { Renamed(base: $0) }
      let (first, second) = await Self.punchers(world, a, b)
      world.isWalled.withLock { $0 = true }
      for punching in [first, second] { world.scope.start { await punching.run() } }
      // Whoever was dialled through the relay tries thrice; both ends say what came of it.
      await a.node.wait { $0.contains { $0.reason.contains("no direct path: 3 tries got no answer") } }
      await b.node.wait { $0.contains { $0.reason.contains("no direct path: the other end gave up") } }
      world.isWalled.withLock { $0 = false }
      // After half a minute it tries again.
      let id = b.key.description
      await a.node.wait { $0.contains { $0.id == id && $0.path == "direct" && $0.state == .connected } }
      let reasons = [await a.status(of: b)?.reason, await b.status(of: a)?.reason]
      #expect(reasons.contains { $0?.hasPrefix("direct: ") == true }, "\(reasons)")
    }
  }

  @Test func aPeerBeginsSoManyPunchesInAMinuteAndNotOneMore() throws {
    try RelayWorld.run { world in
      let (_, a, b) = try await RelayedSessionTests.pair(world) { Renamed(base: $0) }
      let asked = Received(), clock = world.simulation.clock
      let punching = PunchService(settings: RelaySettings(limits: [.punchesPerPeerAndMinute: 2]), clock: clock, random: SimulationRandom(seed: 1)) {
        asked.append(0)
        return []
      }
      await punching.attach(to: b.node)
      let session = try #require(await a.node.session(with: b.key))
      func begin(_ number: UInt8) async throws {
        var message = WireHolePunchSync()
        (message.step, message.circuit, message.nonce) = (.connect, Data(repeating: number, count: 16), Data(repeating: number, count: 16))
        (message.candidates, message.attempt) = (Self.places(1).map(\.description), 1)
        try await session.send(message)
        // The follower gives up when nothing follows.
        await world.sleep(11_000)
      }
      for number in UInt8(1)...2 { try await begin(number) }
      #expect(asked.all.count == 2)
      try await begin(3)
      #expect(asked.all.count == 2)
      await world.sleep(30_000)
      try await begin(4)
      #expect(asked.all.count == 3)
    }
  }

  @Test func whoIsNotBehindARelayIsNotPunched() throws {
    try RelayWorld.run { world in
      let relay = try await world.start(0), a = try await world.start(1, atRelay: false)
      let punching = PunchService(clock: world.simulation.clock, random: SimulationRandom(seed: 1)) { Self.places(1) }
      await punching.attach(to: a.node)
      let outcome = await punching.punch(relay.key)
      #expect(!outcome.isDirect)
    }
  }
}

/// What a node was given, in order.
final class Received: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [UInt64] = []
  var all: [UInt64] { lock.withLock { values } }
  func append(_ value: UInt64) { lock.withLock { values.append(value) } }
}
