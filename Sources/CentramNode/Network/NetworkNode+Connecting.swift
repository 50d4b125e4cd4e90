internal import CentramPluginAPI
internal import CentramWire

extension NetworkNode {
  // MARK: Listening

  func listen() async throws(SessionError) {
    var failures: [String] = []
    for address in settings.listen {
      let scheme = PeerReference.scheme(of: address)
      guard let transport = transports[scheme] else {
        failures.append("\(address): there is no transport for \(scheme.isEmpty ? "an address without a scheme" : scheme)")
        continue
      }
      do throws(PluginError) {
        let listener = try await transport.listen(on: address)
        listeners.append(listener)
        listening.append(listener.address)
        log(.info, "listening on \(listener.address)")
        scope.start { await self.accept(listener, transport.info) }
      } catch { failures.append("\(address): \(error.message)") }
    }
    guard failures.isEmpty || (!settings.needsAllListeners && !listeners.isEmpty) else {
      for listener in listeners { await listener.close() }
      throw SessionError(.transport, failures.joined(separator: "; "))
    }
    for failure in failures { log(.warning, "not listening on \(failure)") }
  }

  private func accept(_ listener: any TransportListener, _ info: TransportInfo) async {
    while phase == .running || phase == .new {
      do throws(PluginError) {
        await greet(try await listener.accept(), listener, info)
      } catch {
        if error.code == .closed || phase == .stopping { return }
        log(.warning, "accepting on \(listener.address) failed: \(error.message)")
        guard (try? await clock.sleep(milliseconds: 100)) != nil else { return }
      }
    }
  }

  private func greet(_ connection: any TransportConnection, _ listener: any TransportListener, _ info: TransportInfo) async {
    let peer = connection.peer.bytes, now = clock.monotonicNanoseconds
    if bans.isBanned(peer, now: now) {
      counters.add(.refusedBanned)
      return await connection.close(code: 3, reason: "banned for a while")
    }
    if let limit = gate.begin(source: HandshakeGate.source(of: connection), now: now) {
      counters.reached(limit)
      return await connection.close(code: 3, reason: "\(limit.rawValue) is \(settings.limits[limit])")
    }
    let handshake = Handshake(accepting: handshakeSettings(connection, info))
    let facts = ConnectionFacts(
      number: services.randomNumber(), transport: info.scheme, address: "", reason: "the peer dialled \(listener.address)", isDialler: false,
      isRelayed: info.features.contains(.relayed))
    scope.start {
      do throws(SessionError) {
        _ = try await self.serve(connection, handshake, facts: facts, begun: { await self.gateEnd() })
      } catch {
        await self.handshakeFailed(peer, error)
      }
    }
  }

  private func gateEnd() { gate.end() }

  private func handshakeFailed(_ key: [UInt8], _ error: SessionError) async {
    log(.debug, "a handshake failed: \(error.message)")
    guard [.malformed, .identity, .replay, .wrongSession, .unexpected].contains(error.code), let peer = NodeKey(key) else { return }
    await misbehaved(peer, 10)
  }

  // MARK: Dialling

  /// Dials a peer and keeps dialling it, with growing waits, until the node stops or `forget` is called.
  public func connect(to reference: PeerReference) {
    guard dials[reference] == nil else { return }
    dials[reference] = DialState(since: clock.unixMilliseconds)
    scope.start { await self.keepDialling(reference) }
  }

  /// Dials the address no more once the connection that there is ends.
  public func forget(_ reference: PeerReference) {
    dials[reference] = nil
    changed()
  }

  private func keepDialling(_ reference: PeerReference) async {
    var failures = 0
    while phase == .running, dials[reference] != nil {
      if let peer = dials[reference]?.peer ?? reference.key, let entry = table[currentKey(peer)], entry.isConnected || entry.acceptances > 0 {
        // It came by itself, or over another address.
        await waitWhileConnected(currentKey(peer))
        failures = 0
        continue
      }
      let begun = clock.monotonicNanoseconds
      do throws(SessionError) {
        let end = reference.isRaced ? try await race(reference) : try await dial(reference)
        dials[reference]?.lastError = end.message
        // A connection that held for a while was a good one.
        failures = clock.monotonicNanoseconds - begun > 10_000_000_000 ? 0 : failures + 1
      } catch {
        failures = error.code == .duplicate ? min(failures, 1) : failures + 1
        if dials[reference]?.lastError != error.message { log(.info, "\(reference.address): \(error.message)") }
        dials[reference]?.lastError = error.message
        changed()
      }
      guard phase == .running, (try? await clock.sleep(milliseconds: wait(after: failures))) != nil else { return }
    }
  }

  /// Twice as long after each failure, and a part of it by chance, so that nodes that lost each other do not all come back at once.
  private func wait(after failures: Int) -> Int {
    let range = settings.redialMilliseconds
    let longest = min(range.upperBound, range.lowerBound << min(max(failures - 1, 0), 16))
    return longest / 2 + Int(services.randomNumber() % UInt64(max(1, longest / 2)))
  }

  private func waitWhileConnected(_ peer: NodeKey) async {
    let id = peer.description
    await wait { peers in !peers.contains { $0.id == id && $0.state == .connected } }
  }

  /// - Returns: why the connection ended.
  private func race(_ reference: PeerReference) async throws(SessionError) -> SessionError {
    guard let key = reference.key.map(currentKey) else { throw SessionError(.configuration, "\(reference.address): a relay leads to a key, and none is given") }
    for relay in reference.relays { learn(relay) }
    dials[reference]?.peer = key
    return try await reach(
      key, direct: reference.addresses.compactMap { try? PeerAddress($0) }, relays: reference.relays.map(\.id), families: surroundings.families(),
      mapping: await surroundings.mapping(), reason: reference.reason)
  }

  /// - Returns: why the connection ended.
  private func dial(_ reference: PeerReference) async throws(SessionError) -> SessionError {
    guard let transport = transports[reference.scheme] else {
      throw SessionError(.configuration, "\(reference.address): there is no transport for \(reference.scheme)")
    }
    // The key that was learnt may change with the node behind the address, unless it was given.
    let expected = reference.key.map(currentKey)
    let known = expected ?? dials[reference]?.peer.map(currentKey)
    let resume = await resumable(known)
    let connection: any TransportConnection
    do throws(PluginError) {
      connection = try await transport.dial(reference.address, expecting: expected.flatMap { PeerID($0.bytes) })
    } catch { throw SessionError(.transport, error.message) }
    let answered = NodeKey(connection.peer.bytes)
    // Only the peer of that session may hear of it.
    let handshake = Handshake(dialling: handshakeSettings(connection, transport.info), expecting: expected, resume: answered == known ? resume : nil)
    let facts = ConnectionFacts(
      number: services.randomNumber(), transport: reference.scheme, address: reference.address, reason: reference.reason, isDialler: true,
      isRelayed: transport.info.features.contains(.relayed))
    if let answered, answered != .anyone { dials[reference]?.peer = answered }
    return try await serve(connection, handshake, facts: facts, begun: {}).end
  }
}
