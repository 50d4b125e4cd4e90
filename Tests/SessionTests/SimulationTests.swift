import CentramPluginTesting
import CentramWire
import Foundation
import NodeWorld
import Testing

@testable import CentramNode

/// Many nodes on one thread, in virtual time.
@Suite struct SimulationTests {
  struct Course: Equatable {
    var trace: [String], reached: Int, frames: UInt64, strays: Int
    /// Pieces that were lost, came twice, were held back.
    var faults: [Int]
  }

  /// Nodes on ways that lose, double and hold back, that each dial some earlier ones, a partition that heals, and an announcement that each passes on.
  private func run(seed: UInt64, nodes count: Int) throws -> Course {
    try World.run(seed: seed, delay: 1_000_000...40_000_000) { world in
      let random = SimulationRandom(seed: seed), heard = Notes()
      world.network.setFaults(.init(delayNanoseconds: 1_000_000...40_000_000, loss: 0.05, duplication: 0.02, reordering: 0.05))
      var nodes: [NetworkNode] = []
      for number in 1...count {
        let peers = number == 1 ? [] : Set((0..<3).map { _ in random.integer(in: 1...(number - 1)) }).sorted()
        let node = world.node(number, dialling: peers)
        Self.gossip(node, number, heard, world)
        nodes.append(node)
        await world.start(node, number)
      }
      for node in nodes { await node.waitForPeers(1) }
      let half = count / 2
      world.network.partition([(1...half).map(world.name), ((half + 1)...count).map(world.name)])
      await world.sleep(60_000)
      world.network.heal()
      await world.sleep(60_000)
      var record = WirePeerRecord()
      (record.key, record.number, record.madeMs, record.expiresMs) = (.init(world.key(1).publicKey.bytes), 1, 1, 2)
      (record.minimumVersion, record.maximumVersion) = (1, 1)
      var announce = WireAnnounce()
      announce.record = try WireSigned(record, by: world.key(1), domain: .peer)
      let frame = try Frame.signed(announce, by: world.key(1), to: .anyone, sequence: 1, unixMilliseconds: UInt64(world.simulation.clock.unixMilliseconds))
      for (_, session) in await nodes[0].sessions() { try? await session.forward(frame) }
      await world.sleep(5_000)
      let frames = nodes.reduce(0) { $0 + $1.counters[.framesReceived] }
      let counts = world.network.counts
      return Course(
        trace: world.trace.all, reached: Set(heard.all).count, frames: frames, strays: world.simulation.executor.strays,
        faults: [counts.piecesLost, counts.piecesDuplicated, counts.piecesHeld])
    }
  }

  /// Passes on what it hears for the first time.
  private static func gossip(_ node: NetworkNode, _ number: Int, _ heard: Notes, _ world: World) {
    let seen = Notes()
    node.handlers.on(.announce) { [weak node] incoming in
      guard let node, seen.all.isEmpty else { return nil }
      seen.append(1)
      heard.append(number)
      world.trace.add("\(world.simulation.clock.monotonicNanoseconds) n\(number) hears")
      for (peer, session) in await node.sessions() where peer != incoming.peer { try? await session.forward(incoming.frame) }
      return nil
    }
  }

  @Test func twoHundredNodesKeepTheirSessionsAndTheSameSeedGivesTheSameTrace() throws {
    let (first, second) = (try run(seed: 5, nodes: 200), try run(seed: 5, nodes: 200))
    // The first node may hear its own announcement from others, or not.
    #expect(first.reached >= 199 && first.strays == 0)
    #expect(first.faults.allSatisfy { $0 > 100 }, "\(first.faults)")
    #expect(first == second)
  }

  /// `CENTRAM_FUZZ_ROUNDS` asks for more seeds.
  @Test func everySeedReachesEverybodyAndRepeats() throws {
    let rounds = UInt64(ProcessInfo.processInfo.environment["CENTRAM_FUZZ_ROUNDS"] ?? "") ?? 8
    var traces: Set<[String]> = []
    for seed in 1...rounds {
      let course = try run(seed: seed, nodes: 16)
      #expect(course.reached >= 15 && course.strays == 0, "seed \(seed)")
      #expect(try run(seed: seed, nodes: 16) == course, "seed \(seed)")
      traces.insert(course.trace)
    }
    #expect(traces.count == Int(rounds), "each seed is another course")
  }
}
