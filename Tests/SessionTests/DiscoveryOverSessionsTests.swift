import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// Nodes that tell each other of nodes, over sessions in virtual time.
@Suite struct DiscoveryOverSessionsTests {
  /// A machine on no link.
  private struct NoNetwork: LocalNetwork {
    func interfaces() throws(DiscoveryError) -> [NetworkInterface] { [] }
    func multicast(on interface: NetworkInterface, ipv4: Bool, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket {
      throw DiscoveryError(.network, "no link")
    }
    func broadcast(port: UInt16, receive: @escaping @Sendable (Datagram) -> Void) throws(DiscoveryError) -> any DatagramSocket { throw DiscoveryError(.network, "no link") }
  }

  private struct Member: Sendable {
    let node: NetworkNode, discovery: NodeDiscovery, number: Int
    func knows(_ key: NodeKey) async -> AddressBook.Entry? { await discovery.book[key] }
  }

  /// Starts a node that looks for others.
  private static func start(_ world: World, _ number: Int, dialling peers: [Int] = [], exchange: Bool = true, topics: [String] = [], wanted: Int = 16) async -> Member {
    let node = world.node(number, dialling: peers)
    var settings = DiscoverySettings()
    (settings.mdns, settings.beacon, settings.exchange, settings.topics, settings.wantedPeers) = (false, false, exchange, topics, wanted)
    let discovery = NodeDiscovery(
      settings: settings, own: world.key(number).publicKey, host: node, clock: world.simulation.clock,
      random: RandomSource(SplitMix64(state: UInt64(number) + world.simulation.seed)),
      network: NoNetwork(), path: nil, log: { if World.prints { print("n\(number)", $0, $1) } })
    discovery.register(with: node.handlers)
    await world.start(node, number)
    world.scope.start { await discovery.run() }
    return Member(node: node, discovery: discovery, number: number)
  }

  private static func waitFor(_ number: Int, at member: Member, _ world: World) async {
    let id = world.key(number).publicKey.description
    await member.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
  }

  @Test(arguments: 1...3) func twoNodesThatKnowAThirdHearOfEachOtherAndConnect(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      _ = await Self.start(world, 3)
      let a = await Self.start(world, 1, dialling: [3]), b = await Self.start(world, 2, dialling: [3])
      await Self.waitFor(2, at: a, world)
      await Self.waitFor(1, at: b, world)
      let statuses = await a.node.peers() + b.node.peers()
      #expect(statuses.contains { $0.reason.hasPrefix("found by ") && $0.isDialler && $0.path == "direct" }, "seed \(seed): \(statuses)")
      // What each knows of the other is the other's own signed word.
      #expect(await a.knows(world.key(2).publicKey)?.record?.addresses.map(\.description) == [world.address(2)])
    }
  }

  @Test func whoWantsNoExchangeTellsNobodyAndDialsNobody() throws {
    try World.run { world in
      let c = await Self.start(world, 3, exchange: false)
      let a = await Self.start(world, 1, dialling: [3], exchange: false), b = await Self.start(world, 2, dialling: [3], exchange: false)
      await world.sleep(180_000)
      let counts = [await c.node.peers().count, await a.node.peers().count, await b.node.peers().count]
      #expect(counts == [2, 1, 1])
      #expect(await c.discovery.book.count == 0)
    }
  }

  @Test func aNodeThatGoesTakesItsWordBackAndTheNewsGoesOn() throws {
    try World.run { world in
      // a and b are connected with c alone, so what a hears of b's leave comes through c.
      let c = await Self.start(world, 3), a = await Self.start(world, 1, dialling: [3], wanted: 1), b = await Self.start(world, 2, dialling: [3], wanted: 1)
      await c.node.waitForPeers(2)
      await world.sleep(20_000)
      let key = world.key(2).publicKey
      #expect(await c.knows(key)?.record != nil)
      #expect(await a.knows(key)?.record != nil)
      await b.discovery.withdraw(.shutdown)
      await world.sleep(2_000)
      #expect(await c.knows(key)?.record == nil)
      #expect(await a.knows(key)?.record == nil)
      #expect(await a.discovery.book.withdrawals[key] != nil)
      // Its old word, told again, is not taken; a new one is.
      await b.discovery.announce(to: [world.key(3).publicKey])
      await world.sleep(2_000)
      #expect(await c.knows(key)?.record != nil)
    }
  }

  @Test func providersAreFoundThroughTheTable() throws {
    try World.run { world in
      var members = [await Self.start(world, 1, wanted: 3)]
      for number in 2...8 { members.append(await Self.start(world, number, dialling: [max(1, number - 2)], wanted: 3)) }
      await world.sleep(30_000)
      let content = TablePoint(SHA256.hash([1, 2, 3]))!
      await members[7].discovery.provide(content, kind: .blob, size: 3)
      await world.sleep(2_000)
      let found = await members[0].discovery.findProviders(of: content)
      #expect(found.map(\.provider.provider) == [world.key(8).publicKey] && found.first?.provider.size == 3)
      #expect(found.first?.peer.addresses.map(\.description) == [world.address(8)])
      #expect(await members[0].discovery.findProviders(of: content, kind: .model).isEmpty)
      #expect(await members[0].discovery.findProviders(of: TablePoint(SHA256.hash([9]))!).isEmpty)
    }
  }

  @Test func nodesOfATopicMeetThroughOthers() throws {
    try World.run { world in
      let middle = await Self.start(world, 3, wanted: 0)
      let a = await Self.start(world, 1, dialling: [3], topics: ["llamas"], wanted: 2), b = await Self.start(world, 2, dialling: [3], topics: ["llamas"], wanted: 2)
      await Self.waitFor(2, at: a, world)
      // Each said so where the other looks, beyond what the middle told of peers.
      await world.sleep(90_000)
      #expect(await middle.discovery.table.store.count == 2)
      #expect(await a.discovery.findProviders(of: TablePoint(topic: "llamas"), kind: .topic).map(\.provider.provider) == [world.key(2).publicKey])
      #expect(await b.discovery.findProviders(of: TablePoint(topic: "alpacas"), kind: .topic).isEmpty)
    }
  }
}
