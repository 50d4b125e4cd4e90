internal import CentramPluginAPI
internal import CentramWire

/// What a node knows of a peer with which it has, or had just now, a session.
struct PeerEntry {
  var session: PeerSession?
  /// How many of this node's own dials have sent their proof, and how many connections of the peer have been let in: both not finished.
  var proofsSent = 0, acceptances = 0
  var connection: ConnectionFacts?
  /// Nanoseconds at which the connection was lost.
  var suspendedAt: UInt64?
  var since: Int64 = 0
  var lastError = ""

  var isConnected: Bool { connection != nil }
}

struct ConnectionFacts: Sendable {
  let number: UInt64
  var transport: String, address: String, reason: String
  var isDialler: Bool, isRelayed: Bool
  /// Why a relayed connection has not become a direct one.
  var note = ""

  /// For `peers`.
  var explanation: String { note.isEmpty ? reason : "\(reason); \(note)" }
}

/// How a dial to a configured address goes.
struct DialState {
  var peer: NodeKey?
  var isTrying = true
  var lastError = ""
  var since: Int64 = 0
}

extension NetworkNode {
  func sortedEntries() -> [PeerEntry] {
    table.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Every peer with a session, and every address that is dialled and does not answer, in the order of ids and addresses.
  public func peers() async -> [PeerStatus] {
    var result: [PeerStatus] = []
    for (key, entry) in table.sorted(by: { $0.key < $1.key }) {
      guard let session = entry.session else { continue }
      let addresses = dials.filter { $0.value.peer.map(currentKey) == key }.flatMap(\.key.addresses)
      let facts = entry.connection, capabilities = await session.capabilities
      result.append(
        PeerStatus(
          id: key.description, addresses: Set(addresses + (facts.map { $0.address.isEmpty ? [] : [$0.address] } ?? [])).sorted(),
          transport: facts?.transport ?? "", state: facts == nil ? .suspended : .connected, isDialler: facts?.isDialler ?? session.isDialler,
          path: facts?.isRelayed == true ? "relay" : "direct", reason: facts?.explanation ?? entry.lastError,
          roundTripMilliseconds: await session.roundTrip.map { Double($0) / 1e6 }, bytesSent: await session.bytesSent, bytesReceived: await session.bytesReceived,
          since: entry.since, agent: session.agent, unacknowledged: await session.unacknowledged,
          gatePolicy: capabilities.flatMap { $0.gatePolicy.isEmpty ? nil : Hexadecimal.text($0.gatePolicy) }, disabledGateLayers: capabilities?.disabledGateLayers ?? []))
    }
    for (reference, dial) in dials.sorted(by: { $0.key.address < $1.key.address }) {
      if let peer = dial.peer, table[currentKey(peer)]?.session != nil { continue }
      result.append(
        PeerStatus(
          id: (reference.key ?? dial.peer)?.description, addresses: reference.addresses.isEmpty ? [reference.address] : reference.addresses, transport: reference.scheme,
          state: .dialling, isDialler: true, path: reference.addresses.isEmpty ? "relay" : "direct", reason: dial.lastError, roundTripMilliseconds: nil, bytesSent: 0,
          bytesReceived: 0, since: dial.since, agent: "", unacknowledged: 0))
    }
    return result
  }

  /// Suspends until `condition` holds for the list of peers, or the node stopped.
  public func wait(until condition: @escaping @Sendable ([PeerStatus]) -> Bool) async {
    if condition(await peers()) || phase == .stopping || phase == .stopped { return }
    let signal = Signal()
    watchers.append((condition, signal))
    // What changed since the look above is looked at again.
    changed()
    await signal.wait()
    watchers.removeAll { $0.signal === signal }
  }

  /// Tells those who wait for a state of the peers to look again.
  func changed() {
    guard !watchers.isEmpty else { return }
    scope.start { await self.wakeWatchers(self.peers()) }
  }

  func wakeWatchers(_ peers: [PeerStatus]) {
    for watcher in watchers where phase == .stopping || phase == .stopped || watcher.condition(peers) { watcher.signal.send() }
  }

  // MARK: Sessions that wait for their peers

  func endOldSessions() async {
    let now = clock.monotonicNanoseconds, window = settings.limits.nanoseconds(.resumeMilliseconds)
    var waiting = table.filter { $0.value.suspendedAt != nil && !$0.value.isConnected }
      .sorted { ($0.value.suspendedAt ?? 0, $0.key) < ($1.value.suspendedAt ?? 0, $1.key) }
    var old = waiting.filter { now - min(now, $0.value.suspendedAt ?? now) > window }
    if !old.isEmpty { counters.reached(.resumeMilliseconds) }
    waiting.removeAll { entry in old.contains { $0.key == entry.key } }
    if waiting.count > settings.limits[.suspendedSessions] {
      counters.reached(.suspendedSessions)
      old += waiting.prefix(waiting.count - settings.limits[.suspendedSessions])
    }
    for (key, entry) in old {
      guard let session = entry.session, table[key]?.isConnected == false else { continue }
      forgetSession(key)
      await session.end(SessionError(.disconnected, "the peer did not come back"))
    }
    if !old.isEmpty { changed() }
  }
}
