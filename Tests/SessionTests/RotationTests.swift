import CentramPluginTesting
import CentramWire
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// A key's change between two running nodes, and capabilities that change.
@Suite struct RotationTests {
  @Test(arguments: 1...5) func aRotatedKeyIsTakenByARunningPeerAndNoMessageIsLost(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      let a = world.node(1), b = world.node(2, dialling: [1]), (ofA, ofB) = (Notes(), Notes())
      ofA.listen(a)
      ofB.listen(b)
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      let old = world.key(1).publicKey, new = world.key(100)
      let (toB, toA) = (try #require(await a.session(with: world.key(2).publicKey)), try #require(await b.session(with: old)))
      // Notes go both ways all the time.
      for number in 0..<40 {
        if number == 20 { try await a.rotateKey(to: new) }
        try await toB.send(WireChatMessage(number: number), reliably: true)
        try await toA.send(WireChatMessage(number: number), reliably: true)
        await world.sleep(2)
      }
      await a.waitForAcknowledgements(milliseconds: 10_000)
      await b.waitForAcknowledgements(milliseconds: 10_000)
      #expect(ofA.all == Array(0..<40) && ofB.all == Array(0..<40), "seed \(seed)")
      #expect(b.counters[.keyRotations] == 1 && b.counters[.badSignatures] == 0 && b.counters[.wrongSessions] == 0 && a.counters[.wrongSessions] == 0)
      // The peer is known by its new key, and found by its old one.
      #expect(await b.peers().map(\.id) == [new.publicKey.description])
      #expect(await b.peers().first?.addresses == [world.address(1)])
      let (byOld, byNew) = (await b.session(with: old)?.id, await b.session(with: new.publicKey)?.id)
      #expect(byOld != nil && byOld == byNew)
      let link = try #require(await b.links.link(from: old.bytes))
      #expect(link.new == new.publicKey.bytes && link.end - link.effective == 86_400_000 && !link.message.isEmpty)
    }
  }

