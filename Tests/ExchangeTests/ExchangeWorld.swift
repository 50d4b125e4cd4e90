import CentramPluginAPI
import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// A node with genomes, in a simulated network.
final class Trader: Sendable {
  let number: Int
  let home: SampleHome, node: NetworkNode, exchange: GenomeExchange
  let world: World
  var store: GenomeStore { home.store }
  var key: NodeKey { world.key(number).publicKey }

  struct Options: Sendable {
    var settings = ExchangeSettings()
    var limits = Limits()
    var hooks = ExchangeHooks()
    var store = GenomeStore.Options()
    var rule: JudgeDouble.Rule = { _, _ in .accept }
    var mayLeave: @Sendable (GenomeRecord) -> Bool = { _ in true }
    init() {}
  }

  init(_ number: Int, in folder: Scratch, _ world: World, dialling peers: [Int] = [], _ change: (inout Options) -> Void = { _ in }) throws {
    var options = Options()
    change(&options)
    let clock = world.simulation.clock
    (self.number, self.world) = (number, world)
    home = try SampleHome(folder("node-\(number)"), seed: world.seed(number), options: options.store, now: { clock.unixMilliseconds })
    node = world.node(number, dialling: peers, limits: options.limits)
    let judge = try JudgeDouble(store: home.store, clock: clock, rule: options.rule, mayLeave: options.mayLeave)
    exchange = try GenomeExchange(node: node, library: home.library, judge: judge, settings: options.settings, hooks: options.hooks)
    exchange.register(with: node.handlers)
  }

  /// - Returns: what kills it.
  @discardableResult func start() async -> @Sendable () -> Void {
    let kill = await world.start(node, number)
    let own = TaskScope()
    own.start { [exchange] in await exchange.run() }
    world.scope.start { await own.run() }
    return {
      own.cancel()
      kill()
    }
  }

  func state(_ id: String) -> GenomeState? { (try? store.genome(id))?.state }
  func session(with other: Trader) async throws -> PeerSession { try #require(await node.session(with: other.key)) }

  /// Waits in virtual time until something holds, for ten minutes at most.
  func wait(_ seconds: Int = 600, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation, until condition: @Sendable (Trader) async throws -> Bool)
    async throws
  {
    for _ in 0..<seconds * 10 {
      if try await condition(self) { return }
      await world.sleep(100)
    }
    let (states, counters) = (try home.states(), exchange.counters.all)
    Issue.record("node \(number) after \(seconds) s: \(comment?.rawValue ?? "") \(states) \(counters.sorted { $0.key < $1.key })", sourceLocation: sourceLocation)
    throw SimulationGivenUp()
  }
}

struct SimulationGivenUp: Error {}

/// A folder that goes with the test.
final class Scratch: Sendable {
  let path: String
  init() {
    let memory = "/dev/shm"
    let root = FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
    path = root + "/centram-exchange-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// Runs a world with a folder of its own.
func inWorld<Result: Sendable>(
  seed: UInt64 = 1, delay: ClosedRange<UInt64> = 1_000_000...5_000_000, _ body: @escaping @Sendable (World, Scratch) async throws -> Result
) throws -> Result {
  let folder = Scratch()
  return try World.run(seed: seed, delay: delay) { world in try await body(world, folder) }
}
