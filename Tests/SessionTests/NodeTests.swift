import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import NodeWorld
import Testing

@testable import CentramNode

@Suite struct NodeTests {
  @Test func twoNodesAuthenticateAndListEachOther() throws {
    try World.run { world in
      let (a, b) = (world.node(1), world.node(2, dialling: [1]))
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      let (ofA, ofB) = (await a.peers(), await b.peers())
      #expect(ofA.map(\.id) == [world.key(2).publicKey.description] && ofB.map(\.id) == [world.key(1).publicKey.description])
      #expect(ofB[0].addresses == [world.address(1)] && ofB[0].transport == "memory" && ofB[0].path == "direct" && ofB[0].isDialler)
      #expect(!ofA[0].isDialler && ofA[0].reason == "the peer dialled \(world.address(1))")
      let session = try #require(await b.session(with: world.key(1).publicKey))
      await session.waitForCapabilities()
      #expect(await session.capabilities?.maximumRequests == 64)
      await world.sleep(200)
      let roundTrip = try #require(await session.roundTrip)
      #expect((2_000_000...10_000_000).contains(roundTrip), "two ways of 1 to 5 ms")
      await b.stop()
      await a.wait { $0.isEmpty }
      #expect(a.counters[.goodbyes] == 1)
    }
  }

  @Test func aSessionThatEndsDuringAHandshakeTakesNoCountWithIt() throws {
    try World.run { world in
      let (a, b) = (world.node(1), world.node(2, dialling: [1])), peer = world.key(2).publicKey
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      // The peer comes back before its goodbye was heard.
      _ = try await a.admit(peer, isDialler: false, resuming: nil, connectedAtBegin: nil)
      await b.stop()
      await a.wait { $0.isEmpty }
      let entry = await a.table[peer]
      #expect(entry?.acceptances == 1 && entry?.session == nil && entry?.connection == nil)
    }
  }

  @Test(arguments: 1...40) func crossingDialsLeaveOneConnection(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      let (a, b) = (world.node(1, dialling: [2]), world.node(2, dialling: [1]))
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      await world.sleep(60_000)
      let (ofA, ofB) = (await a.peers(), await b.peers())
      #expect(ofA.map(\.state) == [.connected] && ofB.map(\.state) == [.connected], "seed \(seed)")
      #expect(ofA[0].isDialler != ofB[0].isDialler, "both ends speak of one connection")
      let (session, other) = (await a.session(with: world.key(2).publicKey), await b.session(with: world.key(1).publicKey))
      #expect(session?.id == other?.id)
      #expect(a.counters[.connectionsLost] == 0 && b.counters[.connectionsLost] == 0)
    }
  }

  @Test(arguments: 1...10) func aKilledPeerComesBackWithANewSession(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      await world.start(a, 1)
      let kill = await world.start(b, 2)
      await a.waitForPeers(1)
      let before = await a.session(with: world.key(2).publicKey)?.id
      kill()
      // Nothing tells a that b is gone: it comes back before the silence is noticed.
      let again = world.node(2, dialling: [1])
      await world.start(again, 2)
      await again.waitForPeers(1)
      await world.sleep(2_000)
      let after = await a.session(with: world.key(2).publicKey)?.id
      #expect(before != nil && after != nil && before != after)
      #expect(await a.peers().map(\.state) == [.connected])
    }
  }

  @Test(arguments: 1...10) func aKilledListenerIsDialledAgain(seed: UInt64) throws {
    try World.run(seed: seed) { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      let kill = await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      kill()
      await b.wait { $0.allSatisfy { $0.state != .connected } }
      // The silence was noticed by the missing pongs.
      #expect(b.counters[Limit.silenceMilliseconds] == 1)
      await world.sleep(60_000)
      await world.start(world.node(1), 1)
      await b.waitForPeers(1)
      #expect(await b.peers().count == 1)
    }
  }

  @Test func aPartitionHealsAndTheSessionGoesOn() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      await world.start(a, 1)
      await world.start(b, 2)
      await a.waitForPeers(1)
      await b.waitForPeers(1)
      let before = await b.session(with: world.key(1).publicKey)?.id
      world.network.partition([["n1"], ["n2"]])
      await b.wait { $0.allSatisfy { $0.state == .suspended } }
      world.network.heal()
      await b.waitForPeers(1)
      await world.sleep(1_000)
      let after = await b.session(with: world.key(1).publicKey)?.id
      #expect(before != nil && before == after)
      #expect(b.counters[.sessionsResumed] == 1 && a.counters[.sessionsResumed] == 1)
    }
  }

  @Test func requestsAreAnsweredAndRefusedByType() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      a.handlers.on(WireFindNode.self) { message, incoming in
        #expect(incoming.peer == world.key(2).publicKey && !incoming.isGossip)
        var reply = WireFindNodeReply()
        reply.token = message.target
        return reply
      }
      await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      var find = WireFindNode()
      (find.target, find.maximum) = (.init(repeating: 9, count: 32), 3)
      let reply = try await session.request(find, for: WireFindNodeReply.self)
      #expect(reply.token == find.target)
      // A type without a handler is refused with a sentence, and the peer stays.
      var query = WireBlobQuery()
      query.blobs = [.init(repeating: 1, count: 32)]
      await #expect(throws: SessionError(.refused, "the peer refused: this node does nothing with blobQuery")) { try await session.request(query, for: WireBlobOffer.self) }
      #expect(a.counters[.unhandledTypes] == 1)
      #expect(await b.peers().map(\.state) == [.connected])
    }
  }

  @Test func largeAnswersComeOnStreamsOfTheirOwn() throws {
    try World.run { world in
      let a = world.node(1), b = world.node(2, dialling: [1])
      a.handlers.on(WireBlobRequest.self) { request, _ in
        var chunk = WireBlobChunk()
        (chunk.blob, chunk.offset, chunk.last) = (request.blob, request.offset, true)
        chunk.data = .init(repeating: UInt8(request.offset), count: 300_000)
        return chunk
      }
      await world.start(a, 1)
      await world.start(b, 2)
      await b.waitForPeers(1)
      let session = try #require(await b.session(with: world.key(1).publicKey))
      let offsets = try await withThrowingTaskGroup(of: UInt64.self) { group in
        for offset in 0..<8 {
          group.addTask {
            var request = WireBlobRequest()
            (request.blob, request.offset, request.length) = (.init(repeating: 1, count: 32), UInt64(offset), 300_000)
            let chunk = try await session.request(request, for: WireBlobChunk.self)
            return chunk.data.allSatisfy { $0 == UInt8(offset) } && chunk.data.count == 300_000 ? chunk.offset : 99
          }
        }
        return try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
      }
      #expect(offsets == Set(0..<8))
      #expect(b.counters[.replays] == 0)
    }
  }
}