  @Test func aRotationSurvivesALostConnection() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      world.network.partition([["n1"], ["n2"]])
      let new = world.key(100)
      try await a.rotateKey(to: new)
      world.network.heal()
      // What waited in the streams arrives with the partition's end.
      let id = new.publicKey.description
      await b.wait { $0.contains { $0.id == id } }
      #expect(b.counters[.keyRotations] == 1)
    }
  }

  /// At any moment of the handshake, in steps of a millisecond.
  @Test(arguments: 0..<40) func aRotationDuringAHandshakeIsToldToo(millisecond: Int) throws {
    try World.run(seed: 3) { world in
      let a = world.node(1), b = world.node(2, dialling: [1]), new = world.key(100), notes = Notes()
      notes.listen(b)
      await world.start(a, 1)
      await world.start(b, 2)
      await world.sleep(millisecond)
      try await a.rotateKey(to: new)
      // Before its first frame the handshake was with the new key; then the transport, which has the old one, refuses it.
      await world.sleep(2_000)
      guard let session = await a.session(with: world.key(2).publicKey) else { return }
      try await session.send(WireChatMessage(number: 1), reliably: true)
      await world.sleep(2_000)
      #expect(notes.all == [1] && b.counters[.wrongSessions] == 0, "rotated after \(millisecond) ms")
      #expect(await b.peers().map(\.id) == [new.publicKey.description], "rotated after \(millisecond) ms")
    }
  }

  @Test func theOldKeyIsRefusedOnceItsGraceIsOver() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      let kill = await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      try await a.rotateKey(to: world.key(100), grace: 5_000)
      let id = world.key(100).publicKey.description
      await b.wait { $0.contains { $0.id == id } }
      kill()
      await world.sleep(5_100)
      await #expect(throws: SessionError(.identity, "the key was rotated, and its time of grace is over")) {
        try await b.admit(world.key(1).publicKey, isDialler: false, resuming: nil)
      }
    }
  }

  /// A node's plugins, which change while it runs.
  private final class Plugins: Sendable {
    private let versions = Mutex<[String: String]>(["merge.linear": "1.0.0", "merge.ties": "1.0.0"])
    func set(_ id: String, _ version: String?) { versions.withLock { $0[id] = version } }
    var capabilities: WireCapabilities {
      var result = WireCapabilities()
      result.roles = [.table]
      result.plugins = versions.withLock { versions in
        versions.sorted { $0.key < $1.key }.map { id, version in
          var plugin = WirePluginVersion()
          (plugin.id, plugin.version) = (id, version)
          return plugin
        }
      }
      return result
    }
  }

  @Test func peersAreToldWhatHasChangedOfANodesCapabilities() throws {
    try World.run { world in
      let plugins = Plugins()
      var settings = NodeSettings()
      settings.listen = [world.address(1)]
      let a = NetworkNode(
        settings: settings, key: world.key(1), transports: [world.transport(1)], clock: world.simulation.clock, random: SimulationRandom(seed: 5),
        capabilities: { plugins.capabilities })
      let b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      await session.waitForCapabilities()
      func known() async -> [String: String] { Dictionary(uniqueKeysWithValues: (await session.capabilities?.plugins ?? []).map { ($0.id, $0.version) }) }
      #expect(await known() == ["merge.linear": "1.0.0", "merge.ties": "1.0.0"])
      plugins.set("merge.linear", "1.1.0")
      plugins.set("merge.ties", nil)
      plugins.set("merge.slerp", "1.0.0")
      await a.capabilitiesChanged()
      await world.sleep(100)
      #expect(await known() == ["merge.linear": "1.1.0", "merge.slerp": "1.0.0"])
      #expect(await session.capabilities?.revision == 2 && b.counters[.capabilityUpdates] == 1)
      // Nothing new, nothing said.
      let sent = a.counters[.framesSent]
      await a.capabilitiesChanged()
      #expect(a.counters[.framesSent] == sent)
    }
  }

  @Test func peersSeeThatANodesGateIsIncompleteAndWhenItIsNoLonger() throws {
    try World.run { world in
      let gate = Mutex<(policy: [UInt8], disabled: [String])>(([UInt8](repeating: 0xAB, count: 32), ["gate.norms"]))
      var settings = NodeSettings()
      settings.listen = [world.address(1)]
      let a = NetworkNode(
        settings: settings, key: world.key(1), transports: [world.transport(1)], clock: world.simulation.clock, random: SimulationRandom(seed: 5),
        capabilities: {
          var result = WireCapabilities()
          gate.withLock { (result.gatePolicy, result.disabledGateLayers) = (Data($0.policy), $0.disabled) }
          return result
        })
      let b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      await session.waitForCapabilities()
      let told = await b.peers(), unknown = await a.peers()
      #expect(told.map(\.gatePolicy) == [String(repeating: "ab", count: 32)] && told.map(\.disabledGateLayers) == [["gate.norms"]])
      // A node that has no gate tells nothing.
      #expect(unknown.map(\.gatePolicy) == [nil] && unknown.map(\.disabledGateLayers) == [[]])
      for (byte, disabled) in [(UInt8(0xCD), ["gate.fitness", "gate.norms"]), (UInt8(0xEF), [])] {
        gate.withLock { $0 = ([UInt8](repeating: byte, count: 32), disabled) }
        await a.capabilitiesChanged()
        await world.sleep(100)
        let changed = await b.peers()
        #expect(changed.map(\.disabledGateLayers) == [disabled] && changed[0].gatePolicy?.hasPrefix(String(byte, radix: 16)) == true)
      }
      #expect(b.counters[.capabilityUpdates] == 2)
      // What a peer said stays as long as its session waits for it.
      world.network.crash(world.name(1))
      await b.wait { $0.map(\.state) == [.suspended] }
      let suspended = await b.peers()
      #expect(suspended.map(\.gatePolicy) == [String(repeating: "ef", count: 32)])
    }
  }

  @Test func afterAGapTheWholeIsAskedFor() throws {
    try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var whole = WireCapabilities()
      whole.revision = 1
      try await peer.send(whole)
      var update = WireCapabilitiesUpdate()
      update.revision = 3
      try await peer.send(update)
      while let frame = try await peer.reader.next() {
        if frame.type == .ping, let ping: WirePing = try? frame.message(), ping.wantCapabilities { break }
      }
      let session = try await victim.connectedSession(peer.key.publicKey)
      #expect(await session.capabilities?.revision == 1)
      #expect(victim.counters[.capabilityUpdates] == 0)
    }
  }
}
