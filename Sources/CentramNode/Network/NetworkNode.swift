public import CentramPluginAPI
public import CentramWire

/// A node on the network: its listeners, its sessions with peers, and what it does with their messages.
///
/// Make it, register handlers, then call `run`, which returns after `stop` or when its task is cancelled. It starts no task outside `run`.
public actor NetworkNode {
  public nonisolated let settings: NodeSettings
  public nonisolated let counters: Counters
  /// What to do with messages, by type.
  public nonisolated let handlers: HandlerRegistry
  public nonisolated let clock: any NodeClock
  nonisolated let scope = TaskScope()
  nonisolated let random: any RandomService
  nonisolated let log: @Sendable (LogLevel, String) -> Void
  nonisolated let transports: [String: any Transport]
  nonisolated let capabilities: @Sendable () -> WireCapabilities
  private nonisolated let keep: @Sendable (KeyLinks) throws(DiscoveryError) -> Void

  /// This node's key; changes with `rotateKey`.
  public internal(set) var key: SigningKey
  /// Addresses to dial, with the ports that were chosen.
  public internal(set) var listening: [String] = []
  /// Keys that went over to others, this node's own too.
  public internal(set) var links: KeyLinks
  /// This node's own changes of keys, the last one first: peers are told when they meet it.
  var history: [KeyLinks.Link]

  enum Phase { case new, running, stopping, stopped }
  var phase = Phase.new
  var table: [NodeKey: PeerEntry] = [:]
  var dials: [PeerReference: DialState] = [:]
  var listeners: [any TransportListener] = []
  var gate: HandshakeGate
  var bans: BanList
  /// Relays by which peers may be reached, and where they are; the order in which they were learnt.
  var relayAddresses: [NodeKey: PeerAddress] = [:], relaysLearnt: [NodeKey] = []
  /// Relays that are dialled because a peer is behind them, the oldest first.
  var relayDials: [PeerReference] = []
  var surroundings = Surroundings()
  var watchers: [(condition: @Sendable ([PeerStatus]) -> Bool, signal: Signal)] = []
  let started = Signal()
  let ended = Signal()

  /// - Parameters:
  ///   - transports: by scheme, as their `info` says.
  ///   - log: gets lines for people, from any thread.
  ///   - links: changes of keys that were known when the node ran before.
  ///   - keep: writes the changes of keys down, whenever one has come.
  public init(
    settings: NodeSettings, key: SigningKey, transports: [any Transport], clock: any NodeClock, random: any RandomService,
    handlers: HandlerRegistry = HandlerRegistry(), log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in },
    capabilities: @escaping @Sendable () -> WireCapabilities = { WireCapabilities() },
    links: KeyLinks = KeyLinks(), keep: @escaping @Sendable (KeyLinks) throws(DiscoveryError) -> Void = { _ in }
  ) {
    (self.links, self.keep, history) = (links, keep, links.history(of: key.publicKey.bytes))
    (self.settings, self.key, self.clock, self.random) = (settings, key, clock, random)
    (self.handlers, self.log, self.capabilities) = (handlers, log, capabilities)
    self.transports = Dictionary(transports.map { ($0.info.scheme, $0) }) { first, _ in first }
    counters = Counters()
    gate = HandshakeGate(limits: settings.limits, now: clock.monotonicNanoseconds)
    bans = BanList(limits: settings.limits)
  }

  nonisolated var services: SessionServices {
    SessionServices(
      limits: settings.limits, counters: counters, clock: clock, random: random, handlers: handlers, scope: scope, log: log, capabilities: capabilities,
      misbehaved: { [weak self] peer, points in
        guard let self else { return }
        self.scope.start { await self.misbehaved(peer, points) }
      },
      rotated: { [weak self] link in
        guard let self else { return }
        self.scope.start { await self.rotated(link) }
      })
  }

  /// Listens, dials, serves. Runs once.
  /// - Throws: where it cannot listen as it should; nothing goes on then.
  public func run() async throws(SessionError) {
    precondition(phase == .new, "a node runs once")
    do throws(SessionError) { try await listen() } catch {
      phase = .stopped
      started.send()
      throw error
    }
    phase = .running
    started.send()
    for reference in settings.peers { connect(to: reference) }
    scope.start { await self.maintain() }
    let scope = scope
    await withTaskCancellationHandler {
      await scope.run()
    } onCancel: {
      scope.cancel()
    }
    for listener in listeners { await listener.close() }
    phase = .stopped
    ended.send()
    wakeWatchers([])
  }

  /// Says goodbye to every peer, ends what runs, and lets `run` return.
  public func stop() async {
    guard phase == .running else { return }
    phase = .stopping
    wakeWatchers([])
    for listener in listeners { await listener.close() }
    let sessions = sortedEntries().compactMap(\.session)
    await withDiscardingTaskGroup { group in
      for session in sessions { group.addTask { await session.sayGoodbye(.shutdown, "the node shuts down") } }
    }
    scope.cancel()
    await ended.wait()
  }

  /// Suspends until it listens, or could not.
  public func waitUntilStarted() async {
    await started.wait()
  }

  /// The session with a peer that is connected now.
  public func session(with peer: NodeKey) -> PeerSession? {
    guard let entry = table[currentKey(peer)], entry.isConnected else { return nil }
    return entry.session
  }

  /// Sessions with all peers that are connected now, by key.
  public func sessions() -> [(peer: NodeKey, session: PeerSession)] {
    table.filter { $0.value.isConnected }.compactMap { key, entry in entry.session.map { (key, $0) } }
      .sorted { $0.0 < $1.0 }
  }

  /// Each connection's number, which no other one has, and its session.
  func connections() -> [(number: UInt64, session: PeerSession)] {
    table.sorted { $0.key < $1.key }.compactMap { _, entry in entry.connection.flatMap { facts in entry.session.map { (facts.number, $0) } } }
  }

  func currentKey(_ peer: NodeKey) -> NodeKey { NodeKey(links.current(peer.bytes)) ?? peer }

  // MARK: Keys and conduct

  /// Moves the node to another key, writes that down, and tells every peer, now or when it comes back.
  /// - Parameter grace: milliseconds for which peers still take the old key.
  /// - Throws: where it cannot be written down; nobody has heard of it then.
  public func rotateKey(to new: SigningKey, grace: UInt32 = 86_400_000, isCompromised: Bool = false) async throws(SessionError) {
    let old = key
    let message = try KeyRotation.message(
      from: old, to: new, number: (history.first?.number ?? 0) + 1, effective: services.unixMilliseconds, grace: grace, isCompromised: isCompromised)
    let link = try KeyRotation.check(message)
    var links = links
    try links.add(link)
    do throws(DiscoveryError) { try keep(links) } catch { throw SessionError(.configuration, error.message) }
    (self.links, history, key) = (links, links.history(of: new.publicKey.bytes), new)
    for entry in sortedEntries() {
      if let session = entry.session { try await session.rotate(from: old.publicKey, to: new, message) }
    }
  }

  /// Tells every peer what has changed of this node's capabilities.
  public func capabilitiesChanged() async {
    for entry in sortedEntries() { await entry.session?.announceChanges() }
  }

  /// Suspends until every connected peer has acknowledged what was sent to it reliably, at most so long.
  public func waitForAcknowledgements(milliseconds: Int) async {
    let end = clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
    while clock.monotonicNanoseconds < end, await peers().contains(where: { $0.state == .connected && $0.unacknowledged > 0 }) {
      guard (try? await clock.sleep(milliseconds: 50)) != nil else { return }
    }
  }

  private func rotated(_ link: KeyLinks.Link) async {
    guard let old = NodeKey(link.old), let new = NodeKey(link.new) else { return }
    do throws(SessionError) {
      if try links.add(link) {
        do throws(DiscoveryError) { try keep(links) } catch { log(.warning, "a change of keys is not written down: \(error.message)") }
      }
    } catch { return log(.warning, "a rotation of \(old) is not taken: \(error.message)") }
    // Of several changes the last one is told first.
    let current = currentKey(new)
    if var entry = table[old] {
      if let session = table[current]?.session {
        // It was told late, over a session with the new key: what waited for the old one goes there. A connection that the old one has still is of a
        // process that is gone.
        table[old] = nil
        if let before = entry.session {
          await session.inherit(await before.handOver())
          await before.end(SessionError(.closed, "the peer has another key now"))
        }
      } else {
        entry.proofsSent += table[current]?.proofsSent ?? 0
        entry.acceptances += table[current]?.acceptances ?? 0
        (table[old], table[current]) = (nil, entry)
      }
    }
    log(.info, "\(old) is \(new) now")
    changed()
  }

  func misbehaved(_ peer: NodeKey, _ points: Double) async {
    guard bans.add(points, to: peer.bytes, now: clock.monotonicNanoseconds) else { return }
    counters.reached(.banScore)
    log(.warning, "\(peer) is banned for a while: it broke too many rules")
    guard let session = table[peer]?.session else { return }
    await session.sayGoodbye(.misbehaviour, "too many rules were broken; come back later")
    forgetSession(peer)
    changed()
  }

  /// Whether a peer is banned now.
  public func isBanned(_ peer: NodeKey) -> Bool { bans.isBanned(peer.bytes, now: clock.monotonicNanoseconds) }

  /// Once a second: sessions that waited too long for their peers end.
  private func maintain() async {
    while phase == .running, (try? await clock.sleep(milliseconds: 1_000)) != nil { await endOldSessions() }
  }
}
