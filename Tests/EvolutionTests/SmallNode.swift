import CentramModel
import CentramNode
import CentramStore
import EvolutionSamples
import Foundation

/// A node of a test without a model: genomes of small adapters.
final class SmallNode: Sendable {
  let folder: TemporaryFolder
  let store: GenomeStore
  let library: GenomeLibrary
  let clock = TestClock()

  init() throws {
    folder = try TemporaryFolder()
    store = try GenomeStore(folder: folder("genomes"))
    let clock = clock
    library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 1, count: 32)), now: { clock.milliseconds })
  }

  func evolution(_ measuring: any ModelMeasuring, _ change: (inout EvolutionSettings) -> Void) -> Evolution {
    var settings = EvolutionSettings()
    change(&settings)
    return Evolution(
      library: library, merge: GenomeMerge(store: store, operators: Linked.mergeOperator), measuring: measuring, base: SmallAdapter.base, settings: settings,
      operatorVersion: Linked.operatorVersion)
  }

  func own(_ seed: UInt64) throws -> GenomeRecord { try SmallAdapter.genome(seed, library: library, scratch: folder.path) }

  /// A peer's, accepted here.
  func accepted(_ seed: UInt64, key: UInt8 = 2, factor: Double? = nil, lift: Double = 0.1) throws -> GenomeRecord {
    let clock = clock, place = folder("peer-\(seed)")
    let peer = GenomeLibrary(store: try GenomeStore(folder: place), identity: NodeIdentity(seed: [UInt8](repeating: key, count: 32)), now: { clock.milliseconds })
    let record = try SmallAdapter.genome(seed, library: peer, scratch: folder.path)
    try peer.export(record, to: place + ".genome")
    _ = try library.import(place + ".genome")
    let verdicts = factor.map {
      [VerdictRecord(genome: record.id, direction: .inbound, layer: "gate.norms", layerVersion: "1", decision: .scale, factor: $0, timeMilliseconds: clock.milliseconds)]
    }
    try store.decide(record.id, .accepted, verdicts: verdicts ?? [], metrics: ["lift": lift], advancesLog: true, now: clock.milliseconds)
    return record
  }

  /// A full delta of one 2 × 2 tensor.
  func delta(_ values: [Float]) throws -> GenomeRecord {
    let place = folder("delta-\(values[0])")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let header = Array(#"{"w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#.utf8)
    var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
    try Data(bytes).write(to: URL(fileURLWithPath: place + "/delta.safetensors"))
    var description = GenomeDescription()
    description.base = SmallAdapter.base
    return try library.create(place, description)
  }

  func adapter(_ record: GenomeRecord) throws -> Adapter {
    try Adapter(configuration: store.read(record.files[0].hash), tensors: store.read(record.files[1].hash), name: record.id)
  }

  /// scale · B · A by plain loops.
  func delta(_ adapter: Adapter, _ name: String) throws -> [Double] {
    guard let module = adapter.module(name) else { return [] }
    let (a, b) = try adapter.factors(of: module)
    var values = [Double](repeating: 0, count: module.outputs * module.inputs)
    for row in 0..<module.outputs {
      for column in 0..<module.inputs {
        for rank in 0..<module.rank { values[row * module.inputs + column] += module.scale * Double(b[row * module.rank + rank]) * Double(a[rank * module.inputs + column]) }
      }
    }
    return values
  }
}
