import CentramPluginAPI
public import CentramPluginTesting
import CentramStore
import CentramTransportSupport
import CentramWire
import Foundation
import Synchronization
import Transport_Memory

@testable public import CentramNode

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

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + (NSTemporaryDirectory().hasSuffix("/") ? "" : "/") + "centram-rounds-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// Nodes with round services over `transport.memory`, in virtual time; each with a store of its own.
final class ServiceWorld: Sendable {
  let simulation: Simulation
  let network: MemoryNetwork
  let scope = TaskScope()
  let folder: TemporaryFolder
  static let prints = ProcessInfo.processInfo.environment["CENTRAM_TEST_LOG"] != nil

  init(seed: UInt64) throws {
    simulation = Simulation(seed: seed)
    network = MemoryNetwork(seed: seed, timers: SimulationTimers(clock: simulation.clock), faults: .init(delayNanoseconds: 1_000_000...5_000_000))
    folder = try TemporaryFolder()
  }

  @discardableResult
  static func run<Result: Sendable>(seed: UInt64 = 1, _ body: @escaping @Sendable (ServiceWorld) async throws -> Result) throws -> Result {
    let world = try ServiceWorld(seed: seed)
    return try world.simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await world.scope.run() }
        defer { world.scope.cancel() }
        return try await body(world)
      }
    }
  }

  struct Member: Sendable {
    let node: NetworkNode, service: RoundService, store: GenomeStore, key: SigningKey, events: Events
    /// Its process is gone without a word.
    let kill: @Sendable () -> Void
  }

  /// What a service said.
  final class Events: Sendable {
    private let state = Mutex<(stepped: [RoundResult], ended: [String], proofs: [WireMisbehaviourProof])>(([], [], []))
    var stepped: [RoundResult] { state.withLock { $0.stepped } }
    var ended: [String] { state.withLock { $0.ended } }
    var proofs: [WireMisbehaviourProof] { state.withLock { $0.proofs } }
    func step(_ result: RoundResult) { state.withLock { $0.stepped.append(result) } }
    func end(_ message: String) { state.withLock { $0.ended.append(message) } }
    func accuse(_ proof: WireMisbehaviourProof) { state.withLock { $0.proofs.append(proof) } }
  }

  /// A node that runs, and dials some others.
  func member(
    _ number: Int, dialling peers: [Int] = [], lease: Int64? = nil, work: @escaping @Sendable (WireRoundAnnounce, GenomeStore) throws(RoundError) -> any RoundWork
  ) async throws -> Member {
    let key = RoundWorld.key(number), name = "n\(number)", clock = simulation.clock
    var settings = NodeSettings()
    settings.listen = ["memory://\(name):1"]
    settings.peers = peers.map { PeerReference(address: "memory://n\($0):1", key: nil) }
    let node = NetworkNode(
      settings: settings, key: key, transports: [network.transport(host: name, identity: PeerID(key.publicKey.bytes)!)], clock: clock,
      random: SimulationRandom(seed: simulation.seed &* 1_000 &+ UInt64(number) &+ clock.monotonicNanoseconds),
      log: { level, text in if ServiceWorld.prints { print("\(clock.monotonicNanoseconds) \(name) \(level) \(text)") } })
    var options = GenomeStore.Options()
    if let lease { options.leaseMilliseconds = lease }
    let store = try GenomeStore(folder: folder("store-\(number)"), options: options), events = Events()
    var hooks = RoundService.Hooks { (announce) throws(RoundError) in try work(announce, store) }
    hooks.accused = { events.accuse($0) }
    hooks.stepped = { events.step($1) }
    hooks.ended = { events.end($2) }
    let service = RoundService(node: node, key: key, store: store, hooks: hooks)
    service.register(with: node.handlers)
    let own = TaskScope()
    own.start { try? await node.run() }
    own.start { try? await service.run() }
    scope.start { await own.run() }
    await node.waitUntilStarted()
    return Member(node: node, service: service, store: store, key: key, events: events) { [self] in
      network.crash(name)
      own.cancel()
    }
  }

  func sleep(_ milliseconds: UInt64) async { try? await simulation.clock.sleep(milliseconds: Int(milliseconds)) }

  /// Waits in virtual time until something holds, at most so long.
  func wait(_ milliseconds: UInt64 = 600_000, until condition: @Sendable () async -> Bool) async -> Bool {
    for _ in 0..<(milliseconds / 100) {
      if await condition() { return true }
      await sleep(100)
    }
    return await condition()
  }

  var now: UInt64 { UInt64(simulation.clock.unixMilliseconds) }
}

/// Work without a model: an update is a text, an aggregate the texts in order.
struct WorkDouble: RoundWork {
  let store: GenomeStore
  let name: String
  var clock: any ClockService
  /// Bytes of an update.
  var size = 100
  /// How long it trains.
  var training: @Sendable () async throws(RoundError) -> Void = {}
  /// How long it merges.
  var merging: @Sendable () async -> Void = {}
  var refuses: @Sendable ([UInt8]) -> String? = { _ in nil }
  /// Changes a merge, for nodes that compute something else.
  var change: @Sendable ([UInt8]) -> [UInt8] = { $0 }

  func train(_ work: RoundTraining) async throws(RoundError) -> LocalResult {
    try await training()
    var bytes = Array("\(name) step \(work.step) seed \(work.seed) ".utf8)
    while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count &* 31)) }
    return LocalResult(hash: try put(bytes), size: UInt64(bytes.count), localSteps: 5, tokens: 50, norm: 1, loss: 1)
  }

  func check(_ update: Data) async throws(RoundError) { if let refusal = refuses(try read(update)) { throw RoundError(.update, refusal) } }

  func aggregate(_ work: RoundAggregation) async throws(RoundError) -> RoundAggregate {
    await merging()
    var bytes = work.start.isEmpty ? [] : SHA256.hash(try read(work.start))
    for part in work.parts { bytes += SHA256.hash(try read(part.hash)) + Array(" \(part.weightBasisPoints)".utf8) }
    bytes = change(bytes)
    return RoundAggregate(hash: try put(bytes), size: UInt64(bytes.count), norm: 1)
  }

  /// What the gate says of updates that are seen side by side.
  var judges: @Sendable ([[UInt8]]) -> [(text: [UInt8], isLocal: Bool)] = { _ in [] }

  func judge(_ work: RoundAggregation, except own: NodeKey?) async throws(RoundError) -> [RoundRefusal] {
    var texts: [(hash: Data, bytes: [UInt8])] = []
    for part in work.parts where part.from != own { texts.append((part.hash, try read(part.hash))) }
    return judges(texts.map(\.bytes)).map { refused in
      RoundRefusal(update: texts.first { $0.bytes == refused.text }!.hash, layer: "gate.double", reason: "not wanted", isLocal: refused.isLocal)
    }
  }

  func lift(_ aggregate: Data, from start: Data) async throws(RoundError) -> Double { start.isEmpty ? 0.5 : 0.25 }

  private func read(_ hash: Data) throws(RoundError) -> [UInt8] {
    do { return try store.read(Hexadecimal.text(hash)) } catch { throw RoundError(.unavailable, error.message) }
  }
  private func put(_ bytes: [UInt8]) throws(RoundError) -> Data {
    do { return Data(Hexadecimal.bytes(try store.put(bytes, now: clock.unixMilliseconds).hash.utf8)!) } catch { throw RoundError(.storage, error.message) }
  }
}
