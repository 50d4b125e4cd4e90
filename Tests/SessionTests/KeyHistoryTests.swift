import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// Changes of keys that outlive a restart, and peers that were away when they happened.
@Suite struct KeyHistoryTests {
  /// What a node has written down.
  private final class Kept: Sendable {
    private let links = Mutex(KeyLinks())
    private let isFull = Mutex(false)
    var all: KeyLinks { links.withLock { $0 } }
    func fill() { isFull.withLock { $0 = true } }
    func keep(_ new: KeyLinks) throws(DiscoveryError) {
      if isFull.withLock({ $0 }) { throw DiscoveryError(.storage, "the disk is full") }
      links.withLock { $0 = new }
    }
  }

  /// A node that writes its links down. Its number is its key's.
  private static func node(_ world: World, _ number: Int, dialling peers: [Int] = [], _ kept: Kept) -> NetworkNode {
    var settings = NodeSettings()
    settings.listen = [world.address(number)]
    settings.peers = peers.map { PeerReference(address: world.address($0), key: nil) }
    return NetworkNode(
      settings: settings, key: world.key(number), transports: [world.transport(number)], clock: world.simulation.clock, random: SimulationRandom(seed: UInt64(number)),
      log: { if World.prints { print("n\(number)", $0, $1) } }, links: kept.all, keep: { links throws(DiscoveryError) in try kept.keep(links) })
  }

  private static func link(_ number: Int, end: UInt64 = 1) -> KeyLinks.Link {
    func key(_ kind: UInt8) -> [UInt8] { (0..<32).map { $0 < 4 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : kind } }
    return KeyLinks.Link(old: key(1), new: key(2), number: 1, effective: UInt64(number), end: end, message: [])
  }

