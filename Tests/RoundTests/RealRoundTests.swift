import CentramHost
import CentramModel
import CentramPluginAPI
import CentramStore
import CentramTransportSupport
import CentramWire
import Foundation
import MergeOperators_LoraCat
import MergeOperators_LoraSVD
import Synchronization
import Testing
import Trainers_Lora
import Transport_Memory

@testable import CentramNode

/// The computer's clock, for nodes whose trainings take real time.
struct RealClock: NodeClock {
  private let clock = SystemClock()
  var unixMilliseconds: Int64 { clock.unixMilliseconds }
  var monotonicNanoseconds: UInt64 { clock.monotonicNanoseconds }
  func sleep(until nanoseconds: UInt64) async throws {
    let now = monotonicNanoseconds
    try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
  }
}

/// Plugins taken through the door that a host takes them through.
enum Linked {
  struct Services: HostServices {
    func service(_ id: String) -> (any Sendable)? { id == "centram.clock/1" ? SystemClock() : nil }
    func log(_ level: LogLevel, _ message: String) {}
  }

  private static func capability(_ descriptor: UnsafePointer<centram_descriptor_t>) -> Capability? {
    descriptor.pointee.get_interface("centram.swift/1").map { Unmanaged<PluginBox>.fromOpaque($0).takeRetainedValue().capability }
  }

  @Sendable static func trainer(_ id: String, _ version: String) throws -> any Trainer {
    guard id == "trainer.lora", version == "1.0.0", case .trainer(let make)? = capability(Trainers_Lora.centramPluginDescriptor()) else {
      throw PluginError(.unavailable, "no \(id) \(version)")
    }
    return try make(PluginEnvironment(services: Services()))
  }

  @Sendable static func resolve(_ id: String) throws(MergeError) -> any MergeOperator {
    for descriptor in [MergeOperators_LoraCat.centramPluginDescriptor(), MergeOperators_LoraSVD.centramPluginDescriptor()] where String(cString: descriptor.pointee.id) == id {
      guard case .mergeOperator(let make)? = capability(descriptor), let operation = try? make(PluginEnvironment(services: Services())) else { break }
      return operation
    }
    throw MergeError(.operator, "no operator \(id)")
  }
}

/// Happens once.
final class Latch: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
  func open() {
    let waiting = state.withLock { state in
      defer { state = (true, []) }
      return state.waiting
    }
    for waiter in waiting { waiter.resume() }
  }
  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}

/// Rounds that train the toy model.
@Suite(.serialized) struct RealRoundTests {
  static let base = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures/Golden/Model/gpt-byte"

  /// Sentences of one language; each participant has other ones.
  static func text(_ number: Int, _ lines: Int = 60) -> String {
    let animals = ["fox", "dog", "cat", "owl", "hen", "bee"], verbs = ["jumps over", "looks at", "runs to", "sings for"]
    return (0..<lines).map { line in
      let seed = line * 7 + number * 13
      return "the quick \(animals[seed % 6]) \(verbs[seed / 6 % 4]) the lazy \(animals[(seed / 3 + number) % 6]).\n"
    }.joined()
  }

  static func announce(_ change: (inout WireRoundAnnounce) -> Void = { _ in }) throws -> WireRoundAnnounce {
    let hash = try BaseModelHash.of(base), now = UInt64(SystemClock().unixMilliseconds)
    return RoundWorld.announce(participants: 3...3, outerSteps: 2, quorum: 10_000) { announce in
      announce.plan.base = Data(Hexadecimal.bytes(hash.utf8)!)
      announce.plan.trainerParameters = #"{"rank": 4, "alpha": 8, "batch": 2, "length": 65, "learning_rate": 0.01, "schedule": "constant", "validate_every": 0}"#
      (announce.plan.localSteps, announce.plan.profile) = (4, NumericProfile.exact.rawValue)
      announce.plan.maximumRelativeNorm = 1
      (announce.joinByMs, announce.stepMs, announce.revealMs, announce.voteMs) = (now + 3_600_000, 3_600_000, 3_600_000, 3_600_000)
      change(&announce)
    }
  }

  static func work(_ announce: WireRoundAnnounce, _ store: GenomeStore, data: String?, folder: String) throws(RoundError) -> AdapterRounds {
    try AdapterRounds(
      announce, settings: .init(base: base, data: data, folder: folder), store: store, now: { SystemClock().unixMilliseconds }, trainer: Linked.trainer, resolve: Linked.resolve)
  }

  /// Mean loss in nats a byte of a text under the base, with an adapter where one is given.
  static func loss(_ text: String, adapter folder: String?) throws -> Double {
    let model = try LoadedModel(path: base, threads: 1)
    let applied = try folder.map { [AppliedAdapter(try model.adapter(path: $0), scale: 1)] } ?? []
    var evaluation = try Evaluation(engine: model.engine, tokenizer: model.tokenizer, voices: [.init(name: "voice", adapters: applied)], window: 64)
    _ = try evaluation.add(evaluation.windows(text))
    return evaluation.scores[0].natsPerByte
  }

