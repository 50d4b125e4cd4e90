import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// A node that was given a peer's ticket reaches it, whatever is in between.
@Suite struct RelayedReferenceTests {
  private static func reference(_ world: RelayWorld, to peer: NodeKey) throws -> PeerReference {
    let relay = Ticket.Relay(id: RelayWorld.key(0), address: try PeerAddress(RelayWorld.address(0)))
    return PeerReference(addresses: [RelayWorld.address(1)], key: peer, relays: [relay], reason: "ticket")
  }

  /// - Returns: what b sees of a.
  private static func reach(_ world: RelayWorld, isWalled: Bool) async throws -> (status: PeerStatus, relay: RelayWorld.Member, a: RelayWorld.Member, b: RelayWorld.Member) {
    let relay = try await world.start(0, settings: RelaySettings(isOpen: true)), a = try await world.start(1), b = try await world.start(2, knowsRelay: false)
    await world.sleep(2_000)
    world.isWalled.withLock { $0 = isWalled }
    await b.node.connect(to: try reference(world, to: a.key))
    let id = a.key.description
    await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
    return (try #require(await b.status(of: a)), relay, a, b)
  }

  @Test func aTicketsRelayIsDialledWhenTheDirectAddressesFail() throws {
    try RelayWorld.run { world in
      let (status, relay, _, b) = try await Self.reach(world, isWalled: true)
      #expect(status.path == "relay" && status.reason.hasPrefix("relay: nobody answered at the direct addresses; memory://n1:1: no answer in 1"), "\(status)")
      #expect(status.addresses.contains(RelayWorld.address(1)))
      #expect(await b.status(of: relay)?.reason == "relay")
    }
  }

  @Test func theRelayIsLeftInPeaceWhereADirectAddressAnswers() throws {
    try RelayWorld.run { world in
      let (status, relay, _, b) = try await Self.reach(world, isWalled: false)
      #expect(status.path == "direct" && status.reason == "ticket", "\(status)")
      await world.sleep(5_000)
      #expect(await b.status(of: relay) == nil)
    }
  }

  @Test func aRelayedPeerThatIsLostIsReachedAgain() throws {
    try RelayWorld.run { world in
      let (_, _, a, b) = try await Self.reach(world, isWalled: true)
      // Both ends have it before it is cut.
      await world.sleep(1_000)
      let before = await b.node.session(with: a.key)?.id
      world.network.cutAll()
      let id = a.key.description
      await b.node.wait { !$0.contains { $0.id == id && $0.state == .connected } }
      await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
      let after = await b.node.session(with: a.key)?.id
      #expect(before != nil && before == after, "the session goes on")
      #expect(await b.status(of: a)?.path == "relay")
    }
  }

  /// A machine on no link.
  private struct NoNetwork: LocalNetwork {
    func interfaces() throws(DiscoveryError) -> [NetworkInterface] { [] }
    func multicast(on interface: NetworkInterface, ipv4: Bool, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket {
      throw DiscoveryError(.network, "no link")
    }
    func broadcast(port: UInt16, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket { throw DiscoveryError(.network, "no link") }
  }

  @Test func whoHasOnlyARelayIsDialledThroughItFromTheAddressBookAfterARestart() throws {
    try RelayWorld.run { world in
      let folder = NSTemporaryDirectory() + "centram-book-\(UUID().uuidString)", path = folder + "/peers.json"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      _ = try await world.start(0, settings: RelaySettings(isOpen: true))
      let a = try await world.start(1), b = try await world.start(2, knowsRelay: false), clock = world.simulation.clock
      world.isWalled.withLock { $0 = true }
      // What b wrote down before its restart: a's signed word, which names a relay and no address.
      let now = UInt64(max(0, clock.unixMilliseconds))
      var route = WireRelayRoute()
      (route.relay, route.url, route.expiresMs) = (Data(RelayWorld.key(0).bytes), RelayWorld.address(0), now + 3_600_000)
      let signed = try VerifiedRecord.make(by: SigningKey(seed: RelayWorld.seed(1)), addresses: [], relays: [route], number: 1, now: now)
      var book = AddressBook(own: b.key)
      let isNew = book.add(PeerHint(key: a.key, addresses: [], source: .exchange, record: try VerifiedRecord(signed, now: now)), introducer: RelayWorld.key(0), now: now)
      #expect(isNew)
      try book.save(to: path)
      var settings = DiscoverySettings()
      (settings.mdns, settings.beacon) = (false, false)
      let discovery = NodeDiscovery(
        settings: settings, own: b.key, host: b.node, clock: clock, random: RandomSource(SplitMix64(state: 3)), network: NoNetwork(), path: path, log: { _, _ in })
      discovery.register(with: b.node.handlers)
      world.scope.start { await discovery.run() }
      let id = a.key.description
      await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
      let status = try #require(await b.status(of: a))
      #expect(status.path == "relay" && status.isDialler, "\(status)")
      await world.sleep(1_000)
      #expect(await discovery.book[a.key]?.reached ?? 0 > 0)
    }
  }

  @Test func relaysThatFailAreTriedAfterGrowingPauses() throws {
    let key = RelayWorld.key(1), start: UInt64 = 1_000_000
    var route = WireRelayRoute()
    (route.relay, route.url, route.expiresMs) = (Data(RelayWorld.key(0).bytes), "quic://192.0.2.1:1", start + 3_600_000)
    let signed = try VerifiedRecord.make(by: SigningKey(seed: RelayWorld.seed(1)), addresses: [], relays: [route], number: 1, now: start)
    var book = AddressBook(own: RelayWorld.key(2)), random = RandomSource(SplitMix64(state: 1))
    book.add(PeerHint(key: key, addresses: [], source: .exchange, record: try VerifiedRecord(signed, now: start)), now: start)
    #expect(book.peersToDial(2, except: [], now: start, random: &random) == [key])
    var now = start
    for pause: UInt64 in [30_000, 60_000, 120_000] {
      book.dialledThroughRelays(key, reached: false, now: now)
      #expect(book.relaysAlone(for: key, now: now + pause - 1).isEmpty && book.peersToDial(2, except: [], now: now + pause - 1, random: &random).isEmpty)
      #expect(book.relaysAlone(for: key, now: now + pause).map(\.id) == [RelayWorld.key(0)])
      now += pause
    }
    book.dialledThroughRelays(key, reached: true, now: now)
    #expect(book.relaysAlone(for: key, now: now).count == 1)
    // With a direct address beside them, relays are the race's business.
    book.add(PeerHint(key: key, addresses: [try PeerAddress("quic://192.0.2.9:1")], source: .ticket), now: now)
    #expect(book.relaysAlone(for: key, now: now).isEmpty)
  }

  @Test func relaysThatPeersBringAreForgottenBeyondTheLimit() async throws {
    let world = Simulation(seed: 1), own = try SigningKey(seed: [UInt8](repeating: 9, count: 32))
    let node = NetworkNode(settings: NodeSettings(), key: own, transports: [], clock: world.clock, random: SimulationRandom(seed: 1))
    func key(_ number: Int) -> NodeKey { NodeKey((0..<32).map { $0 == 0 ? UInt8(number + 1) : 3 })! }
    for number in 0..<NetworkNode.mostRelays { await node.learn(Ticket.Relay(id: key(number), address: try PeerAddress("quic://192.0.2.1:\(number + 1)"))) }
    #expect(await node.relayAddresses.count == NetworkNode.mostRelays)
    await node.learn(Ticket.Relay(id: key(200), address: try PeerAddress("quic://192.0.2.1:999")))
    let known = await node.relayAddresses
    #expect(known.count == NetworkNode.mostRelays && known[key(0)] == nil && known[key(200)] != nil)
    // Nobody is its own relay.
    await node.learn(Ticket.Relay(id: own.publicKey, address: try PeerAddress("quic://192.0.2.1:999")))
    #expect(await node.relayAddresses[own.publicKey] == nil)
  }
}
