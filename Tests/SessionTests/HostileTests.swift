import CentramPluginAPI
import CentramTransportSupport
import CentramWire
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// What hostile peers send. Each time the honest peer of the same node is served as if nothing were.
@Suite struct HostileTests {
  @Test func unknownTypesAreRefusedAndThePeerStays() throws {
    let counters = try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      try await peer.send(peer.unknown(family: 3))
      let error = try #require(await peer.nextError())
      #expect(error.code == .unknownType && error.refusedType == 0x3ee && !error.closing)
      try await peer.send(HostilePeer.find(), replyExpected: true)
      while let frame = try await peer.reader.next() { if frame.type == .findNodeReply { break } }
      #expect(await victim.session(with: peer.key.publicKey) != nil)
    }
    #expect(counters[.unknownTypes] == 1)
  }

  @Test func aForgedSignatureEndsTheConnectionAndTheSecondBansThePeer() throws {
    let counters = try World.attack { world, victim in
      for _ in 0..<2 {
        let peer = try await HostilePeer.connected(world, 3)
        var bytes = try peer.frame(HostilePeer.find()).bytes
        bytes[bytes.count - 1] ^= 1
        try await peer.send(bytes)
        #expect(await peer.nextError()?.code == .badSignature)
        #expect(await peer.isClosed())
      }
      await world.sleep(100)
      #expect(await victim.isBanned(world.key(3).publicKey))
      await #expect(throws: (any Error).self) { try await HostilePeer.connected(world, 3) }
      // Half of the points are forgotten in ten minutes.
      await world.sleep(601_000)
      #expect(await !victim.isBanned(world.key(3).publicKey))
      _ = try await HostilePeer.connected(world, 3)
    }
    #expect(counters[.badSignatures] == 2 && counters[Limit.banScore] == 1 && counters[.refusedBanned] == 1)
  }

  @Test(arguments: [0xffff_ffff, 0x100_0001, 0x10_0000] as [UInt32]) func aGiantLengthIsRefusedBeforeAnythingIsKept(length: UInt32) throws {
    let counters = try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var bytes = try peer.frame(WirePing()).bytes
      // The payload's length is the header's last field.
      for index in 0..<4 { bytes[FrameHeader.byteCount - 4 + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index))) }
      try await peer.send(Array(bytes.prefix(FrameHeader.byteCount)))
      #expect(await peer.nextError()?.code == .tooLarge)
      #expect(await peer.isClosed())
    }
    #expect(counters[.malformedFrames] == 1)
  }

  @Test func garbageInPlaceOfAHandshakeIsRefused() throws {
    let counters = try World.attack { world, victim in
      for number in 3..<13 {
        let peer = try await HostilePeer(world, number)
        try await peer.send((0..<200).map { UInt8(truncatingIfNeeded: $0 &* number) })
        #expect(await peer.isClosed())
      }
    }
    #expect(counters[.handshakesFailed] == 10 && counters[.malformedFrames] == 10)
  }

  @Test func aReplayIsRefusedByNumberOnAnyStream() throws {
    let handled = Notes()
    let counters = try World.attack(prepare: handled.listen) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      let frame = try peer.frame(WireChatMessage(number: 5))
      try await peer.send(frame.bytes + frame.bytes)
      #expect(await peer.nextError()?.code == .badSequence)
      let stream = try await peer.connection.openStream()
      try await stream.send(frame.bytes)
      #expect(await peer.nextError()?.code == .badSequence)
      // On a stream of its own a number is taken once, too.
      let other = try peer.frame(WireChatMessage(number: 6))
      let streams = try await [peer.connection.openStream(), peer.connection.openStream()]
      for stream in streams { try await stream.send(other.bytes) }
      #expect(await peer.nextError()?.code == .badSequence)
      await world.sleep(100)
      for stream in streams { try await stream.finish() }
    }
    #expect(handled.all == [5, 6] && counters[.replays] == 3)
  }

  @Test func framesOfAnotherSessionSenderOrRecipientAreRefused() throws {
    let counters = try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      try await peer.send(peer.frame(HostilePeer.find(), session: [UInt8](repeating: 9, count: 16)).bytes)
      #expect(await peer.nextError()?.code == .wrongSession)
      try await peer.send(peer.frame(HostilePeer.find(), to: world.key(2).publicKey).bytes)
      #expect(await peer.nextError()?.code == .wrongPeer)
      let stranger = try Frame.signed(HostilePeer.find(), by: world.key(9), to: peer.victim, session: peer.session, sequence: 50, unixMilliseconds: peer.now)
      try await peer.send(stranger.bytes)
      #expect(await peer.nextError()?.code == .wrongPeer)
      #expect(await victim.session(with: world.key(3).publicKey) != nil)
      // Five are a ban.
      for _ in 0..<2 { try await peer.send(stranger.bytes) }
      #expect(await peer.isClosed())
      #expect(await victim.isBanned(world.key(3).publicKey))
    }
    #expect(counters[.wrongSessions] == 5)
  }

  @Test func aSkewedClockIsRefusedForGossipAtTheLimit() throws {
    let heard = Notes()
    let counters = try World.attack(
      delay: 0...0,
      prepare: { node in
        node.handlers.on(.announce) { incoming in
          heard.append(incoming.isGossip ? 1 : 0)
          return nil
        }
      }
    ) { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var record = WirePeerRecord()
      (record.key, record.number, record.madeMs, record.expiresMs) = (.init(peer.key.publicKey.bytes), 1, 1, 2)
      (record.minimumVersion, record.maximumVersion) = (1, 1)
      var announce = WireAnnounce()
      announce.record = try WireSigned(record, by: peer.key, domain: .peer)
      for (distance, isTaken) in [(300_000, true), (300_001, false)] {
        for time in [peer.now - UInt64(distance), peer.now + UInt64(distance)] {
          try await peer.send(peer.frame(announce, to: .anyone, session: FrameHeader.noSession, time: time).bytes)
          if !isTaken { #expect(await peer.nextError()?.code == .badTime) }
        }
      }
      await world.sleep(10)
    }
    #expect(heard.all == [1, 1] && counters[.skewedClocks] == 2 && counters[Limit.gossipSkewMilliseconds] == 2)
  }

  @Test func onlyWhatARoundNeedsStaysGoodHoweverOldItIs() throws {
    let old: [MessageType] = [.updateCommit, .updateReveal, .aggregateProposal], heard = Notes()
    let counters = try World.attack(
      delay: 0...0,
      prepare: { node in
        for type in old + [.roundStart] {
          node.handlers.on(type) { _ in
            heard.append(Int(type.rawValue))
            return nil
          }
        }
      }
    ) { world, victim in
      let peer = try await HostilePeer.connected(world, 3), round = Data(repeating: 1, count: 16), hash = Data(repeating: 2, count: 32)
      var commit = WireUpdateCommit(), reveal = WireUpdateReveal(), proposal = WireAggregateProposal(), start = WireRoundStart(), part = WireParticipant()
      (commit.round, commit.outerStep, commit.commitment) = (round, 1, hash)
      (reveal.round, reveal.outerStep, reveal.salt, reveal.update, reveal.size) = (round, 1, hash, hash, 1)
      (proposal.round, proposal.outerStep, proposal.result, proposal.size, proposal.voteByMs) = (round, 1, hash, 1, 1)
      var share = WireContribution()
      (share.update, share.weightBps) = (hash, 10_000)
      proposal.contributions = [share]
      part.key = hash
      (start.round, start.outerStep, start.participants, start.commitByMs) = (round, 1, [part], 1)
      func send(_ message: some WireMessage, _ time: UInt64) async throws {
        try await peer.send(peer.frame(message, to: .anyone, session: FrameHeader.noSession, time: time).bytes)
      }
      // A day old, and from a time that has not come.
      for (time, isTaken) in [(peer.now - 86_400_000, true), (peer.now + 300_001, false)] {
        for message in [commit, reveal, proposal] as [any WireMessage] {
          try await send(message, time)
          if !isTaken { #expect(await peer.nextError()?.code == .badTime) }
        }
        try await send(start, time)
        #expect(await peer.nextError()?.code == .badTime)
      }
      await world.sleep(10)
    }
    #expect(heard.all == old.map { Int($0.rawValue) } && counters[.skewedClocks] == 5)
  }

  @Test func handshakeMessagesInASessionAndSessionMessagesAsGossipAreRefused() throws {
    try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3)
      var accept = WireAuthAccept()
      (accept.session, accept.idleTimeoutMs) = (.init(peer.session), 1_000)
      try await peer.send(accept)
      #expect(await peer.nextError()?.code == .unexpected)
      try await peer.send(peer.frame(WirePing(), to: .anyone, session: FrameHeader.noSession).bytes)
      #expect(await peer.nextError()?.code == .unexpected)
    }
  }

  @Test func aRotationThatTheNewKeyDidNotSignIsRefused() throws {
    try World.attack { world, victim in
      let peer = try await HostilePeer.connected(world, 3), stolen = world.key(2).publicKey
      var rotation = try KeyRotation.message(from: peer.key, to: world.key(4), number: 1, effective: 1, grace: 0, isCompromised: false)
      var statement = try WireKeyRotationStatement(serializedBytes: rotation.statement)
      statement.newKey = .init(stolen.bytes)
      rotation.statement = try statement.serializedData()
      rotation.oldSignature = .init(peer.key.sign(rotation.statement, domain: .rotation))
      try await peer.send(rotation)
      #expect(await peer.nextError()?.code == .badSignature)
      #expect(await victim.links.count == 0)
    }
  }
}
