public import CentramPluginAPI
public import CentramTransportSupport
internal import CentramWire
internal import Foundation

/// A node's part in relaying: it carries circuits for others where it is told to, and opens and takes circuits of its own through other relays.
///
///     let relaying = RelayService(settings: …)
///     let node = NetworkNode(…, transports: relaying.transports(over: transports), …)
///     await relaying.attach(to: node)
public actor RelayService {
  public nonisolated let settings: RelaySettings
  nonisolated let clock: any NodeClock
  nonisolated let random: any RandomService
  nonisolated let timers: any TransportTimers
  private nonisolated let seed: [UInt8]
  nonisolated let own: NodeKey
  weak var node: NetworkNode?
  var server: RelayServer
  var junctions: [CircuitID: Junction] = [:]
  var listeners: [NodeKey: RelayListener] = [:]

  /// - Parameter seed: the node's key, 32 bytes, for the secure channel with the other end of a circuit.
  /// - Throws: `.malformed` where it is none.
  public init(settings: RelaySettings = RelaySettings(), seed: [UInt8], clock: any NodeClock, random: any RandomService, timers: any TransportTimers) throws(RelayError) {
    (self.settings, self.seed, self.clock, self.random, self.timers) = (settings, seed, clock, random, timers)
    do throws(WireError) { own = try SigningKey(seed: seed).publicKey } catch { throw RelayError(.malformed, error.message) }
    server = RelayServer(settings: settings, now: clock.monotonicNanoseconds)
  }

  /// The node's transports, with what is needed so that their connections carry circuits, and the transport `relay`.
  public nonisolated func transports(over transports: [any Transport]) -> [any Transport] {
    transports.map { CarryingTransport(base: $0, service: self) } + [RelayTransport(service: self)]
  }

  /// Takes the node's messages about relays from now on. Call it before the node runs.
  public func attach(to node: NetworkNode) {
    self.node = node
    node.handlers.on(WireRelayOpen.self) { [weak self] message, incoming in try await self?.take(message, from: incoming.peer) }
  }

  public var counters: RelayCounters { server.counters }
  public var circuitCount: Int { server.circuitCount }
  var now: UInt64 { clock.monotonicNanoseconds }

  private func take(_ message: WireRelayOpen, from peer: NodeKey) async throws -> (any WireMessage)? {
    switch message.step {
    case .reserve: return server.reserve(by: peer, now: now, unixMilliseconds: UInt64(max(0, clock.unixMilliseconds)))
    case .connect: return await connect(message, from: peer)
    case .incoming: return incoming(message, from: peer)
    case .closed:
      server.forget(peer)
      return nil
    default: throw SessionError(.unexpected, "a RelayOpen with this step answers something that nobody asked")
    }
  }

  // MARK: As the relay

  private func connect(_ message: WireRelayOpen, from initiator: NodeKey) async -> WireRelayOpen {
    let session: PeerSession? = if let target = NodeKey(message.target) { await node?.session(with: target) } else { nil }
    switch server.connect(message, from: initiator, now: now, hasSession: { _ in session != nil }) {
    case .refuse(let answer): return answer
    case .ask(let id, _, let question):
      let answer = try? await session?.request(question, for: WireRelayOpen.self, milliseconds: settings[.circuitOpeningMilliseconds])
      let reply = server.answered(id, answer, now: now)
      if reply.step != .accepted { await end(id) }
      return reply
    }
  }

  // MARK: As an end

  /// Somebody wants a circuit to this node, at a relay at which it listens.
  private func incoming(_ message: WireRelayOpen, from relay: NodeKey) -> WireRelayOpen {
    guard let listener = listeners[relay], let id = CircuitID(message.circuit), let initiator = NodeKey(message.initiator), NodeKey(message.target) == own,
      initiator != own, let node
    else { return RelayServer.refusal(.targetRefused, "this node takes no circuits through the relay") }
    node.scope.start {
      do throws(PluginError) {
        let connection = try await self.secure(self.open(id, through: relay), .listener, expecting: initiator)
        if !listener.offer(connection) { await connection.close(code: 3, reason: "too many circuits wait") }
      } catch { node.log(.debug, "a circuit of \(initiator) through \(relay) failed: \(error.message)") }
    }
    var answer = message
    answer.step = .accepted
    return answer
  }

  func dial(_ target: NodeKey, through relay: NodeKey) async throws(PluginError) -> MultiplexedConnection {
    guard let session = await node?.relaySession(relay, milliseconds: settings[.circuitOpeningMilliseconds]) else {
      throw PluginError(.unavailable, "there is no session with the relay \(relay); it does not answer, or its address is not known")
    }
    var request = WireRelayOpen()
    var name = [UInt8](repeating: 0, count: CircuitID.byteCount)
    name.withUnsafeMutableBytes { random.fill($0) }
    (request.step, request.circuit, request.initiator, request.target) = (.connect, Data(name), Data(own.bytes), Data(target.bytes))
    let answer: WireRelayOpen
    do throws(SessionError) {
      answer = try await session.request(request, for: WireRelayOpen.self, milliseconds: settings[.circuitOpeningMilliseconds] + 1_000)
    } catch { throw PluginError(.unavailable, "the relay \(relay) opened no circuit: \(error.message)") }
    guard answer.step == .accepted, answer.circuit == request.circuit, let id = CircuitID(name) else {
      throw PluginError(.unavailable, "the relay \(relay) refused the circuit: \(answer.message.isEmpty ? "without a reason" : answer.message)")
    }
    return try await secure(open(id, through: relay), .dialler, expecting: target)
  }

  /// Opens this end's stream of a circuit on the connection to the relay.
  private func open(_ id: CircuitID, through relay: NodeKey) async throws(PluginError) -> any TransportStream {
    guard let connection = await node?.session(with: relay)?.link?.connection else { throw PluginError(.unavailable, "the connection to the relay \(relay) is lost") }
    let stream = try await connection.openStream()
    try await stream.send(CircuitPreamble.bytes(id))
    return stream
  }

  /// Runs the ends' own secure channel through a circuit.
  private func secure(_ stream: any TransportStream, _ role: Multiplexer.Role, expecting peer: NodeKey) async throws(PluginError) -> MultiplexedConnection {
    guard let node else { throw PluginError(.closed, "the node stops") }
    let pipe = CircuitPipe(stream), clock = clock, milliseconds = settings[.circuitOpeningMilliseconds]
    let secured: SecuredPipe
    do throws(TransportSupportError) {
      let identity: CentramTransportSupport.NodeIdentity
      do throws(PluginError) { identity = try .init(seed: seed) } catch { throw TransportSupportError(.invalid, error.message) }
      secured = try SecuredPipe(pipe, role: role, identity: identity, expecting: PeerID(peer.bytes), settings: MultiplexerSettings(), timers: timers)
    } catch { throw error.pluginError }
    pipe.attach(secured)
    node.scope.start { await pipe.run(clock) }
    if role == .dialler { secured.start() }
    do {
      return try await clock.withDeadline(milliseconds: milliseconds) {
        secured.pipeClosed(PluginError(.unavailable, "the other end of the circuit did not answer within \(milliseconds) ms"))
      } _: {
        try await secured.connection.next()
      }
    } catch {
      secured.abort()
      throw error as? PluginError ?? PluginError(.cancelled, "the circuit was given up")
    }
  }
}
