public import CentramPluginAPI
public import CentramWire
internal import Foundation

/// Moves sessions that go through a relay to direct connections. Whoever was dialled through the relay begins: it punches with the peer, and the session,
/// with every message that was not acknowledged, goes on over the connection that gets through. Where none does, the relay stays.
public actor PunchService {
  public struct Outcome: Sendable, Equatable {
    public var isDirect: Bool
    public var reason: String
  }

  private let settings: RelaySettings
  private let clock: any NodeClock, random: any RandomService
  private let mapping: @Sendable () async -> NATMapping
  private let addresses: @Sendable () async -> [PeerAddress]
  /// Relayed connections that were punched for, by number: how often, and when again.
  private var tried: [UInt64: (failures: Int, next: UInt64)] = [:]
  private weak var node: NetworkNode?
  private var running: [NodeKey: Punch] = [:]
  private var requests: Allowances<NodeKey>

  /// Punches at one time; milliseconds between two with one peer.
  private static let parallel = 8, shortestWait: UInt64 = 30_000, longestWait: UInt64 = 1_800_000

  /// What goes on with one peer.
  private struct Punch {
    var machine: HolePunch
    let session: PeerSession
    var outcome: Outcome?
    /// Happens when the machine has moved on. A new one for each wait.
    var moved = Signal()
    /// The first direct connection of this end.
    var connection: (any TransportConnection, PeerAddress)?
  }

  /// - Parameters:
  ///   - mapping: how this node's router gives ports, for the reason why a punch failed.
  ///   - addresses: where others see this node's listening socket.
  public init(
    settings: RelaySettings = RelaySettings(), clock: any NodeClock, random: any RandomService, mapping: @escaping @Sendable () async -> NATMapping = { .unknown },
    addresses: @escaping @Sendable () async -> [PeerAddress]
  ) {
    (self.settings, self.clock, self.random, self.mapping, self.addresses) = (settings, clock, random, mapping, addresses)
    requests = Allowances(perMinute: settings[.punchesPerPeerAndMinute])
  }

  /// Takes the node's messages about punching from now on. Call it before the node runs.
  public func attach(to node: NetworkNode) {
    self.node = node
    node.handlers.on(WireHolePunchSync.self) { [weak self] message, incoming in
      await self?.take(message, incoming)
      return nil
    }
  }

  private var machineSettings: HolePunch.Settings {
    var result = HolePunch.Settings()
    (result.attempts, result.candidates) = (settings[.punchAttempts], settings[.punchCandidates])
    return result
  }

  /// Punches with a peer that is connected through a relay.
  /// - Returns: whether the session is direct now, and why or why not.
  public func punch(_ peer: NodeKey) async -> Outcome {
    guard let node, let session = await node.session(with: peer), await node.isRelayed(peer) else {
      return Outcome(isDirect: false, reason: "the peer is not connected through a relay")
    }
    guard running[peer] == nil else { return Outcome(isDirect: false, reason: "a punch with this peer is under way") }
    var bytes = [UInt8](repeating: 0, count: 32)
    bytes.withUnsafeMutableBytes { random.fill($0) }
    let own = await addresses()
    let machine = HolePunch(
      .coordinator, circuit: CircuitID(bytes[..<16])!, own: own, nonce: Array(bytes[16...]), settings: machineSettings, now: clock.monotonicNanoseconds)
    running[peer] = Punch(machine: machine, session: session)
    await act(running[peer]?.machine.start(now: clock.monotonicNanoseconds) ?? [], peer)
    return await finish(peer)
  }

  /// Punches with every peer that came through a relay, again after growing waits where that did not help, until the task is cancelled.
  public func run() async {
    await withDiscardingTaskGroup { group in
      while (try? await clock.sleep(milliseconds: 500)) != nil {
        for (peer, number) in await due() { group.addTask { await self.tryOnce(peer, number) } }
      }
      group.cancelAll()
    }
  }

  /// Whoever was dialled through the relay begins, so that of two ends one does.
  private func due() async -> [(peer: NodeKey, number: UInt64)] {
    let relayed = await node?.relayedConnections().filter { !$0.isDialler } ?? [], now = clock.monotonicNanoseconds
    let numbers = Set(relayed.map(\.number))
    tried = tried.filter { numbers.contains($0.key) }
    let due = relayed.filter { running[$0.peer] == nil && tried[$0.number, default: (0, 0)].next <= now }.prefix(max(0, Self.parallel - running.count))
    for entry in due { tried[entry.number, default: (0, 0)].next = .max }
    return due.map { ($0.peer, $0.number) }
  }

  private func tryOnce(_ peer: NodeKey, _ number: UInt64) async {
    // Peers tell this node its address as soon as they are connected; that takes a moment.
    for _ in 0..<25 where await addresses().isEmpty { try? await clock.sleep(milliseconds: 200) }
    let outcome = await punch(peer)
    guard !outcome.isDirect, let failures = tried[number]?.failures else { return }
    let wait = min(Self.shortestWait << UInt64(min(failures, 6)), Self.longestWait)
    tried[number] = (failures + 1, clock.monotonicNanoseconds + wait * 1_000_000)
  }

  /// Says in `peers` why the relay stays.
  private func explain(_ outcome: Outcome, _ peer: NodeKey) async {
    guard !outcome.isDirect else { return }
    let router = await mapping() == .endpointDependent ? "; the router in front of this node gives each destination another port (symmetric NAT)" : ""
    await node?.note(peer, "no direct path: \(outcome.reason)\(router)")
  }

  private func take(_ message: WireHolePunchSync, _ incoming: IncomingMessage) async {
    let peer = incoming.peer, now = clock.monotonicNanoseconds
    if running[peer] == nil, message.step == .connect, let circuit = CircuitID(message.circuit), let node, await node.isRelayed(peer) {
      guard requests.take(peer, now: now) else { return }
      let own = await addresses()
      guard running[peer] == nil else { return }
      running[peer] = Punch(machine: HolePunch(.follower, circuit: circuit, own: own, settings: machineSettings, now: now), session: incoming.session)
      node.scope.start { _ = await self.finish(peer) }
    }
    await act(running[peer]?.machine.receive(message, now: now) ?? [], peer)
    running[peer]?.moved.send()
  }

  private func act(_ actions: [HolePunch.Action], _ peer: NodeKey) async {
    for action in actions {
      switch action {
      case .send(let message): _ = try? await running[peer]?.session.send(message)
      case .dial(let addresses, let at):
        for address in addresses { node?.scope.start { await self.dial(address, peer, at: at) } }
      case .finished(let connected, let reason):
        running[peer]?.outcome = Outcome(isDirect: connected, reason: reason)
        running[peer]?.moved.send()
      }
    }
  }

  /// Polls the machine until it is over, then moves the session.
  private func finish(_ peer: NodeKey) async -> Outcome {
    while let punch = running[peer], punch.outcome == nil, let deadline = punch.machine.deadline {
      let moved = Signal()
      running[peer]?.moved = moved
      _ = try? await clock.withDeadline(milliseconds: Int((deadline - min(deadline, clock.monotonicNanoseconds)) / 1_000_000) + 1) {
        moved.send()
      } _: {
        await moved.wait()
      }
      guard running[peer]?.outcome == nil else { break }
      await act(running[peer]?.machine.poll(now: clock.monotonicNanoseconds) ?? [], peer)
      guard !Task.isCancelled else { break }
    }
    guard let punch = running.removeValue(forKey: peer) else { return Outcome(isDirect: false, reason: "the punch was given up") }
    let outcome = punch.outcome ?? Outcome(isDirect: false, reason: "the punch was given up")
    await explain(outcome, peer)
    guard outcome.isDirect, let node, let (connection, address) = punch.connection else { return outcome }
    // Of two ends that got through, the one that coordinates moves the session; the other waits, and does so itself only if nothing comes.
    if punch.machine.role == .follower {
      for _ in 0..<20 where await node.isRelayed(peer) { try? await clock.sleep(milliseconds: 100) }
      guard await node.isRelayed(peer) else {
        await connection.close(code: 0, reason: "the other end's connection is used")
        return outcome
      }
    }
    node.scope.start { await node.move(peer, to: connection, at: address, reason: "direct: \(outcome.reason)") }
    return outcome
  }

  private func dial(_ address: PeerAddress, _ peer: NodeKey, at time: UInt64) async {
    try? await clock.sleep(until: time)
    guard let transport = node?.transports[address.scheme], running[peer]?.outcome == nil else { return }
    do throws(PluginError) {
      let connection = try await transport.dial(address.description, expecting: PeerID(peer.bytes))
      guard running[peer] != nil, running[peer]?.connection == nil else { return await connection.close(code: 0, reason: "another connection was faster") }
      running[peer]?.connection = (connection, address)
      await act(running[peer]?.machine.connected() ?? [], peer)
    } catch { node?.log(.debug, "punching to \(address): \(error.message)") }
  }
}

