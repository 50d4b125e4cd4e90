internal import CentramPluginAPI
public import CentramWire

extension PeerSession {
  /// Larger frames go on a stream of their own, so that what is urgent need not wait behind them.
  static let largestOnControl = 64 << 10
  private static let mostOutgoingStreams = 16

  /// Sends a message.
  /// - Parameters:
  ///   - reliably: keep it until the peer has acknowledged it, and send it again on the next connection. It arrives once and in order among its
  ///     kind as long as the session lives; if the peer loses the session, it is sent in the next session, where it may arrive a second time.
  ///   - inReplyTo: the sequence of the message that it answers.
  /// - Returns: its sequence number.
  /// - Throws: `.disconnected` where there is no connection and it is not reliable; `.limit` where the peer does not take what waits for it.
  @discardableResult
  public func send(_ message: some WireMessage, reliably: Bool = false, inReplyTo: UInt64 = 0) async throws(SessionError) -> UInt64 {
    try await waitForRoom(reliably)
    return try post(message, reliably: reliably, inReplyTo: inReplyTo, replyExpected: false)
  }

  /// Sends an answer with the bytes that follow it, as many as its message says.
  public func send(_ message: WireChunk, bulk: Bulk, inReplyTo: UInt64) async throws(SessionError) {
    precondition(bulk.count == Int(message.length), "the message tells how many bytes follow it")
    try await waitForRoom(false)
    try post(message, bulk: bulk, inReplyTo: inReplyTo)
  }

  /// Passes on a frame that another node signed for everybody.
  public func forward(_ gossip: Frame) async throws(SessionError) {
    precondition(gossip.header.recipient == .anyone, "only gossip is passed on")
    try await waitForRoom(false)
    guard let link, state == .connected else { throw SessionError(.disconnected, "the peer is not connected") }
    push(gossip.bytes, on: link)
  }

  private func waitForRoom(_ reliably: Bool) async throws(SessionError) {
    guard state != .ended else { throw SessionError(.closed, "the session is over") }
    guard let link else {
      if reliably { return }
      throw SessionError(.disconnected, "the peer is not connected")
    }
    // A peer that takes nothing loses its connection after a while, and that ends the wait.
    if await link.queue.waitForRoom(services.limits[.bytesSentInFlight]) { services.counters.reached(.bytesSentInFlight) }
  }

  /// Signs a message with the next number and puts it on its way. Nothing suspends here, so numbers and frames have the same order.
  @discardableResult
  func post(
    _ message: some WireMessage, bulk: Bulk? = nil, reliably: Bool = false, inReplyTo: UInt64 = 0, replyExpected: Bool = false
  ) throws(SessionError) -> UInt64 {
    guard state != .ended else { throw SessionError(.closed, "the session is over") }
    guard reliably || link != nil else { throw SessionError(.disconnected, "the peer is not connected") }
    let sequence = nextSequence
    let frame: Frame
    do throws(WireError) {
      frame = try Frame.signed(
        message, by: key, to: peer, session: id, sequence: sequence, unixMilliseconds: services.unixMilliseconds, inReplyTo: inReplyTo, replyExpected: replyExpected)
    } catch { throw SessionError(.malformed, error.message) }
    if reliably {
      if let limit = outbox.limit(adding: frame.bytes.count, services.limits) {
        services.counters.reached(limit)
        throw SessionError(.limit, "the peer has not acknowledged \(outbox.count) messages of \(outbox.bytes) bytes; \(limit.rawValue) is \(services.limits[limit])")
      }
      outbox.append(frame.bytes, message, sequence: sequence)
    }
    nextSequence += 1
    guard let link else { return sequence }
    let count = frame.bytes.count + (bulk?.count ?? 0)
    if !reliably, count > Self.largestOnControl, outgoingStreams < Self.mostOutgoingStreams {
      outgoingStreams += 1
      services.counters.add(.framesSent)
      services.counters.add(.bytesSent, count)
      bytesSent += UInt64(count)
      link.didQueue(now: now)
      link.queue.addElsewhere(count)
      services.scope.start { await self.sendAlone(frame.bytes, bulk, link) }
    } else {
      push(frame.bytes + (bulk.map { [UInt8]($0.bytes) } ?? []), on: link)
    }
    return sequence
  }

  private func sendAlone(_ bytes: [UInt8], _ bulk: Bulk?, _ link: Link) async {
    let count = bytes.count + (bulk?.count ?? 0)
    do throws(PluginError) {
      let stream = try await link.connection.openStream()
      try await stream.send(bytes)
      if let bulk { try await stream.send(bulk) }
      try await stream.finish()
      // The peer ends its direction when it has read the frame; until then the stream is one of those that are open.
      try await stream.waitForEnd()
    } catch {
      if link.end == nil { services.log(.debug, "a frame of \(count) bytes was not sent: \(error.message)") }
    }
    link.didWrite(now: now)
    link.queue.didSend(count)
    outgoingStreams -= 1
  }

  /// Gives up the messages that the peer has not acknowledged, for the session that comes after this one.
  func handOver() -> [any WireMessage] {
    defer { outbox = Outbox() }
    return outbox.entries.map(\.message)
  }

  /// Takes messages over from the session before this one.
  func inherit(_ messages: [any WireMessage]) {
    for message in messages { _ = try? post(message, reliably: true) }
  }

  /// Hands what waits to the transport.
  func write(_ link: Link) async {
    while let frames = await link.queue.take() {
      var start = 0
      while start < frames.count {
        // Small frames together, for each call costs.
        var batch = frames[start]
        start += 1
        while start < frames.count, batch.count + frames[start].count <= Self.largestOnControl {
          batch += frames[start]
          start += 1
        }
        do throws(PluginError) {
          try await link.control.send(batch)
        } catch {
          return await link.close(SessionError(.disconnected, "sending failed: \(error.message)"))
        }
        link.didWrite(now: now)
        link.queue.didSend(batch.count)
      }
    }
    try? await link.control.finish()
  }
}
