import CentramPluginAPI
import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct RelayedSessionTests {
  private static func hash(_ offset: Int) -> Data { Data((0..<32).map { UInt8(truncatingIfNeeded: $0 + offset) }) }

  /// Two nodes with a session through the relay.
  static func pair(_ world: RelayWorld, relay settings: RelaySettings = RelaySettings(isOpen: true), extra: ((any Transport) -> any Transport)? = nil) async throws
    -> (relay: RelayWorld.Member, a: RelayWorld.Member, b: RelayWorld.Member)
  {
    let relay = try await world.start(0, settings: settings)
    let a = try await world.start(1, extra: extra), b = try await world.start(2, extra: extra)
    await world.sleep(2_000)
    let end = b.node
    world.scope.start { _ = try? await end.reach(a.key, direct: [], relays: [relay.key]) }
    let id = a.key.description
    await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
    return (relay, a, b)
  }

  @Test func twoNodesTalkThroughARelayThatSeesNoneOfIt() throws {
    try RelayWorld.run { world in
      let (relay, a, b) = try await Self.pair(world)
      a.node.handlers.on(WireFindNode.self) { message, _ in
        var reply = WireFindNodeReply()
        reply.token = message.target
        return reply
      }
      let session = try #require(await b.node.session(with: a.key))
      var find = WireFindNode()
      (find.target, find.maximum) = (Self.hash(1), 3)
      #expect(try await session.request(find, for: WireFindNodeReply.self).token == find.target)
      let (ofA, ofB) = (await a.status(of: b), await b.status(of: a))
      #expect(ofB?.path == "relay" && ofB?.transport == "relay" && ofB?.reason.hasPrefix("relay: no direct address is known") == true, "\(String(describing: ofB))")
      #expect(ofA?.path == "relay" && ofA?.isDialler == false)
      // Two ends, each with its own session with the relay, and no third party to theirs.
      #expect(await relay.node.peers().map(\.path) == ["direct", "direct"])
      let counters = await relay.relaying.counters
      #expect(counters.circuitsOpened == 1 && counters.bytesCarried > 1_000 && counters.reservationsMade == 2)
    }
  }

  @Test func aClosedRelayCarriesNothingAndSaysSo() throws {
    try RelayWorld.run { world in
      let relay = try await world.start(0), a = try await world.start(1), b = try await world.start(2)
      await world.sleep(2_000)
      do throws(SessionError) {
        _ = try await b.node.reach(a.key, direct: [], relays: [relay.key])
        Issue.record("a closed relay carried a session")
      } catch { #expect(error.message.contains("this node is no relay"), "\(error)") }
      #expect(await relay.relaying.circuitCount == 0)
    }
  }

  @Test func whoDoesNotListenAtTheRelayIsNotReached() throws {
    try RelayWorld.run { world in
      let relay = try await world.start(0, settings: RelaySettings(isOpen: true)), a = try await world.start(1, atRelay: false), b = try await world.start(2)
      await world.sleep(2_000)
      do throws(SessionError) {
        _ = try await b.node.reach(a.key, direct: [], relays: [relay.key])
        Issue.record("a node was reached that did not want to be")
      } catch { #expect(error.message.contains("the target has no reservation at this relay"), "\(error)") }
    }
  }

  @Test func directGoesFirstAndTheReasonForARelayIsShown() throws {
    try RelayWorld.run { world in
      let relay = try await world.start(0, settings: RelaySettings(isOpen: true)), a = try await world.start(1), b = try await world.start(2)
      await world.sleep(2_000)
      world.isWalled.withLock { $0 = true }
      let (first, address) = (b.node, try PeerAddress(RelayWorld.address(1)))
      world.scope.start { _ = try? await first.reach(a.key, direct: [address], relays: [relay.key]) }
      let id = a.key.description
      await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
      let status = try #require(await b.status(of: a))
      #expect(status.path == "relay" && status.reason.hasPrefix("relay: nobody answered at the direct addresses; memory://n1:1: no answer in 1"), "\(status.reason)")
    }
  }

  @Test func directWinsWhereItWorks() throws {
    try RelayWorld.run { world in
      let relay = try await world.start(0, settings: RelaySettings(isOpen: true)), a = try await world.start(1), b = try await world.start(2)
      await world.sleep(2_000)
      let (first, address) = (b.node, try PeerAddress(RelayWorld.address(1)))
      world.scope.start { _ = try? await first.reach(a.key, direct: [address], relays: [relay.key]) }
      let id = a.key.description
      await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
      #expect(await b.status(of: a)?.path == "direct")
      #expect(await relay.relaying.counters.circuitsOpened == 0)
    }
  }

  @Test func aCircuitEndsAfterItsBytesAndTheSessionGoesOnInAnother() throws {
    try RelayWorld.run { world in
      let (relay, a, b) = try await Self.pair(world, relay: RelaySettings(isOpen: true, limits: [.circuitBytes: 200_000, .circuitBytesPerSecond: 10 << 20]))
      let before = await b.node.session(with: a.key)?.id
      let session = try #require(await b.node.session(with: a.key))
      var received = 0
      a.node.handlers.on(WireFindNode.self) { message, _ in WireFindNodeReply() }
      for number in 0..<2_000 {
        var find = WireFindNode()
        (find.target, find.maximum) = (Self.hash(number), 3)
        guard (try? await session.request(find, for: WireFindNodeReply.self)) != nil else { break }
        received += 1
      }
      #expect(received > 10 && received < 2_000, "\(received) answers of some hundred bytes fit in 200,000 bytes")
      #expect(await relay.relaying.counters[.circuitBytes] >= 1)
      #expect(await relay.relaying.circuitCount == 0)
      let end = b.node
      world.scope.start { _ = try? await end.reach(a.key, direct: [], relays: [relay.key]) }
      let id = a.key.description
      await b.node.wait { $0.contains { $0.id == id && $0.state == .connected } }
      let after = await b.node.session(with: a.key)?.id
      #expect(before != nil && before == after, "the session was resumed")
    }
  }

  @Test func aCircuitIsAsSlowAsTheRelaySays() throws {
    try RelayWorld.run { world in
      let (relay, a, b) = try await Self.pair(world, relay: RelaySettings(isOpen: true, limits: [.circuitBytesPerSecond: 20_000]))
      a.node.handlers.on(WireBlobRequest.self) { request, _ in
        var chunk = WireBlobChunk()
        (chunk.blob, chunk.last, chunk.data) = (request.blob, true, Data(count: 100_000))
        return chunk
      }
      let session = try #require(await b.node.session(with: a.key)), begun = world.simulation.clock.monotonicNanoseconds
      var request = WireBlobRequest()
      (request.blob, request.length) = (Self.hash(1), 100_000)
      #expect(try await session.request(request, for: WireBlobChunk.self).data.count == 100_000)
      let seconds = Double(world.simulation.clock.monotonicNanoseconds - begun) / 1e9
      #expect((3.5...7).contains(seconds), "100,000 bytes at 20,000 a second with one second's burst took \(seconds) s")
      #expect(await relay.relaying.counters[.circuitBytesPerSecond] > 0)
    }
  }

  @Test func strangersStreamsAreResetAndTheirSessionStays() throws {
    try RelayWorld.run { world in
      let (relay, a, b) = try await Self.pair(world)
      let session = try #require(await b.node.session(with: relay.key)), connection = try #require(await session.link?.connection)
      for bytes in [CircuitPreamble.bytes(RelayServerTests.id(9)), CircuitPreamble.magic + [2] + [UInt8](repeating: 0, count: 16)] {
        let stream = try await connection.openStream()
        try await stream.send(bytes)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
        defer { buffer.deallocate() }
        await #expect(throws: PluginError.self) { if try await stream.receive(into: buffer) == 0 { throw PluginError(.closed, "") } }
      }
      #expect(await relay.relaying.counters.strayStreams == 1)
      #expect(await b.status(of: a)?.state == .connected)
    }
  }
}
