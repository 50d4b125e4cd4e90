import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import Synchronization
import Testing

@testable import CentramNode

/// Observed addresses and dial-back, asked and answered over sessions.
@Suite struct ReachabilityServiceTests {
  private struct Member: Sendable {
    let node: NetworkNode, service: ReachabilityService
  }

  private final class Wall: Sendable {
    let isUp = Mutex(false)
  }

  /// Node 1 and three others in networks of their own, all connected with it.
  private static func run(
    limits: [RelayLimit: Int] = [:], _ body: @escaping @Sendable (RelayWorld, _ own: Member, _ others: [Member], Wall) async throws -> Void
  ) throws {
    try RelayWorld.run { world in
      let wall = Wall()
      func start(_ number: Int) async throws -> Member {
        let clock = world.simulation.clock, random = SimulationRandom(seed: UInt64(number))
        let memory = world.network.transport(host: "n\(number)", identity: PeerID(RelayWorld.key(number).bytes)!)
        var settings = NodeSettings()
        settings.listen = [RelayWorld.address(number)]
        if number > 1 { settings.peers = [PeerReference(address: AddressedTransport.place(1), key: RelayWorld.key(1))] }
        let node = NetworkNode(
          settings: settings, key: try SigningKey(seed: RelayWorld.seed(number)), transports: [Named(base: AddressedTransport(base: memory)), AddressedTransport(base: memory)],
          clock: clock, random: random)
        // A dial back comes over a socket that the router in front of node 1 has not seen.
        let back = AddressedTransport(base: memory) { !wall.isUp.withLock { $0 } }
        let service = ReachabilityService(settings: RelaySettings(limits: limits), clock: clock, random: random, dialBack: [back])
        await service.attach(to: node)
        world.scope.start { try? await node.run() }
        await node.waitUntilStarted()
        return Member(node: node, service: service)
      }
      let own = try await start(1)
      var others: [Member] = []
      for number in 2...4 { others.append(try await start(number)) }
      await own.node.wait { $0.count { $0.state == .connected } == 3 }
      try await body(world, own, others, wall)
    }
  }

  /// Listens under the name of the simulated transport, and says of its connections what the other one does.
  private struct Named: Transport {
    let base: AddressedTransport
    var info: TransportInfo { base.base.info }
    func listen(on address: String) async throws(PluginError) -> any TransportListener { try await base.listen(on: address) }
    func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection { try await base.dial(address, expecting: expected) }
  }

  @Test func peersTellWhereTheySeeTheNodeAndDialItBack() throws {
    try Self.run { world, own, others, _ in
      for other in others { world.scope.start { await other.service.run() } }
      await world.sleep(2_000)
      let place = try PeerAddress(AddressedTransport.place(1))
      #expect(await own.service.confirmed == [place])
      #expect(await own.service.mapping(scheme: "quic") == .endpointIndependent)
      #expect(await own.service.verdict == .unknown)
      world.scope.start { await own.service.run() }
      await world.sleep(2_000)
      #expect(await own.service.verdict == .public)
    }
  }

  @Test func aNodeThatNobodyCanDialBackIsPrivate() throws {
    try Self.run { world, own, others, wall in
      wall.isUp.withLock { $0 = true }
      for other in others { world.scope.start { await other.service.run() } }
      await world.sleep(2_000)
      world.scope.start { await own.service.run() }
      await world.sleep(2_000)
      #expect(await own.service.verdict == .private)
    }
  }

  @Test func aNodeDialsNobodyBackButTheAskerAndNotTooOften() throws {
    try Self.run(limits: [.dialBacksPerPeerAndMinute: 2]) { world, own, others, _ in
      let session = try #require(await own.node.session(with: RelayWorld.key(2)))
      func ask(_ address: String) async throws -> WireDialOutcome? {
        var question = WireObservedAddress()
        (question.step, question.candidates, question.nonce) = (.dialRequest, [address], Data(repeating: 1, count: 16))
        return try await session.request(question, for: WireObservedAddress.self).results.first?.outcome
      }
      // A third party's address is not dialled, and asking for it costs nothing of what the asker may.
      #expect(try await ask(AddressedTransport.place(3)) == .notTried)
      #expect(try await ask(AddressedTransport.place(1)) == .reached)
      #expect(try await ask(AddressedTransport.place(1)) == .reached)
      #expect(try await ask(AddressedTransport.place(1)) == .notTried)
      #expect(await others[0].service.counters[.dialBacksPerPeerAndMinute] == 1)
      await world.sleep(60_000)
      #expect(try await ask(AddressedTransport.place(1)) == .reached)
    }
  }

  @Test func answersThatNobodyAskedForAreRefused() throws {
    try Self.run { world, own, others, _ in
      let session = try #require(await others[0].node.session(with: RelayWorld.key(1)))
      var answer = WireObservedAddress()
      (answer.step, answer.nonce) = (.dialResult, Data(repeating: 1, count: 16))
      answer.results = [DialBackServer.result(AddressedTransport.place(1), .reached, microseconds: 1)]
      await #expect(throws: SessionError.self) { try await session.request(answer, for: WireObservedAddress.self) }
      #expect(await own.service.verdict == .unknown)
    }
  }
}
