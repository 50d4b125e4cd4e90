internal import CentramPluginAPI
internal import CentramWire

/// Two nodes may dial each other at the same time. Who sends a proof has no session with the peer, and while a node's own proof is on its way it
/// refuses the peer's if its key is the smaller one. So of two crossing handshakes exactly one ends well, and a peer that comes without a session
/// has lost it: it was killed, and its old session here ends.
extension NetworkNode: HandshakeHost {
  func handshakeSettings(_ connection: any TransportConnection, _ info: TransportInfo) -> Handshake.Settings {
    let peer = NodeKey(connection.peer.bytes)
    return Handshake.Settings(
      key: key, transportPeer: peer == .anyone ? nil : peer, binding: connection.channelBinding, isEncrypted: info.features.contains(.encrypted),
      ephemeralSecret: services.randomBytes(32), nonce: services.randomBytes(32), agent: settings.agent, network: settings.network,
      idleMilliseconds: UInt32(clamping: settings.limits[.silenceMilliseconds]), resumeMilliseconds: UInt32(clamping: settings.limits[.resumeMilliseconds]))
  }

  func begin(_ peer: NodeKey, wanted: Handshake.Resumption?) async -> Handshake.Resumption? {
    guard let wanted, let session = table[peer]?.session, session.id == wanted.session, await session.state != .ended else { return nil }
    return Handshake.Resumption(session: session.id, received: await session.received)
  }

  func admit(_ peer: NodeKey, isDialler: Bool, resuming wanted: [UInt8]?) async throws(SessionError) -> UInt64? {
    try await admit(peer, isDialler: isDialler, resuming: wanted, connectedAtBegin: table[peer]?.connection?.number)
  }

  /// - Parameter connectedAtBegin: the number of the connection that there was to the peer when its handshake began.
  func admit(_ peer: NodeKey, isDialler: Bool, resuming wanted: [UInt8]?, connectedAtBegin: UInt64?) async throws(SessionError) -> UInt64? {
    try checkConduct(peer)
    let entry = table[peer] ?? PeerEntry()
    if isDialler {
      guard !entry.isConnected, entry.acceptances == 0 else { throw SessionError(.duplicate, "there is a connection with this peer already") }
      table[peer, default: PeerEntry()].proofsSent += 1
      return nil
    }
    let crossed = entry.connection.map { $0.isDialler && $0.number != connectedAtBegin } ?? false
    if entry.proofsSent > 0 || crossed, key.publicKey < peer {
      throw SessionError(.duplicate, "this node's own connection to the peer goes first")
    }
    let others = table.count { $0.key != peer && ($0.value.isConnected || $0.value.acceptances > 0) }
    guard others < settings.limits[.peers] else {
      counters.reached(.peers)
      throw SessionError(.limit, "the node has \(others) peers; peers is \(settings.limits[.peers])")
    }
    table[peer, default: PeerEntry()].acceptances += 1
    guard let wanted, let session = entry.session, session.id == wanted, await session.state != .ended else { return nil }
    return await session.detach(SessionError(.disconnected, "the peer came over another connection"))
  }

  func take(_ agreement: Handshake.Agreement) async -> UInt64 {
    guard agreement.isResumed, let session = table[agreement.peer]?.session, session.id == agreement.session else { return 0 }
    return await session.detach(SessionError(.disconnected, "there is another connection to the peer"))
  }

  func connectionNumber(_ peer: NodeKey) -> UInt64? { table[peer]?.connection?.number }

  private func checkConduct(_ peer: NodeKey) throws(SessionError) {
    guard !isBanned(peer) else {
      counters.add(.refusedBanned)
      throw SessionError(.banned, "the peer is banned for a while")
    }
    guard !links.isRetired(peer.bytes, at: UInt64(max(0, clock.unixMilliseconds))) else {
      throw SessionError(.identity, "the key was rotated, and its time of grace is over")
    }
    guard phase == .running else { throw SessionError(.closed, "the node stops") }
  }

  /// The session that a peer and this node would go on with.
  func resumable(_ peer: NodeKey?) async -> Handshake.Resumption? {
    guard let peer, let session = table[peer]?.session, await session.state == .suspended else { return nil }
    return Handshake.Resumption(session: session.id, received: await session.received)
  }