extension NetworkNode {
  /// Whether the connection with a peer goes through a relay.
  public func isRelayed(_ peer: NodeKey) -> Bool { table[currentKey(peer)]?.connection?.isRelayed ?? false }

  /// Lets a session go on over another connection: what the peer has not acknowledged is sent again there.
  func move(_ peer: NodeKey, to connection: any TransportConnection, at address: PeerAddress, reason: String) async {
    guard let session = table[peer]?.session, isRelayed(peer) else { return await connection.close(code: 0, reason: "the session is not relayed any more") }
    _ = await session.detach(SessionError(.disconnected, "the session goes on over a direct connection"))
    // The end of the old connection is noticed by whoever serves it.
    for _ in 0..<50 where isRelayed(peer) { try? await clock.sleep(milliseconds: 20) }
    let info = transports[address.scheme]?.info ?? TransportInfo(scheme: address.scheme)
    let handshake = Handshake(dialling: handshakeSettings(connection, info), expecting: peer, resume: await resumable(peer))
    let facts = ConnectionFacts(
      number: services.randomNumber(), transport: info.scheme, address: address.description, reason: reason, isDialler: true, isRelayed: false)
    do throws(SessionError) { _ = try await serve(connection, handshake, facts: facts, begun: {}) } catch {
      log(.warning, "the session with \(peer) could not go on over \(address): \(error.message)")
    }
  }
}