  @Test(arguments: 1...3) func aPeerThatWasAwayIsToldAtTheNextMeeting(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      let (keptByA, keptByB, notes) = (Kept(), Kept(), Notes())
      let a = Self.node(world, 1, keptByA), b = Self.node(world, 2, dialling: [1], keptByB)
      let kill = await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      let first = world.key(1).publicKey, session = try #require(await b.session(with: first))
      world.network.partition([["n1"], ["n2"]])
      // What b has for the old key while it does not know of the new one.
      try await session.send(WireChatMessage(number: 7), reliably: true)
      try await a.rotateKey(to: world.key(100))
      try await a.rotateKey(to: world.key(101))
      #expect(b.counters[.keyRotations] == 0)
      kill()
      world.network.heal()
      // The node after two restarts: another key in its transport, its history from what was written down.
      let successor = Self.node(world, 101, dialling: [2], keptByA)
      notes.listen(successor)
      await world.start(successor, 101)
      await successor.waitForPeers(1)
      await world.sleep(2_000)
      let last = world.key(101).publicKey
      let links = await b.links, byFirst = await b.session(with: first)?.id, byLast = await b.session(with: last)?.id
      #expect(links.current(first.bytes) == last.bytes && links.link(from: world.key(100).publicKey.bytes)?.number == 2, "seed \(seed)")
      #expect(byFirst != nil && byFirst == byLast, "seed \(seed)")
      #expect(notes.all == [7], "seed \(seed)")
      #expect(keptByB.all == links && b.counters[.badSignatures] == 0, "seed \(seed)")
      let statuses = await b.peers()
      #expect(statuses.filter { $0.state != .dialling }.map(\.id) == [last.description], "seed \(seed): \(statuses)")
    }
  }

  @Test func theNumberOfRotationsGoesOnAfterARestart() throws {
    try World.run { world in
      let kept = Kept(), a = Self.node(world, 1, kept)
      let kill = await world.start(a, 1)
      try await a.rotateKey(to: world.key(100))
      kill()
      let successor = Self.node(world, 100, kept)
      await world.start(successor, 100)
      try await successor.rotateKey(to: world.key(101))
      #expect(kept.all.all.map(\.number) == [1, 2])
      #expect(kept.all.history(of: world.key(101).publicKey.bytes).map(\.number) == [2, 1])
    }
  }

  @Test func aRotationThatCannotBeWrittenDownDoesNotHappen() throws {
    try World.run { world in
      let kept = Kept(), a = Self.node(world, 1, kept), b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      kept.fill()
      await #expect(throws: SessionError(.configuration, "the disk is full")) { try await a.rotateKey(to: world.key(100)) }
      await world.sleep(1_000)
      let (key, count) = (await a.key.publicKey, await a.links.count)
      #expect(key == world.key(1).publicKey && count == 0 && b.counters[.keyRotations] == 0)
    }
  }

  @Test func aHistoryThatDoesNotLeadToTheSenderIsRefused() throws {
    try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      try await peer.send(KeyRotation.message(from: world.key(50), to: world.key(51), number: 1, effective: 1, grace: 0, isCompromised: false))
      #expect(await peer.nextError()?.code == .badSignature)
      #expect(await victim.links.count == 0)
    }
  }

  @Test func asManyFormerKeysAreTakenAsTheLimitAllowsAndNotOneMore() throws {
    try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var new = peer.key
      for number in 0..<KeyLinks.historyLength + 1 {
        #expect(await victim.links.count == number)
        let old = world.key(50 + number)
        try await peer.send(KeyRotation.message(from: old, to: new, number: 1, effective: 1, grace: 0, isCompromised: false))
        new = old
        await world.sleep(50)
      }
      #expect(await peer.nextError()?.code == .badSignature)
      #expect(await victim.links.count == KeyLinks.historyLength)
      // The same again is no offence.
      try await peer.send(KeyRotation.message(from: world.key(50), to: peer.key, number: 1, effective: 1, grace: 0, isCompromised: false))
      await world.sleep(50)
      #expect(await victim.links.count == KeyLinks.historyLength)
    }
  }

  @Test func linksAreAsManyAsTheLimitAndTheOneThatEndedFirstMakesRoom() throws {
    var links = KeyLinks()
    for number in 0..<KeyLinks.capacity { try links.add(Self.link(number, end: UInt64(10_000 - number))) }
    #expect(links.count == KeyLinks.capacity)
    try links.add(Self.link(KeyLinks.capacity, end: 20_000))
    #expect(links.count == KeyLinks.capacity && links.link(from: Self.link(KeyLinks.capacity - 1).old) == nil && links.link(from: Self.link(0).old) != nil)
  }

  @Test func linksComeBackFromTheirFileAndWhatDoesNotHoldIsLeftOut() throws {
    let folder = NSTemporaryDirectory() + "centram-keys-\(UUID().uuidString)", path = folder + "/keys.json"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func key(_ number: UInt8) throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: number, count: 32)) }
    var links = KeyLinks()
    for number: UInt8 in 1...3 {
      try links.add(
        KeyRotation.check(KeyRotation.message(from: key(number), to: key(number + 1), number: UInt32(number), effective: 5, grace: 9, isCompromised: false)))
    }
    #expect(try KeyLinks.load(from: path) == KeyLinks())
    try links.save(to: path)
    #expect(try KeyLinks.load(from: path) == links)
    // A bit of each message in turn.
    struct File: Codable { var version: Int, rotations: [Data] }
    for index in 0..<3 {
      var file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
      file.rotations[index][file.rotations[index].count - 5] ^= 1
      let other = folder + "/damaged.json"
      try JSONEncoder().encode(file).write(to: URL(fileURLWithPath: other))
      #expect(try KeyLinks.load(from: other).count == 2)
    }
    for text in ["", "{}", #"{"version": 2, "rotations": []}"#] {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: DiscoveryError.self) { try KeyLinks.load(from: path) }
      #expect(error?.message.contains("Remove it") == true)
    }
  }

  @Test func aPreparedKeyOfWhichNobodyHasHeardWaitsForTheNextChange() throws {
    let folder = NSTemporaryDirectory() + "centram-keys-\(UUID().uuidString)", path = folder + "/identity"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let old = try NodeIdentity.opened(at: path), next = try NodeIdentity.prepareSuccessor(of: path)
    #expect(try NodeIdentity.opened(at: path) { _, _ in false }.publicKey == old.publicKey)
    #expect(try NodeIdentity.prepareSuccessor(of: path).publicKey == next.publicKey)
    #expect(try NodeIdentity.opened(at: path) { $0 == old.publicKey && $1 == next.publicKey }.publicKey == next.publicKey)
  }
}
