import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import CentramPluginTesting
import CentramStore
import Foundation
import GateCorpus
import GateMeasuringCorpus
import LinkedGate
import Synchronization

/// Stands still until it is told.
final class TestClock: ClockService {
  private let time: Mutex<Int64>
  init(_ milliseconds: Int64) { time = Mutex(milliseconds) }
  var unixMilliseconds: Int64 { time.withLock { $0 } }
  var monotonicNanoseconds: UInt64 { UInt64(unixMilliseconds) * 1_000_000 }
  func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

/// A node with a store and a base model on the disk, and the ten layers. Goes with the test.
final class TestNode {
  let path: String
  let store: GenomeStore
  let identity: NodeIdentity
  let library: GenomeLibrary
  let clock: TestClock
  let bases: NodeBases
  /// SHA-256 of the base.
  let base: String
  /// Makes the next genomes of others.
  var world: CorpusWorld
  var settings = GateSettings()
  var fetch: NodeAncestry.Fetch = { _ in nil }
  var remake: NodeAncestry.Remake = { _ in nil }
  /// Services in the place of the node's own.
  var others: [String: any Sendable] = [:]
  /// Layers besides the ten.
  var more: [LoadedGateLayer] = []

  /// - Parameter key: repeated 32 times it is the seed of the node's key.
  init(key: UInt8 = 1) throws {
    path = NSTemporaryDirectory() + "/centram-gate-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path + "/base", withIntermediateDirectories: true)
    world = .measured()
    // The corpus lives among authors that this node never heard of.
    (world.last, world.known) = ([:], [:])
    var random = CorpusRandom(99)
    let entries = world.shape.parameters.map { parameter -> SafetensorsText.Entry in
      .init(parameter.name, parameter.shape, (0..<parameter.shape.reduce(1, *)).map { _ in random.normal() / 8 })
    }
    try Data(SafetensorsText.file(entries)).write(to: URL(fileURLWithPath: path + "/base/model.safetensors"))
    base = try BaseModelHash.of(path + "/base")
    world.base = base
    (identity, clock) = (NodeIdentity(seed: [UInt8](repeating: key, count: 32)), TestClock(world.now))
    store = try GenomeStore(folder: path + "/genomes")
    library = GenomeLibrary(store: store, identity: identity, now: { [clock] in clock.unixMilliseconds })
    bases = NodeBases(paths: [path + "/base"], store: store)
    for id in ["centram.evaluation/1", "centram.fitness/1", "centram.behaviour/1"] { others[id] = world.others[id] }
    // Strangers' first genomes of a domain have no cohort: the node's own update stands for one.
    others["centram.updates/1"] = RootedUpdates(updates: StoredUpdates(store: store, bases: bases))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func services() throws -> GateServices {
    var sources = GateServices.Sources(clock: clock, random: SystemRandom())
    (sources.fetch, sources.remake) = (fetch, remake)
    return try GateServices(store: store, own: library.author, bases: bases, sources)
  }

  func judge() throws -> GenomeJudge {
    let services = try services()
    let host = GateHost(services.services.merging(others) { $1 })
    return try GenomeJudge(
      store: store, settings: settings, layers: MoreLayers(ten: AllTen(services: host), more: more), services: services, clock: clock, own: library.author)
  }

  /// Writes a genome as a folder.
  func folder(_ genome: CorpusGenome, _ name: String = UUID().uuidString) throws -> String {
    let folder = path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let author = (try? Manifest(parsing: genome.manifest)).flatMap { Hexadecimal.bytes($0.author) } ?? []
    for (name, bytes) in [
      ("manifest", Self.signed(genome.manifest, author, genome.signature)), ("adapter_config.json", genome.configuration), ("adapter_model.safetensors", genome.weights),
    ] { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
    return folder
  }

  /// Takes a genome in, as an exchange does.
  @discardableResult func receive(_ genome: CorpusGenome) throws -> GenomeRecord { try library.import(try folder(genome)).record }

  /// The next genome of another author, with an honest privacy record.
  func next(_ author: UInt64 = 1, seed: UInt64 = 7) -> CorpusGenome {
    world.now = clock.unixMilliseconds
    let genome = world.nextPrivate(author, seed: seed).sealed()
    world.accept(genome)
    return genome
  }

  /// The message `Signed` of the session protocol: three fields of bytes.
  static func signed(_ content: [UInt8], _ signer: [UInt8], _ signature: [UInt8]) -> [UInt8] {
    [content, signer, signature].enumerated().flatMap { index, bytes -> [UInt8] in
      var (head, left) = ([UInt8(index + 1) << 3 | 2], bytes.count)
      while left >= 128 { (head, left) = (head + [UInt8(left & 127) | 128], left >> 7) }
      return head + [UInt8(left)] + bytes
    }
  }
}

/// The ten layers, and others.
struct MoreLayers: GateLayerSource {
  let ten: AllTen
  let more: [LoadedGateLayer]
  var layerIds: [String] { ten.layerIds + more.map(\.id) }
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    if let found = more.first(where: { $0.id == id }) { return found }
    return try ten.layer(id, in: range)
  }
}

/// The node's updates, and one of its own of a domain that no corpus genome is of, so that `gate.consensus` has something to weigh by.
struct RootedUpdates: UpdateService {
  let updates: StoredUpdates
  private let root = UpdateDouble(roots: [
    (
      RootUpdate(update: CorpusWorld.reference(1), domain: "code.swift", sequences: 400),
      CorpusWorld.updates(.small, CorpusShape.small.factors(seed: 900))
    )
  ])
  init(updates: StoredUpdates) { self.updates = updates }
  func baseNorm(module: String) async throws(PluginError) -> Double? { try await updates.baseNorm(module: module) }
  func cohort(domain: String, beside contentHash: [UInt8], limit: Int) async throws(PluginError) -> [UpdateReference] {
    try await updates.cohort(domain: domain, beside: contentHash, limit: limit)
  }
  func rootUpdates() async throws(PluginError) -> [RootUpdate] { try await root.rootUpdates() + updates.rootUpdates() }
  private func service(_ update: UpdateReference) -> any UpdateService { update == CorpusWorld.reference(1) ? root : updates }
  func modules(of update: UpdateReference) async throws(PluginError) -> [String] { try await service(update).modules(of: update) }
  func module(_ name: String, of update: UpdateReference) async throws(PluginError) -> ModuleUpdate? { try await service(update).module(name, of: update) }
}

/// A layer that says what a test wants.
struct ScriptedLayer: GateLayer {
  var info: GateLayerInfo
  var answer: @Sendable (GenomeCandidate) async throws(PluginError) -> Verdict
  init(
    _ position: Int, _ directions: Set<GateDirection> = [.inbound], parameters: [ParameterSpecification] = [],
    _ answer: @escaping @Sendable (GenomeCandidate) async throws(PluginError) -> Verdict
  ) {
    (info, self.answer) = (GateLayerInfo(position: position, directions: directions, parameters: parameters), answer)
  }
  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict { try await answer(candidate) }
}

func bytes(_ hex: String) -> [UInt8] { Hexadecimal.bytes(hex) ?? [] }