  /// Carries a connection from the handshake to its end.
  /// - Parameter begun: is called when the handshake is over, well or not.
  /// - Returns: the peer, and why the connection ended.
  func serve(_ connection: any TransportConnection, _ handshake: Handshake, facts: ConnectionFacts, begun: @Sendable () async -> Void) async throws(SessionError)
    -> (peer: NodeKey, end: SessionError)
  {
    let admitted = AdmittedPeer(node: self, isDialler: handshake.isDialler)
    let outcome: HandshakeDriver.Outcome
    do throws(SessionError) {
      outcome = try await HandshakeDriver(services: services, connection: connection, host: admitted).run(handshake)
    } catch {
      await begun()
      await admitted.release()
      throw error
    }
    await begun()
    let session = await adopt(outcome.agreement, key: handshake.settings.key)
    await admitted.release()
    let link = Link(connection: connection, control: outcome.control, now: clock.monotonicNanoseconds)
    let peer = outcome.agreement.peer
    connected(peer, facts)
    log(.info, "\(peer) is connected over \(facts.transport)\(outcome.agreement.isResumed ? ", its session goes on" : "")")
    let end = await session.run(link, reader: outcome.reader, agreement: outcome.agreement)
    await disconnected(session, facts, end)
    return (peer, end)
  }

  /// - Parameter used: the key that the handshake was with. The node's may be another one by now, and the peer is told then.
  private func adopt(_ agreement: Handshake.Agreement, key used: SigningKey) async -> PeerSession {
    let old = table[agreement.peer]?.session
    if agreement.isResumed, let old, old.id == agreement.session {
      counters.add(.sessionsResumed)
      return old
    }
    let session = PeerSession(agreement, key: used, services: services), isRotated = used.publicKey != key.publicKey
    table[agreement.peer, default: PeerEntry()].session = session
    if !isRotated {
      if !history.isEmpty { await session.tell(history) }
    } else if let last = history.first, last.old == used.publicKey.bytes, let message = try? WireKeyRotation(serializedBytes: last.message) {
      try? await session.rotate(from: used.publicKey, to: key, message)
      await session.tell(Array(history.dropFirst()))
    }
    if let old {
      await session.inherit(await old.handOver())
      await old.end(SessionError(.closed, "the peer began a new session"))
    }
    return session
  }

  private func connected(_ peer: NodeKey, _ facts: ConnectionFacts) {
    table[peer, default: PeerEntry()].connection = facts
    table[peer]?.suspendedAt = nil
    table[peer]?.since = clock.unixMilliseconds
    changed()
  }

  private func disconnected(_ session: PeerSession, _ facts: ConnectionFacts, _ end: SessionError) async {
    let peer = await session.peer, hasEnded = await session.state == .ended
    counters.add(.connectionsLost)
    log(.info, "\(peer) is gone: \(end.message)")
    guard table[peer]?.connection?.number == facts.number else { return }
    if hasEnded {
      forgetSession(peer)
    } else {
      table[peer]?.connection = nil
      table[peer]?.suspendedAt = clock.monotonicNanoseconds
      table[peer]?.since = clock.unixMilliseconds
      table[peer]?.lastError = end.message
    }
    changed()
  }

  /// Forgets a session, but not the handshakes with the peer that are under way: each of them takes itself back.
  func forgetSession(_ peer: NodeKey) {
    guard let entry = table[peer] else { return }
    let isEmpty = entry.proofsSent == 0 && entry.acceptances == 0
    table[peer] = isEmpty ? nil : PeerEntry(proofsSent: entry.proofsSent, acceptances: entry.acceptances)
  }

  fileprivate func release(_ peer: NodeKey, isDialler: Bool) {
    guard var entry = table[peer] else { return }
    if isDialler { entry.proofsSent -= 1 } else { entry.acceptances -= 1 }
    let isEmpty = entry.session == nil && entry.proofsSent == 0 && entry.acceptances == 0
    table[peer] = isEmpty ? nil : entry
  }
}

/// Remembers what the node let in for one handshake, so that it can be taken back.
private actor AdmittedPeer: HandshakeHost {
  private let node: NetworkNode
  private let isDialler: Bool
  private var peer: NodeKey?
  private var connectedAtBegin: UInt64?

  init(node: NetworkNode, isDialler: Bool) { (self.node, self.isDialler) = (node, isDialler) }

  func begin(_ peer: NodeKey, wanted: Handshake.Resumption?) async -> Handshake.Resumption? {
    connectedAtBegin = await node.connectionNumber(peer)
    return await node.begin(peer, wanted: wanted)
  }
  func take(_ agreement: Handshake.Agreement) async -> UInt64 { await node.take(agreement) }

  func admit(_ peer: NodeKey, isDialler: Bool, resuming session: [UInt8]?) async throws(SessionError) -> UInt64? {
    let received = try await node.admit(peer, isDialler: isDialler, resuming: session, connectedAtBegin: connectedAtBegin)
    self.peer = peer
    return received
  }

  func release() async {
    guard let peer else { return }
    self.peer = nil
    await node.release(peer, isDialler: isDialler)
  }
}
