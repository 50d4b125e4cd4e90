public import CentramNode
package import CentramPluginAPI
public import CentramPluginTesting
internal import CentramTransportSupport
package import CentramWire
internal import Foundation
package import Transport_Memory

extension SimulationClock: NodeClock {}

/// The transports' timers on the simulation's clock.
struct SimulationTimers: TransportTimers {
  struct Timer: TransportTimer {
    let clock: SimulationClock, id: UInt64
    func cancel() { clock.cancel(id) }
  }
  let clock: SimulationClock
  var nanoseconds: UInt64 { clock.monotonicNanoseconds }
  func schedule(after nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> any TransportTimer {
    Timer(clock: clock, id: clock.at(clock.monotonicNanoseconds + nanoseconds, body))
  }
}

/// Nodes in a simulated network, in virtual time.
package final class World: Sendable {
  package let simulation: Simulation
  package let network: MemoryNetwork
  package let scope = TaskScope()
  package let trace = Trace()
  /// Set to see what the nodes say.
  package static let prints = ProcessInfo.processInfo.environment["CENTRAM_TEST_LOG"] != nil

  package init(seed: UInt64, delay: ClosedRange<UInt64> = 1_000_000...5_000_000) {
    simulation = Simulation(seed: seed)
    network = MemoryNetwork(seed: seed, timers: SimulationTimers(clock: simulation.clock), faults: .init(delayNanoseconds: delay))
  }

  /// Runs `body` in a world of its own, to the end of everything in it.
  @discardableResult
  package static func run<Result: Sendable>(
    seed: UInt64 = 1, delay: ClosedRange<UInt64> = 1_000_000...5_000_000, _ body: @escaping @Sendable (World) async throws -> Result
  ) throws -> Result {
    let world = World(seed: seed, delay: delay)
    return try world.simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await world.scope.run() }
        defer { world.scope.cancel() }
        return try await body(world)
      }
    }
  }

  /// What the key of a node is made of.
  package func seed(_ number: Int) -> [UInt8] { (0..<32).map { $0 == 0 ? UInt8(number & 255) : $0 == 1 ? UInt8(number >> 8) : 7 } }
  package func key(_ number: Int) -> SigningKey { try! SigningKey(seed: seed(number)) }
  package func name(_ number: Int) -> String { "n\(number)" }
  package func address(_ number: Int) -> String { "memory://\(name(number)):1" }

  package func transport(_ number: Int) -> any Transport {
    network.transport(host: name(number), identity: PeerID(key(number).publicKey.bytes)!)
  }

  /// A node that is not started yet.
  package func node(
    _ number: Int, dialling peers: [Int] = [], key: SigningKey? = nil, limits: Limits = Limits(), _ change: (inout NodeSettings) -> Void = { _ in }
  ) -> NetworkNode {
    var settings = NodeSettings()
    settings.listen = [address(number)]
    settings.peers = peers.map { PeerReference(address: address($0), key: nil) }
    settings.limits = limits
    change(&settings)
    return NetworkNode(
      settings: settings, key: key ?? self.key(number), transports: [transport(number)], clock: simulation.clock,
      random: SimulationRandom(seed: simulation.seed &* 1_000 &+ UInt64(number) &+ simulation.clock.monotonicNanoseconds),
      log: { [self] level, text in
        let line = "\(simulation.clock.monotonicNanoseconds) \(name(number)) \(level) \(text)"
        trace.add(line)
        if World.prints { print(line) }
      })
  }

  /// Starts a node.
  /// - Returns: what kills it: its process is gone without a word.
  @discardableResult package func start(_ node: NetworkNode, _ number: Int) async -> @Sendable () -> Void {
    let own = TaskScope()
    own.start { try? await node.run() }
    scope.start { await own.run() }
    await node.waitUntilStarted()
    return { [self] in
      network.crash(name(number))
      own.cancel()
    }
  }

  package func sleep(_ milliseconds: Int) async {
    let clock = simulation.clock
    try? await clock.sleep(until: clock.monotonicNanoseconds + UInt64(max(0, milliseconds)) * 1_000_000)
  }
}

extension NetworkNode {
  package func waitForPeers(_ count: Int) async { await wait { $0.count { $0.state == .connected } >= count } }
}

extension WireChatMessage {
  /// A note with a number.
  package init(number: Int, text: String = "") {
    self.init()
    note = Data((0..<16).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : 1 })
    conversation = Data(repeating: 2, count: 16)
    self.text = text
    writtenMs = 1
  }
  package var number: Int { (0..<8).reduce(0) { $0 | Int(note[note.startIndex + $1]) << ($1 * 8) } }
}

/// What a node was given, in order.
package final class Notes: Sendable {
  private let state = Lock()
  nonisolated(unsafe) private var numbers: [Int] = []
  package init() {}
  package var all: [Int] { state.withLock { numbers } }
  package func append(_ number: Int) { state.withLock { numbers.append(number) } }

  /// Registers itself as a node's handler of chat messages.
  package func listen(_ node: NetworkNode) {
    node.handlers.on(WireChatMessage.self) { [self] message, _ in
      append(message.number)
      return nil
    }
  }
}

/// What happened, in order.
package final class Trace: Sendable {
  private let lock = Lock()
  nonisolated(unsafe) private var lines: [String] = []
  package init() {}
  package var all: [String] { lock.withLock { lines } }
  package func add(_ line: String) { lock.withLock { lines.append(line) } }
}
