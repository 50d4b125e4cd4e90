import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + (NSTemporaryDirectory().hasSuffix("/") ? "" : "/") + "centram-evolution-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// The trained toy, this repository's own text in three domains, and an adapter of each domain. Made once for all tests.
final class World: Sendable {
  static let domains = ["c", "prose", "swift"]
  static let shared = Task { try await World() }

  private let folder: TemporaryFolder
  let baseHash: String
  let base: String
  func holdOut(_ domain: String) -> String { folder("\(domain)-held.txt") }
  func text(_ domain: String) -> String { folder("\(domain).txt") }
  func adapter(_ domain: String) -> String { folder("adapter-\(domain)") }

  private init() async throws {
    folder = try TemporaryFolder()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    var all = ""
    base = root + "/Tests/Fixtures/Golden/Model/gpt-byte-trained"
    for domain in Self.domains {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(root)/Tests/Fixtures/Texts/\(domain).txt"))
      let text = String(decoding: bytes, as: UTF8.self), cut = text.index(text.startIndex, offsetBy: text.count * 2 / 3)
      try String(text[..<cut]).write(toFile: folder("\(domain).txt"), atomically: true, encoding: .utf8)
      all += text[..<cut]
      try String(text[cut...]).write(toFile: folder("\(domain)-held.txt"), atomically: true, encoding: .utf8)
    }
    try all.write(toFile: folder("all.txt"), atomically: true, encoding: .utf8)
    baseHash = try BaseModelHash.of(base)
    // Of all three domains together: what it gains on one it does not lose on the others.
    var general = Toy.Recipe(steps: 80, rank: 8, seed: 9)
    general.learningRate = 0.005
    try await Toy.adapter(general, base: base, text: folder("all.txt"), to: folder("adapter-all"))
    for (seed, domain) in ["c", "prose"].enumerated() {
      try await Toy.adapter(.init(steps: 40, rank: 8, seed: UInt64(seed + 1)), base: base, text: folder("\(domain).txt"), to: folder("adapter-\(domain)"))
    }
  }

  var settings: EvaluationSettings {
    var settings = EvaluationSettings()
    settings.domains = Dictionary(uniqueKeysWithValues: Self.domains.map { ($0, holdOut($0)) })
    settings.threads = 2
    return settings
  }
}

/// A node of a test: its store, what it measures with, its evolution.
final class TestNode: Sendable {
  let folder: TemporaryFolder
  let world: World
  let store: GenomeStore
  let library: GenomeLibrary
  let clock = TestClock()

  init(_ world: World) throws {
    (self.world, folder) = (world, try TemporaryFolder())
    store = try GenomeStore(folder: folder("genomes"))
    let clock = clock
    library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 1, count: 32)), now: { clock.milliseconds })
  }

  func evaluation(_ settings: EvaluationSettings? = nil) throws -> NodeEvaluation {
    let clock = clock
    return try NodeEvaluation(store: store, model: world.base, settings: settings ?? world.settings, random: FixedRandom(), now: { clock.milliseconds })
  }

  /// What counts requests to the evolved model, as the commands that answer them do.
  func requests(tokens: Int = 256, base: String? = nil) throws -> LiveRequests {
    let hash = base ?? world.baseHash
    return LiveRequests(store: store, loaded: try LoadedModel(path: world.base, threads: 1), base: { hash }, tokens: tokens)
  }

  func evolution(_ measuring: any ModelMeasuring, _ change: (inout EvolutionSettings) -> Void = { _ in }) -> Evolution {
    var settings = EvolutionSettings()
    change(&settings)
    return Evolution(
      library: library, merge: GenomeMerge(store: store, operators: Linked.mergeOperator), measuring: measuring, base: world.baseHash, settings: settings,
      operatorVersion: Linked.operatorVersion)
  }

  /// A trained adapter as this node's own genome.
  func own(_ domain: String) throws -> GenomeRecord { try library.create(world.adapter(domain), description(domain)) }

  /// A folder as a peer's genome, accepted here.
  @discardableResult func accepted(_ adapter: String, domain: String, key: UInt8 = 2, factor: Double? = nil) throws -> GenomeRecord {
    let clock = clock, place = folder("peer-\(UUID().uuidString)")
    let peer = GenomeLibrary(store: try GenomeStore(folder: place), identity: NodeIdentity(seed: [UInt8](repeating: key, count: 32)), now: { clock.milliseconds })
    let record = try peer.create(adapter, description(domain))
    try peer.export(record, to: place + ".genome")
    _ = try library.import(place + ".genome")
    let verdicts = factor.map {
      [VerdictRecord(genome: record.id, direction: .inbound, layer: "gate.fitness", layerVersion: "1", decision: .scale, factor: $0, timeMilliseconds: clock.milliseconds)]
    }
    try store.decide(record.id, .accepted, verdicts: verdicts ?? [], advancesLog: true, now: clock.milliseconds)
    return record
  }

  private func description(_ domain: String) -> GenomeDescription {
    var description = GenomeDescription()
    (description.base, description.domain) = (world.baseHash, domain)
    return description
  }
}

final class TestClock: @unchecked Sendable {
  private let lock = NSLock()
  private var now: Int64 = 1_700_000_000_000
  var milliseconds: Int64 { lock.withLock { now } }
  func advance(hours: Double) { lock.withLock { now += Int64(hours * 3_600_000) } }
}

/// What an operation throws; nil where it throws nothing.
func refusal(_ body: () async throws -> Void) async -> GenomePackageError? {
  do { try await body() } catch { return error as? GenomePackageError ?? GenomePackageError(.init(rawValue: "another kind of error"), "\(error)") }
  return nil
}
