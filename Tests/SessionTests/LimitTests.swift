import CentramPluginAPI
import CentramTransportSupport
import CentramWire
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// Each limit at its value and one above it.
@Suite struct LimitTests {
  @Test(arguments: 0..<8) func messagesOfEachFamilyPassABucket(family: Int) throws {
    let limit = Limit.messagesPerSecond(family: family)
    // The handshake's capabilities and pings are of the session family.
    let counters = try World.attack(limits: [limit: 20, .burstSeconds: 1]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      for _ in 0..<20 { try await peer.send(peer.unknown(family: family)) }
      for _ in 0..<20 { #expect(await peer.nextError()?.code == .unknownType) }
      #expect(victim.counters[limit] == 0)
      for _ in 0..<20 { try await peer.send(peer.unknown(family: family)) }
      var error = await peer.nextError()
      while error?.code == .unknownType { error = await peer.nextError() }
      #expect(error?.code == .rateLimited && error?.retryAfterMs == 1_000)
      await world.sleep(2_000)
      try await peer.send(peer.unknown(family: family))
      #expect(await peer.nextError()?.code == .unknownType)
    }
    #expect(counters[limit] > 0)
  }

  @Test func handshakesOfOneSourceAreCounted() throws {
    let counters = try World.attack(limits: [.handshakesPerSourceAndMinute: 3]) { world, victim in
      for _ in 0..<3 { _ = try await HostilePeer.connected(world, 3) }
      #expect(victim.counters[Limit.handshakesPerSourceAndMinute] == 0)
      await #expect(throws: (any Error).self) { try await HostilePeer.connected(world, 3) }
      // Another source is let in, and the same one after its minute.
      _ = try await HostilePeer.connected(world, 4)
      await world.sleep(20_001)
      _ = try await HostilePeer.connected(world, 3)
    }
    #expect(counters[Limit.handshakesPerSourceAndMinute] == 1)
  }

  @Test func handshakesOfAllSourcesAreCounted() throws {
    // The honest peer has had one.
    let counters = try World.attack(limits: [.handshakesPerMinute: 4]) { world, victim in
      for number in 3..<6 { _ = try await HostilePeer.connected(world, number) }
      #expect(victim.counters[Limit.handshakesPerMinute] == 0)
      await #expect(throws: (any Error).self) { try await HostilePeer.connected(world, 6) }
    }
    #expect(counters[Limit.handshakesPerMinute] == 1)
  }

  @Test func halfOpenHandshakesAreLimitedAndTimedOut() throws {
    let counters = try World.attack(limits: [.halfOpenHandshakes: 2]) { world, victim in
      let silent = try await (HostilePeer(world, 3), HostilePeer(world, 4))
      await world.sleep(100)
      await #expect(throws: (any Error).self) { try await HostilePeer.connected(world, 5) }
      #expect(victim.counters[Limit.halfOpenHandshakes] == 1)
      await world.sleep(9_800)
      #expect(victim.counters[.handshakesTimedOut] == 0)
      #expect(await silent.0.isClosed())
      #expect(await silent.1.isClosed())
      _ = try await HostilePeer.connected(world, 5)
    }
    #expect(counters[.handshakesTimedOut] == 2 && counters[Limit.handshakeMilliseconds] == 2)
  }

  @Test func peersAreLimited() throws {
    let counters = try World.attack(limits: [.peers: 2]) { world, victim in
      let first = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      await #expect(throws: SessionError(.limit, "the peer refused: the node has 2 peers; peers is 2")) { try await HostilePeer.connected(world, 4) }
      #expect(await victim.session(with: first.key.publicKey) != nil)
    }
    #expect(counters[Limit.peers] == 1)
  }

  @Test func streamsAreLimited() throws {
    let counters = try World.attack(limits: [.streamsPerPeer: 2]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var streams: [any TransportStream] = []
      for _ in 0..<2 {
        streams.append(try await peer.connection.openStream())
        try await streams.last!.send([67])
      }
      await world.sleep(50)
      #expect(victim.counters[Limit.streamsPerPeer] == 0)
      let third = try await peer.connection.openStream()
      try await third.send([67])
      await world.sleep(50)
      #expect(victim.counters[Limit.streamsPerPeer] == 1)
      // One that ends makes room.
      await streams[0].reset(code: 0)
      await world.sleep(50)
      let fourth = try await peer.connection.openStream()
      try await fourth.send(peer.frame(HostilePeer.find()).bytes)
      await world.sleep(50)
    }
    #expect(counters[Limit.streamsPerPeer] == 1)
  }

  @Test func aFrameThatDoesNotComeToItsEndEndsTheConnection() throws {
    let counters = try World.attack(limits: [.stalledMilliseconds: 5_000]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      try await peer.send(Array(peer.frame(HostilePeer.find()).bytes.prefix(100)))
      await world.sleep(4_800)
      #expect(await victim.session(with: world.key(3).publicKey) != nil)
      #expect(await peer.isClosed())
    }
    #expect(counters[Limit.stalledMilliseconds] == 1)
  }

  @Test func whoReadsNothingLosesTheConnection() throws {
    let counters = try World.attack(limits: [.stalledMilliseconds: 5_000, .bytesSentInFlight: 100_000]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      let session = try await victim.connectedSession(peer.key.publicKey)
      let text = String(repeating: "x", count: 50_000)
      await #expect(throws: SessionError.self) {
        for number in 0..<1_000 { try await session.send(WireChatMessage(number: number, text: text)) }
      }
      await victim.wait { $0.count { $0.state == .connected } == 1 }
    }
    #expect(counters[Limit.stalledMilliseconds] == 1 && counters[Limit.bytesSentInFlight] > 0)
  }

