import CentramBlocks
import CentramModel
import CentramNode
import CentramNumerics
import CentramPluginAPI
import Foundation
import Synchronization

/// One tensor of several models in files, for the driver that a node uses.
struct FileCase {
  let folder: String
  let shape: [Int]
  let files: [SafetensorsFile]
  var rounding: FloatFormat?
  var blockSize = BlockDriver.blockSize, workers = 2, rejectsNonFinite = true

  var count: Int { shape.reduce(1, *) }

  init(shape: [Int], _ models: [(format: NumberFormat, values: [Float])]) throws {
    let folder = try Workshop.folder("models")
    (self.folder, self.shape) = (folder, shape)
    files = try models.enumerated().map { index, model in
      let path = "\(folder)/\(index).safetensors"
      let items: [SafetensorsWriter.Item] = [.init(name: "before", format: .uint8, shape: [3]), .init(name: "t", format: model.format, shape: shape)]
      let writer = try SafetensorsWriter(path: path, items: items)
      var bytes = [UInt8](repeating: 0, count: model.values.count * model.format.size)
      bytes.withUnsafeMutableBytes { model.format.encode(model.values, count: model.values.count, into: $0.baseAddress!) }
      try bytes.withUnsafeBytes { try writer.write($0, of: "t", at: 0) }
      return try SafetensorsFile(path: path)
    }
  }

  /// Values about 0.02 for every model, in formats of their own.
  static func random(shape: [Int], models: Int, formats: [NumberFormat] = [.bfloat16, .float16, .float32, .float64], _ random: inout SeededGenerator) throws -> FileCase {
    let count = shape.reduce(1, *)
    return try FileCase(
      shape: shape,
      (0..<models).map { _ in
        (formats.randomElement(using: &random) ?? .bfloat16, (0..<count).map { _ in Float.random(in: -0.05...0.05, using: &random) })
      })
  }

  func source(_ index: Int) throws -> any TensorSource {
    guard let tensor = files[index].tensor("t") else { throw PluginError(.invalid, "no tensor") }
    let source = MappedSource(tensor, of: files[index])
    return rounding.map { RoundedSource(source, to: $0) } ?? source
  }

  func driver(_ sink: (any TensorSink)?) throws -> BlockDriver {
    BlockDriver(
      shape: shape, sources: try files.indices.map(source), sink: sink, pool: WorkerPool(workers: workers), blockSize: blockSize, rejectsNonFinite: rejectsNonFinite)
  }

  func request(_ driver: any MergeDriver, baseIndex: Int? = nil, _ parameters: Parameters = Parameters(), seed: UInt64 = 3) -> MergeRequest {
    MergeRequest(
      tensor: "t", shape: shape, models: files.indices.map { "m\($0)" }, baseIndex: baseIndex, parameters: parameters, seed: seed, driver: driver)
  }

  /// Merges, watched.
  func merge(
    _ operation: any MergeOperator, into sink: BytesSink, baseIndex: Int? = nil, _ parameters: Parameters = Parameters(),
    willStart: @escaping @Sendable (_ part: Int) -> Void = { _ in }
  ) throws -> WatchedDriver {
    guard let merging = operation as? any TensorMerging else { throw PluginError(.unsupported, "no tensors") }
    let watched = WatchedDriver(try driver(sink), willStart)
    try merging.merge(request(watched, baseIndex: baseIndex, parameters))
    return watched
  }
}

/// Keeps an output's bytes.
final class BytesSink: EncodingSink {
  let encoding: OutputEncoding
  private let storage: Mutex<[UInt8]>

  init(_ format: FloatFormat, count: Int, allowsNonFinite: Bool = false) {
    encoding = OutputEncoding(format, allowsNonFinite: allowsNonFinite)
    storage = Mutex([UInt8](repeating: 0xaa, count: count * format.size))
  }

  var bytes: [UInt8] { storage.withLock { $0 } }

  func refusal(element: Int, value: Float) -> MergeError { MergeError(.output, "element \(element) is \(value)") }

  func write(offset: Int, encoded bytes: UnsafeRawBufferPointer) throws(MergeError) {
    storage.withLock { storage in
      storage.withUnsafeMutableBytes { target in
        UnsafeMutableRawBufferPointer(rebasing: target[(offset * encoding.format.size)...]).copyMemory(from: bytes)
      }
    }
  }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    var bytes = [UInt8](repeating: 0, count: count * elementSize)
    let isFit = bytes.withUnsafeMutableBytes { encoding.encode(floats, count: count, into: $0.baseAddress!) }
    guard isFit else { throw refusal(element: offset + ((0..<count).first { !encoding.permits(floats[$0]) } ?? 0), value: .nan) }
    bytes.withUnsafeBytes { bytes in try? write(offset: offset, encoded: bytes) }
  }
}

/// A node's driver, and a count of what it was asked for.
final class WatchedDriver: DrivesParts {
  let driver: BlockDriver
  let parts = Atomic<Int>(0), passesInBlocks = Atomic<Int>(0)
  /// Threads that may run elsewhere after a pass than before it.
  let moved = Atomic<Int>(0)
  private let willStart: @Sendable (Int) -> Void

  init(_ driver: BlockDriver, _ willStart: @escaping @Sendable (Int) -> Void = { _ in }) { (self.driver, self.willStart) = (driver, willStart) }

  func stripeCount(_ granularity: BlockGranularity) -> Int { driver.stripeCount(granularity) }

  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    passesInBlocks.add(1, ordering: .relaxed)
    try driver.run(granularity, inputs: inputs, writingOutput: writingOutput, body)
  }

  func plan(_ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool) throws(PluginError) -> PartPlan? {
    try driver.plan(granularity, inputs: inputs, writingOutput: writingOutput)
  }

  func run(
    _ plan: PartPlan, elements: Int, _ body: @Sendable (_ next: @escaping () throws(PluginError) -> StripePart?) throws(PluginError) -> Void
  ) throws(PluginError) {
    let willStart = willStart
    try driver.run(plan, elements: elements) { (next) throws(PluginError) in
      let before = allowedProcessors()
      defer { if allowedProcessors() != before { self.moved.add(1, ordering: .relaxed) } }
      try body { () throws(PluginError) in
        guard let part = try next() else { return nil }
        willStart(self.parts.add(1, ordering: .relaxed).oldValue)
        return part
      }
    }
  }
}

/// Processors on which the calling thread may run.
func allowedProcessors() -> [Int] {
  guard let status = try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") })
  else { return [] }
  return line.dropFirst("Cpus_allowed_list:".count).split { " \t,".contains($0) }.flatMap { range -> ClosedRange<Int> in
    let ends = range.split(separator: "-").compactMap { Int($0) }
    return (ends.first ?? 0)...(ends.last ?? 0)
  }
}
