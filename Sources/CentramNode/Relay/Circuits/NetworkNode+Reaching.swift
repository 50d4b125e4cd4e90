internal import CentramPluginAPI
public import CentramWire

/// Which families of addresses a node has a way to, beyond its link.
public struct AddressFamilies: Sendable, Equatable {
  public var v4: Bool, v6: Bool
  public init(v4: Bool = true, v6: Bool = true) { (self.v4, self.v6) = (v4, v6) }

  /// As the machine's addresses say.
  public init(of interfaces: [NetworkInterface]) {
    let own = interfaces.filter(\.isUp).flatMap(\.addresses).map(\.ip).filter { $0.reach >= .site }
    self.init(v4: own.contains(where: \.isIPv4), v6: own.contains { !$0.isIPv4 })
  }
}

extension NetworkNode {
  /// Reaches a peer over whichever of its addresses answers first, direct ones before relays, and stays with that connection to its end.
  /// - Parameters:
  ///   - relays: keys of relays at which the peer listens. With one of them this node must have a session, or know its address: see `learn`.
  ///   - mapping: how this node's router gives ports, as far as it is known, for the reason.
  ///   - reason: why these addresses, for `peers`; nil: how fast they answered.
  /// - Returns: why the connection ended.
  /// - Throws: `.transport` where no address answered, and what a handshake throws.
  public func reach(
    _ peer: NodeKey, direct: [PeerAddress], relays: [NodeKey], families: AddressFamilies = AddressFamilies(), mapping: NATMapping = .unknown,
    reason: String? = nil, settings race: DialRace.Settings = DialRace.Settings()
  ) async throws(SessionError) -> SessionError {
    let dialling = RacedDial(node: self, peer: peer, direct: direct, relays: relays, families: families, mapping: mapping, settings: race)
    let winner = try await dialling.run()
    let resume = await resumable(peer)
    let handshake = Handshake(dialling: handshakeSettings(winner.connection, winner.info), expecting: peer, resume: resume)
    let isRelayed = winner.info.features.contains(.relayed)
    let facts = ConnectionFacts(
      number: services.randomNumber(), transport: winner.info.scheme, address: winner.address, reason: isRelayed ? winner.reason : reason ?? winner.reason,
      isDialler: true, isRelayed: isRelayed)
    return try await serve(winner.connection, handshake, facts: facts, begun: {}).end
  }
}

/// A `DialRace` with real dials.
private struct RacedDial: Sendable {
  let node: NetworkNode
  let peer: NodeKey
  let direct: [PeerAddress], relays: [NodeKey]
  let families: AddressFamilies, mapping: NATMapping, settings: DialRace.Settings

  struct Winner: Sendable {
    let connection: any TransportConnection
    let info: TransportInfo
    let address: String, reason: String
  }

  private enum Event: Sendable {
    case connected(DialRace.Candidate, any TransportConnection)
    case failed(DialRace.Candidate, String)
    case time
  }

  func run() async throws(SessionError) -> Winner {
    let candidates = direct.map { DialRace.Candidate($0) } + relays.compactMap(candidate)
    var race = DialRace(candidates, settings: settings, now: milliseconds), winner: (DialRace.Candidate, any TransportConnection)?
    var begun: [DialRace.Candidate: UInt64] = [:], failures: [RelayReason.DialFailure] = []
    await withTaskGroup(of: Event.self) { group in
      while race.outcome == nil {
        for case .dial(let candidate) in race.poll(at: milliseconds) {
          begun[candidate] = milliseconds
          group.addTask { await dial(candidate) }
        }
        guard race.outcome == nil else { break }
        if let deadline = race.deadline {
          group.addTask {
            try? await node.clock.sleep(until: deadline * 1_000_000)
            return .time
          }
        }
        switch await group.next() {
        case .connected(let candidate, let connection)?:
          race.connected(candidate, at: milliseconds)
          if winner == nil { winner = (candidate, connection) } else { await connection.close(code: 0, reason: "another address was faster") }
        case .failed(let candidate, let sentence)?:
          race.failed(candidate, sentence, at: milliseconds)
          if !candidate.isRelay {
            failures.append(.init(address: candidate.address, families: (families.v4, families.v6), milliseconds: milliseconds - (begun[candidate] ?? milliseconds), limit: 3_000))
            begun[candidate] = nil
          }
        case .time?, nil: continue
        }
      }
      group.cancelAll()
      for await case .connected(_, let connection) in group { await connection.close(code: 0, reason: "another address was faster") }
    }
    guard let (candidate, connection) = winner, case .connected(_, let how)? = race.outcome else {
      if case .failed(let reason)? = race.outcome { throw SessionError(.transport, reason) }
      throw SessionError(.closed, "the dial was given up")
    }
    // Those that are still on their way were silent for too long.
    failures += begun.keys.filter { !$0.isRelay }.map { .init(address: $0.address, families: (families.v4, families.v6), milliseconds: .max, limit: 0) }
    let info = node.transports[candidate.address.scheme]?.info ?? TransportInfo(scheme: candidate.address.scheme)
    let reason = candidate.isRelay ? RelayReason(failures: failures, mapping: mapping).sentence + "; " + how.dropFirst("relay: ".count) : how
    return Winner(connection: connection, info: info, address: candidate.address.description, reason: reason)
  }

  private var milliseconds: UInt64 { node.clock.monotonicNanoseconds / 1_000_000 }

  private func candidate(_ relay: NodeKey) -> DialRace.Candidate? {
    relay == peer ? nil : (try? PeerAddress(RelayAddress(relay: relay, target: peer).description)).map { DialRace.Candidate($0, isRelay: true) }
  }

  private func dial(_ candidate: DialRace.Candidate) async -> Event {
    guard let transport = node.transports[candidate.address.scheme] else { return .failed(candidate, "there is no transport for \(candidate.address.scheme)") }
    do throws(PluginError) {
      return .connected(candidate, try await transport.dial(candidate.address.description, expecting: PeerID(peer.bytes)))
    } catch { return .failed(candidate, error.message) }
  }
}