  @Test func requestsThatNobodyAnswersAreLimitedAndTimedOut() throws {
    let counters = try World.attack(limits: [.pendingRequests: 2, .requestMilliseconds: 3_000]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      let session = try await victim.connectedSession(peer.key.publicKey)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            await #expect(throws: SessionError(.timedOut, "the peer did not answer in time")) { try await session.request(HostilePeer.find(), for: WireFindNodeReply.self) }
          }
        }
        await world.sleep(50)
        await #expect(throws: SessionError(.limit, "2 requests to the peer wait for answers; pendingRequests is 2")) {
          try await session.request(HostilePeer.find(), for: WireFindNodeReply.self)
        }
        try await group.waitForAll()
      }
    }
    #expect(counters[Limit.pendingRequests] == 1 && counters[Limit.requestMilliseconds] == 2)
  }

  @Test func requestsThatAreWorkedOnAreLimited() throws {
    let release = Signal()
    let counters = try World.attack(
      limits: [.servedRequests: 2],
      prepare: { node in
        node.handlers.on(WireBlobQuery.self) { _, _ in
          await release.wait()
          return WireBlobOffer()
        }
      }
    ) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var query = WireBlobQuery()
      query.blobs = [.init(repeating: 1, count: 32)]
      for _ in 0..<2 { try await peer.send(query, replyExpected: true) }
      await world.sleep(50)
      #expect(victim.counters[Limit.servedRequests] == 0)
      try await peer.send(query, replyExpected: true)
      #expect(await peer.nextError()?.code == .busy)
      release.send()
    }
    #expect(counters[Limit.servedRequests] == 1)
  }

  /// A slow handler holds the peer back; nothing is lost.
  @Test(arguments: [Limit.inboxMessages, .bytesReceivedInFlight]) func whatWaitsForItsHandlerIsLimited(limit: Limit) throws {
    let release = Signal(), handled = Notes()
    try World.attack(
      limits: [limit: limit == .inboxMessages ? 2 : 100_000],
      prepare: { node in
        node.handlers.on(WireChatMessage.self) { message, _ in
          await release.wait()
          handled.append(message.number)
          return nil
        }
      }
    ) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      let text = String(repeating: "x", count: 40_000)
      // One is with the handler, and what fits waits: two messages, or two of 40 kB more.
      for number in 0..<3 { try await peer.send(WireChatMessage(number: number, text: text)) }
      await world.sleep(100)
      #expect(victim.counters[limit] == 0)
      for number in 3..<8 { try await peer.send(WireChatMessage(number: number, text: text)) }
      await world.sleep(100)
      #expect(victim.counters[limit] > 0)
      release.send()
      await world.sleep(1_000)
      #expect(await victim.session(with: peer.key.publicKey) != nil)
    }
    #expect(handled.all == Array(0..<8))
  }

  @Test(arguments: [Limit.outboxMessages, .outboxBytes]) func theOutboxIsLimited(limit: Limit) throws {
    let counters = try World.attack(limits: [limit: limit == .outboxMessages ? 3 : 3 * 1_250]) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      await victim.waitForPeers(2)
      let session = try await victim.connectedSession(peer.key.publicKey)
      let text = String(repeating: "x", count: 1_000)
      for number in 0..<3 { try await session.send(WireChatMessage(number: number, text: text), reliably: true) }
      await #expect(throws: SessionError.self) { try await session.send(WireChatMessage(number: 3, text: text), reliably: true) }
      // An acknowledgement makes room.
      var ping = WirePing()
      ping.received = 4
      try await peer.send(ping)
      await world.sleep(50)
      try await session.send(WireChatMessage(number: 3, text: text), reliably: true)
    }
    #expect(counters[limit] == 1)
  }

  @Test func sessionsThatWaitAreLimitedInNumberAndTime() throws {
    let counters = try World.attack(limits: [.suspendedSessions: 2, .resumeMilliseconds: 20_000]) { world, victim in
      for number in 3..<6 {
        let peer = try await HostilePeer.connected(world, number)
        await victim.waitForPeers(2)
        await peer.connection.close(code: 0, reason: "")
        await victim.wait { $0.count { $0.state == .connected } == 1 }
      }
      #expect(victim.counters[Limit.suspendedSessions] == 0)
      await world.sleep(1_100)
      #expect(victim.counters[Limit.suspendedSessions] == 1)
      #expect(await victim.peers().count { $0.state == .suspended } == 2)
      await world.sleep(17_000)
      #expect(await victim.peers().count { $0.state == .suspended } == 2)
      await world.sleep(3_000)
      #expect(await victim.peers().count == 1)
    }
    #expect(counters[Limit.resumeMilliseconds] > 0)
  }

  @Test func pointsFadeByHalfAndTheListIsBounded() {
    var bans = BanList(limits: Limits([.banScore: 100, .banHalfLifeMilliseconds: 1_000, .bannedPeers: 3]))
    let below = bans.add(99, to: [1], now: 0)
    #expect(!below && !bans.isBanned([1], now: 0))
    let reached = bans.add(1, to: [1], now: 0)
    #expect(reached && bans.isBanned([1], now: 0))
    #expect(abs(bans.points([1], now: 1_000_000_000) - 50) < 1e-9)
    #expect(bans.isBanned([1], now: 1_000_000) && !bans.isBanned([1], now: 10_000_000))
    for key in 2..<10 { _ = bans.add(Double(key), to: [UInt8(key)], now: 0) }
    #expect(bans.count == 3 && bans.points([1], now: 0) == 100)
  }

  @Test func aBucketLetsThroughItsRateAndItsBurst() {
    var bucket = TokenBucket(tokensPerSecond: 10, burst: 5, now: 0)
    let taken = ([UInt64](repeating: 0, count: 6) + [99_000_000, 100_000_001, 100_000_001] + [UInt64](repeating: 10_000_000_000, count: 6)).map { bucket.take(now: $0) }
    #expect(taken == [true, true, true, true, true, false, false, true, false, true, true, true, true, true, false])
  }

  @Test func everyLimitIsInTheReferenceWithItsDefault() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/reference/limits.md"), encoding: .utf8)
    for limit in Limit.allCases { #expect(page.contains("| `\(limit.rawValue)` | \(limit.standard) | \(limit.summary) |")) }
    for event in Counters.Event.allCases { #expect(page.contains("`\(event.rawValue)`"), "\(event.rawValue)") }
  }
}
