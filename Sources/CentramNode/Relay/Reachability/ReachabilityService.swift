public import CentramPluginAPI
internal import CentramWire
internal import Foundation

/// Tells peers where it sees them, dials back those that ask, and finds out the same about its own node.
public actor ReachabilityService {
  public private(set) var observed = ObservedAddresses()
  public private(set) var reachability = Reachability()
  private var server: DialBackServer
  private let clock: any NodeClock, random: any RandomService
  private let dialBack: [String: any Transport]
  private weak var node: NetworkNode?
  private static let dialMilliseconds = 5_000

  /// - Parameter dialBack: transports of sockets of their own, by scheme. The node's own will not do where they dial from the socket that listens: the
  ///   asker's router knows that one, and lets it in where it would let in no stranger.
  public init(settings: RelaySettings = RelaySettings(), clock: any NodeClock, random: any RandomService, dialBack: [any Transport]) {
    (self.clock, self.random) = (clock, random)
    self.dialBack = Dictionary(dialBack.map { ($0.info.scheme, $0) }) { first, _ in first }
    server = DialBackServer(settings: settings, now: clock.monotonicNanoseconds)
  }

  /// Takes the node's messages about addresses from now on. Call it before the node runs.
  public func attach(to node: NetworkNode) {
    self.node = node
    node.handlers.on(WireObservedAddress.self) { [weak self] message, incoming in try await self?.take(message, incoming) }
  }

  public var verdict: Reachability.Verdict { reachability.verdict }
  public var counters: RelayCounters { server.counters }

  /// Whether the router gives each destination a port of its own, as far as peers' reports say.
  public func mapping(scheme: String) -> NATMapping { observed.mapping(scheme: scheme, now: clock.monotonicNanoseconds) }

  /// Addresses at which peers of two networks see this node.
  public var confirmed: [PeerAddress] { observed.confirmed(now: clock.monotonicNanoseconds) }

  /// Addresses at which a peer sees this node, most voices first.
  public var heard: [PeerAddress] { observed.heard(now: clock.monotonicNanoseconds) }

  /// Tells a peer where this node sees it, and asks it to dial back the addresses at which others see this node.
  /// - Parameter candidates: nil: what two networks agree on.
  public func exchange(with session: PeerSession, candidates: [PeerAddress]? = nil) async {
    if let source = await Self.source(of: session) {
      var seen = WireObservedAddress()
      (seen.step, seen.url) = (.seen, source.description)
      _ = try? await session.send(seen)
    }
    var nonce = [UInt8](repeating: 0, count: 16)
    nonce.withUnsafeMutableBytes { random.fill($0) }
    let (peer, now) = (await session.peer, clock.monotonicNanoseconds)
    guard let question = reachability.ask(peer, candidates: candidates ?? confirmed, nonce: nonce, now: now) else { return }
    guard let answer = try? await session.request(question, for: WireObservedAddress.self), let source = await Self.source(of: session) else { return }
    reachability.heard(answer, from: peer, in: source.prefix, now: clock.monotonicNanoseconds)
  }

  /// Exchanges with every peer as soon as it is connected and once every interval, until the task is cancelled.
  public func run(intervalMilliseconds: Int = 300_000) async {
    var told: [UInt64: UInt64] = [:]
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let connections = await node?.connections() ?? [], now = clock.monotonicNanoseconds
        let numbers = Set(connections.map(\.number))
        told = told.filter { numbers.contains($0.key) && now - min(now, $0.value) < UInt64(intervalMilliseconds) * 1_000_000 }
        for (number, session) in connections where told[number] == nil {
          told[number] = now
          group.addTask { await self.exchange(with: session) }
        }
        reachability.expire(now: now)
        guard (try? await clock.sleep(milliseconds: 500)) != nil else { break }
      }
      group.cancelAll()
    }
  }

  static func source(of session: PeerSession) async -> PeerAddress? { await session.link.flatMap { PeerSource.address(of: $0.connection) } }

  private func take(_ message: WireObservedAddress, _ incoming: IncomingMessage) async throws -> (any WireMessage)? {
    let source = await Self.source(of: incoming.session)
    switch message.step {
    case .seen:
      if let source, let address = try? PeerAddress(message.url) { observed.heard(address, from: source.prefix, now: clock.monotonicNanoseconds) }
      return nil
    case .dialRequest:
      let plan = server.plan(message.candidates, from: incoming.peer, source: source?.ip, schemes: Set(dialBack.keys), now: clock.monotonicNanoseconds)
      var answer = WireObservedAddress()
      (answer.step, answer.nonce) = (.dialResult, message.nonce)
      answer.results = plan.results
      for address in plan.dials { answer.results.append(await dial(address, expecting: incoming.peer)) }
      return answer
    default: throw SessionError(.unexpected, "an ObservedAddress with this step answers something that nobody asked")
    }
  }

  private func dial(_ address: PeerAddress, expecting peer: NodeKey) async -> WireDialResult {
    guard let transport = dialBack[address.scheme] else { return DialBackServer.result(address.description, .notTried) }
    let begun = clock.monotonicNanoseconds, limit = Self.dialMilliseconds, clock = clock
    let outcome: WireDialOutcome? = await withTaskGroup(of: WireDialOutcome?.self) { group in
      group.addTask {
        do throws(PluginError) {
          // Whoever answers, so that a stranger at the address is told from silence.
          let connection = try await transport.dial(address.description, expecting: nil)
          let isRight = connection.peer.bytes == peer.bytes
          await connection.close(code: 0, reason: "the address works")
          return isRight ? .reached : .wrongPeer
        } catch { return .refused }
      }
      group.addTask { (try? await clock.sleep(milliseconds: limit)) == nil ? nil : .timedOut }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    let elapsed = clock.monotonicNanoseconds - begun
    return DialBackServer.result(address.description, outcome ?? .timedOut, microseconds: outcome == .reached ? max(1, elapsed / 1_000) : 0)
  }
}
