import CentramPluginAPI
public import CentramPluginTesting
import CentramTransportSupport
import CentramWire
import Foundation
import Synchronization
import Transport_Memory

@testable public import CentramNode

extension SimulationClock: NodeClock {}

/// The transports' timers on the simulation's clock.
struct SimulatedTimers: TransportTimers {
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

/// Nodes around a relay in a simulated network and virtual time. Node 0 is the relay.
final class RelayWorld: Sendable {
  static let prints = ProcessInfo.processInfo.environment["CENTRAM_TEST_LOG"] != nil
  let simulation: Simulation
  let network: MemoryNetwork
  let scope = TaskScope()
  /// Whether only the relay can be dialled.
  let isWalled = Mutex(false)

  private init(seed: UInt64) {
    simulation = Simulation(seed: seed)
    network = MemoryNetwork(seed: seed, timers: SimulatedTimers(clock: simulation.clock), faults: .init(delayNanoseconds: 1_000_000...5_000_000))
  }

  static func run(seed: UInt64 = 1, _ body: @escaping @Sendable (RelayWorld) async throws -> Void) throws {
    let world = RelayWorld(seed: seed)
    try world.simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await world.scope.run() }
        defer { world.scope.cancel() }
        try await body(world)
      }
    }
  }

  struct Member: Sendable {
    let node: NetworkNode, relaying: RelayService, number: Int
    var key: NodeKey { RelayWorld.key(number) }
  }

  static func seed(_ number: Int) -> [UInt8] { (0..<32).map { $0 == 0 ? UInt8(number) : 11 } }
  static func key(_ number: Int) -> NodeKey { try! SigningKey(seed: seed(number)).publicKey }
  static func address(_ number: Int) -> String { "memory://n\(number):1" }
  static func relayed(_ number: Int) -> String { RelayAddress(relay: key(0), target: key(number)).description }

  /// Starts a node that has a session with the relay, unless it is the relay.
  /// - Parameters:
  ///   - knowsRelay: whether it was told of the relay, and has a session with it before this returns.
  ///   - extra: one more transport made of the first.
  func start(
    _ number: Int, settings relaySettings: RelaySettings = RelaySettings(), atRelay: Bool = true, knowsRelay: Bool = true, extra: ((any Transport) -> any Transport)? = nil
  ) async throws -> Member {
    var settings = NodeSettings()
    settings.listen = [Self.address(number)] + (number > 0 && atRelay && knowsRelay ? ["relay://\(Self.key(0))"] : [])
    if number > 0, knowsRelay { settings.peers = [PeerReference(address: Self.address(0), key: Self.key(0))] }
    let seed = Self.seed(number), clock = simulation.clock, random = SimulationRandom(seed: simulation.seed &* 1_000 &+ UInt64(number))
    let relaying = try RelayService(settings: relaySettings, seed: seed, clock: clock, random: random, timers: SimulatedTimers(clock: clock))
    let memory = Walled(world: self, base: network.transport(host: "n\(number)", identity: PeerID(Self.key(number).bytes)!))
    let node = NetworkNode(
      settings: settings, key: try SigningKey(seed: seed), transports: relaying.transports(over: [memory] + (extra.map { [$0(memory)] } ?? [])), clock: clock, random: random,
      log: { [simulation] in if Self.prints { print(simulation.clock.monotonicNanoseconds / 1_000_000, "n\(number)", $0, $1) } })
    await relaying.attach(to: node)
    scope.start { try? await node.run() }
    await node.waitUntilStarted()
    if number > 0, knowsRelay {
      let relay = Self.key(0).description
      await node.wait { $0.contains { $0.id == relay && $0.state == .connected } }
    }
    return Member(node: node, relaying: relaying, number: number)
  }

  func sleep(_ milliseconds: Int) async { try? await simulation.clock.sleep(milliseconds: milliseconds) }

}

extension RelayWorld.Member {
  func status(of other: RelayWorld.Member) async -> PeerStatus? {
    let id = other.key.description
    return await node.peers().first { $0.id == id }
  }
}

/// Dials into silence where there is a wall.
private struct Walled: Transport {
  let world: RelayWorld
  let base: any Transport
  var info: TransportInfo { base.info }
  func listen(on address: String) async throws(PluginError) -> any TransportListener { try await base.listen(on: address) }
  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    guard address != RelayWorld.address(0), world.isWalled.withLock({ $0 }) else { return try await base.dial(address, expecting: expected) }
    await world.sleep(10_000)
    throw PluginError(.unavailable, "nobody answered at \(address)")
  }
}