  @Test func threeParticipantsTrainTwoOuterStepsAndTheHeldOutLossFallsBelowTheBases() async throws {
    let folder = try TemporaryFolder(), announce = try Self.announce(), clock = RealClock()
    let network = MemoryNetwork(seed: 1, timers: SystemTimers(), faults: .init())
    let scope = TaskScope(), finished = Latch(), left = Mutex(4), results = Mutex<[Data]>([]), said = Mutex<[String]>([])
    var services: [RoundService] = [], stores: [GenomeStore] = []
    for number in 0...3 {
      let key = RoundWorld.key(number), name = "n\(number)"
      var settings = NodeSettings()
      settings.listen = ["memory://\(name):1"]
      settings.peers = number == 0 ? [] : [PeerReference(address: "memory://n0:1", key: nil)]
      let node = NetworkNode(
        settings: settings, key: key, transports: [network.transport(host: name, identity: PeerID(key.publicKey.bytes)!)], clock: clock, random: SystemRandom(),
        log: { level, text in if ServiceWorld.prints { print("\(clock.unixMilliseconds) \(name) \(level) \(text)") } })
      let store = try GenomeStore(folder: folder("store-\(number)")), work = folder("work-\(number)"), data = folder("data-\(number).txt")
      try Data(Self.text(number).utf8).write(to: URL(fileURLWithPath: data))
      var hooks = RoundService.Hooks { (announce) throws(RoundError) in try Self.work(announce, store, data: number == 0 ? nil : data, folder: work) }
      hooks.ended = { _, result, message in
        if let result, result.isLast { results.withLock { $0.append(result.result) } }
        said.withLock { $0.append(message) }
        let rest = left.withLock { left in
          left -= 1
          return left
        }
        if rest == 0 { finished.open() }
      }
      let service = RoundService(node: node, key: key, store: store, hooks: hooks, interval: 200)
      service.register(with: node.handlers)
      scope.start { try? await node.run() }
      scope.start { try? await service.run() }
      services.append(service)
      stores.append(store)
      if number == 0 {
        scope.start {
          await node.waitUntilStarted()
          await node.wait { $0.count { $0.state == .connected } >= 3 }
          try? await service.start(announce)
        }
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await scope.run() }
      for service in services.dropFirst() {
        group.addTask {
          var offer = RoundWorld.offer
          offer.profiles = [announce.plan.profile]
          while await !service.announced().contains(where: \.isVerified) { try await clock.sleep(milliseconds: 20) }
          try await service.join(announce.round, offer: offer)
        }
      }
      await finished.wait()
      scope.cancel()
      try await group.waitForAll()
    }
    let all = results.withLock { $0 }, messages = said.withLock { $0 }
    #expect(all.count == 4 && Set(all).count == 1, "\(messages)")
    let result = try #require(all.first), adapter = folder("result")
    try Self.work(announce, stores[1], data: nil, folder: folder("out")).write(result, to: adapter)
    let heldOut = Self.text(5, 20), base = try Self.loss(heldOut, adapter: nil), trained = try Self.loss(heldOut, adapter: adapter)
    #expect(trained < base - 0.05, "\(trained) nats a byte after the round, \(base) of the base")
  }

  @Test func aFinishedRoundBecomesAGenomeOnce() async throws {
    let folder = try TemporaryFolder(), store = try GenomeStore(folder: folder("store")), data = folder("data.txt")
    try Data(Self.text(1).utf8).write(to: URL(fileURLWithPath: data))
    let announce = try Self.announce { ($0.plan.localSteps, $0.plan.domain) = (1, "animals") }
    let work = try Self.work(announce, store, data: data, folder: folder("work"))
    let made = try await work.train(RoundTraining(step: 1, start: Data(), seed: 7, participant: 0))
    try await work.check(made.hash)
    let part = RoundAggregation.Part(hash: made.hash, size: made.size, weightBasisPoints: 10_000, from: RoundWorld.key(1).publicKey)
    let aggregate = try await work.aggregate(RoundAggregation(step: 1, start: Data(), parts: [part]))
    let result = RoundResult(step: 1, result: aggregate.hash, isLast: true)
    let library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 3, count: 32)), now: { 1_700_000_000_000 })
    let genome = try #require(try library.create(announce, result, by: work, folder: folder("result"), parent: nil, agent: "test/1"))
    #expect(genome.base == Hexadecimal.text(announce.plan.base) && genome.domain == "animals" && genome.parents.isEmpty && store.hasFiles(genome))
    let again = try library.create(announce, result, by: work, folder: folder("result"), parent: nil, agent: "test/1")
    let count = try store.genomes().count
    #expect(again == nil && count == 1 && !FileManager.default.fileExists(atPath: folder("result")))
    // Local steps are a function of their seed.
    let same = try await work.train(RoundTraining(step: 1, start: Data(), seed: 7, participant: 0)),
      other = try await work.train(RoundTraining(step: 1, start: Data(), seed: 8, participant: 0))
    #expect(same.hash == made.hash && other.hash != made.hash)
  }

  @Test func anotherBaseThanTheRoundsIsNamed() throws {
    let folder = try TemporaryFolder(), store = try GenomeStore(folder: folder("store"))
    let announce = try Self.announce { $0.plan.base = Data(repeating: 1, count: 32) }
    let error = #expect(throws: RoundError.self) { try Self.work(announce, store, data: nil, folder: folder("work")) }
    #expect(error?.code == .configuration && error?.message.contains("the round is about the base 0101") == true)
  }
}
