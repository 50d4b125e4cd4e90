internal import CentramPluginAPI
internal import CentramWire

extension RelayService {
  func listen(at relay: NodeKey) throws(PluginError) -> RelayListener {
    guard let node else { throw PluginError(.unavailable, "the relay service is not attached to a node") }
    guard relay != own else { throw PluginError(.invalid, "this node cannot be its own relay") }
    guard listeners[relay] == nil else { throw PluginError(.invalid, "the node listens at the relay \(relay) already") }
    let listener = RelayListener(relay: relay, own: own) { [weak self] in await self?.closed($0) }
    listeners[relay] = listener
    node.scope.start { [weak self] in await self?.keepReservation(listener) }
    return listener
  }

  private func closed(_ listener: RelayListener) {
    if listeners[listener.relay] === listener { listeners[listener.relay] = nil }
  }

  /// Reserves as soon as there is a session with the relay, again in each new session, and in time before the reservation ends.
  private func keepReservation(_ listener: RelayListener) async {
    var session: [UInt8] = [], renewal: UInt64 = 0, told: String?
    while listeners[listener.relay] === listener {
      if let current = await node?.session(with: listener.relay), current.id != session || now >= renewal {
        let problem: String
        (problem, renewal) = await reserve(in: current)
        session = current.id
        if problem != told { node?.log(problem.isEmpty ? .info : .warning, problem.isEmpty ? "reachable at \(listener.address)" : problem) }
        told = problem
      }
      guard (try? await clock.sleep(milliseconds: 1_000)) != nil else { return }
    }
  }

  /// - Returns: what is wrong, or nothing; and when to ask again.
  private func reserve(in session: PeerSession) async -> (problem: String, renewal: UInt64) {
    var request = WireRelayOpen()
    request.step = .reserve
    do throws(SessionError) {
      let answer = try await session.request(request, for: WireRelayOpen.self)
      guard answer.step == .reserved else { return ("the relay \(await session.peer) gives no reservation: \(answer.message)", now + 60_000_000_000) }
      let unix = UInt64(max(0, clock.unixMilliseconds)), left = answer.expiresMs > unix ? min(answer.expiresMs - unix, 86_400_000) : 0
      return ("", now + max(10_000, left / 2) * 1_000_000)
    } catch { return ("the relay \(await session.peer) gives no reservation: \(error.message)", now + 10_000_000_000) }
  }
}
