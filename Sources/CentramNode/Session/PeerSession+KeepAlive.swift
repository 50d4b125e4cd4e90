internal import CentramWire

/// Pings: they keep the connection, measure it, and acknowledge.
extension PeerSession {
  func takePing(_ ping: WirePing, _ frame: Frame) {
    acknowledge(ping.received)
    if ping.wantCapabilities { announceCapabilities() }
    var pong = WirePong()
    (pong.nonce, pong.received, pong.padding) = (ping.nonce, check.contiguous, ping.padding)
    _ = try? post(pong, inReplyTo: frame.header.sequence)
  }

  func takePong(_ pong: WirePong) {
    acknowledge(pong.received)
    guard let last = lastPing, last.nonce == pong.nonce else { return }
    let time = now - last.sent, held = UInt64(pong.heldUs) * 1_000
    roundTrip = time > held ? time - held : time
    lastPing = nil
  }

  private func acknowledge(_ sequence: UInt64) {
    guard sequence < nextSequence else { return punish(10) }
    outbox.acknowledge(upTo: sequence)
  }

  /// Asks for a sign of life, and says what came.
  func ping() {
    var ping = WirePing()
    (ping.nonce, ping.received) = (services.randomNumber(), check.contiguous)
    lastPing = (ping.nonce, now)
    lastPingSent = now
    _ = try? post(ping)
  }

  /// Nanoseconds by which a look at the time may be late.
  private static let lateness: UInt64 = 1_000_000_000

  /// This node itself stood still: its processors were busy, or it slept. What came in that time is not read yet, so nobody is to blame for it.
  private func excuse(_ time: UInt64, _ link: Link) {
    link.excuse(time)
    for sequence in pending.keys { pending[sequence]?.deadline += time }
  }

  /// Pings when it is time, and ends the connection where nothing comes any more.
  func keepAlive(_ link: Link) async {
    let limits = services.limits
    let interval = max(1, min(limits[.keepAliveMilliseconds], peerIdleMilliseconds / 3))
    let silence = limits.nanoseconds(.silenceMilliseconds), stall = limits.nanoseconds(.stalledMilliseconds)
    // The first one at once: it measures, and it acknowledges what a resumed session received.
    ping()
    let pause = min(1_000, max(1, interval / 4))
    while link.end == nil {
      let due = now + UInt64(pause) * 1_000_000
      guard (try? await services.clock.sleep(milliseconds: pause)) != nil, self.link === link else { return }
      let now = now
      if now > due + Self.lateness { excuse(now - due, link) }
      expireRequests(now)
      if now - min(now, link.lastReceived) > silence {
        services.counters.reached(.silenceMilliseconds)
        return await link.close(SessionError(.disconnected, "nothing came for \(limits[.silenceMilliseconds]) ms"))
      }
      if let since = link.stalledSince(now: now), now - min(now, since) > stall {
        services.counters.reached(.stalledMilliseconds)
        punish(10)
        return await link.close(SessionError(.disconnected, "a frame was on its way for more than \(limits[.stalledMilliseconds]) ms"))
      }
      let isWaiting = !outbox.isEmpty && now - lastPingSent >= 1_000_000_000
      if isWaiting || now - lastPingSent >= UInt64(interval) * 1_000_000 { ping() }
    }
  }
}
