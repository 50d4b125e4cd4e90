internal import CentramPluginAPI
internal import CentramWire
internal import Foundation

extension PeerSession {
  /// Reads the control stream to its end.
  func read(_ reader: FrameReader, _ link: Link) async {
    await readFrames(reader, link, number: 0)
    link.readerEnded.send()
  }

  /// Takes the streams that the peer opens, each to its end.
  func acceptStreams(_ link: Link) async {
    await withDiscardingTaskGroup { group in
      var number = 0
      while let stream = try? await link.connection.acceptStream() {
        guard link.streamOpened(limit: services.limits[.streamsPerPeer]) else {
          services.counters.reached(.streamsPerPeer)
          punish(2)
          await stream.reset(code: 2)
          continue
        }
        number += 1
        let own = number
        group.addTask {
          await self.readFrames(FrameReader(stream, bufferBytes: 64 << 10), link, number: own)
          link.streamEnded(own)
          try? await stream.finish()
        }
      }
    }
  }

  private func readFrames(_ reader: FrameReader, _ link: Link, number: Int) async {
    do {
      while link.end == nil {
        let frame: Frame?
        do {
          frame = try await reader.next(onBytes: { [now = services.clock] in link.didReceive(number, partial: $0, now: now.monotonicNanoseconds) })
        } catch let error as WireError where error.code == .unknownType {
          unknownType(error)
          continue
        }
        guard let frame else { return }
        if number > 0, link.partialBytes > services.limits[.bytesReceivedInFlight] {
          services.counters.reached(.bytesReceivedInFlight)
          return await reader.reset()
        }
        await take(frame, onControl: number == 0, link)
      }
    } catch let error as WireError {
      await broken(error, link)
    } catch {
      // The stream or its connection ended in the middle.
      if number == 0 { link.fail(SessionError(.disconnected, "the connection is lost: \(error)")) }
    }
  }

  /// A later version may know it; the peer stays. Nothing vouches for what the header says, so it counts for the peer of the connection.
  private func unknownType(_ error: WireError) {
    services.counters.add(.unknownTypes)
    guard let header = error.header, takeToken(header) else { return }
    refuse(header, .unknownType, error.message)
  }

  /// Bytes that are no frame, or a frame that nobody signed: nothing after them can be understood.
  @inline(never)
  private func broken(_ error: WireError, _ link: Link) async {
    let isForged = error.code == .badSignature
    services.counters.add(isForged ? .badSignatures : .malformedFrames)
    punish(isForged ? 50 : 25)
    await close(link, error.protocolCode, error.message)
  }

  /// Says what is wrong and ends the connection.
  func close(_ link: Link, _ code: WireErrorCode, _ sentence: String) async {
    var message = WireProtocolError()
    (message.code, message.message, message.closing) = (code, sentence, true)
    if self.link === link { _ = try? post(message) }
    link.fail(SessionError(.malformed, "the peer broke the protocol: \(sentence)"))
    await drainAndClose(link)
  }

  /// Lets what waits go out, for a moment, and ends the connection.
  func drainAndClose(_ link: Link) async {
    link.queue.close()
    let clock = services.clock
    _ = try? await clock.withDeadline(milliseconds: 1_000) {
      await link.connection.close(code: 1, reason: "")
    } _: {
      // Closing drops what the transport has not delivered yet, so the peer goes first, if it will.
      await link.queue.waitUntilEmpty()
      await link.readerEnded.wait()
    }
    await link.close(link.end ?? SessionError(.closed, "the session is over"))
  }

  /// Takes a whole frame whose signature holds.
  /// Not inlined: a task that waits for a frame would hold room for the handling of every kind of message, 9 kB a peer.
  @inline(never)
  func take(_ frame: Frame, onControl: Bool, _ link: Link) async {
    guard self.link === link, state == .connected else { return }
    let header = frame.header
    services.counters.add(.framesReceived)
    services.counters.add(.bytesReceived, frame.countWithBulk)
    bytesReceived += UInt64(frame.countWithBulk)
    let isSessions = header.session == id && peerKeys.contains(header.sender) && ownKeys.contains(header.recipient)
    let isGossip = header.recipient == .anyone && header.hasNoSession
    guard isSessions || isGossip else {
      services.counters.add(.wrongSessions)
      punish(20)
      refuse(frame, header.session == id ? .wrongPeer : .wrongSession, "the frame is not of this session")
      return
    }
    if isSessions {
      guard onControl ? check.acceptControl(header.sequence) : check.acceptOther(header.sequence) else {
        services.counters.add(.replays)
        punish(10)
        refuse(frame, .badSequence, "sequence \(header.sequence) came before")
        return
      }
    } else {
      let (time, own) = (header.unixMilliseconds, services.unixMilliseconds)
      guard time <= own && frame.type.staysGood || max(time, own) - min(time, own) <= UInt64(services.limits[.gossipSkewMilliseconds]) else {
        services.counters.reached(.gossipSkewMilliseconds)
        services.counters.add(.skewedClocks)
        refuse(frame, .badTime, "the frame's time is \(max(time, own) - min(time, own)) ms from this node's; gossipSkewMilliseconds is \(services.limits[.gossipSkewMilliseconds])")
        return
      }
    }
    // An answer that was asked for was paid for by the request.
    if isSessions, header.inReplyTo > 0, pending[header.inReplyTo] != nil, header.type != MessageType.protocolError.rawValue {
      settle(header.inReplyTo, .success(frame))
      return
    }
    guard takeToken(header) else { return }
    let type = frame.type
    if type.family == .session {
      guard isSessions else { return refuse(frame, .unexpected, "\(type) is no gossip") }
      await takeSessionMessage(frame, type, link)
    } else {
      await dispatch(IncomingMessage(frame: frame, session: self, peer: peer), type)
    }
  }

  /// Takes a token of the peer's for a family; without one the message is dropped.
  private func takeToken(_ header: FrameHeader) -> Bool {
    let family = Int(header.type >> 8) & 7, now = now, limit = Limit.messagesPerSecond(family: family), rate = services.limits[limit]
    var bucket = buckets[family] ?? TokenBucket(tokensPerSecond: Double(rate), burst: Double(rate * max(1, services.limits[.burstSeconds])), now: now)
    let isThere = bucket.take(now: now)
    buckets[family] = bucket
    guard !isThere else { return true }
    services.counters.reached(limit)
    punish(1)
    // One answer a second is enough to know.
    if lastRefusal[family].map({ now - $0 >= 1_000_000_000 }) ?? true {
      lastRefusal[family] = now
      refuse(header, .rateLimited, "\(limit.rawValue) is \(rate)", retryAfter: 1_000)
    }
    return false
  }

  /// Tells the peer why a frame of it was not taken.
  func refuse(_ frame: Frame, _ code: WireErrorCode, _ sentence: String) { refuse(frame.header, code, sentence) }

  func refuse(_ header: FrameHeader, _ code: WireErrorCode, _ sentence: String, retryAfter: UInt32 = 0) {
    var message = WireProtocolError()
    (message.code, message.message, message.retryAfterMs) = (code, String(sentence.prefix(250)), retryAfter)
    (message.refusedSequence, message.refusedType) = (header.sequence, UInt32(header.type))
    _ = try? post(message, inReplyTo: header.sequence)
  }

  func punish(_ points: Double) { services.misbehaved(peer, points) }
}
