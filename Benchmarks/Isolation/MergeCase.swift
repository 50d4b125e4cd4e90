internal import CentramModel
internal import CentramNode
internal import CentramPluginAPI
internal import CentramPluginTesting
internal import Foundation

/// Models in the shape of Qwen2-0.5B, bf16, in memory, and a place for the result.
final class MergeCase: @unchecked Sendable {  // filled once, then only read; each element of the output has one writer
  let tensors: [[Int]]
  let count: Int
  private let models: [UnsafeMutableBufferPointer<UInt16>]
  private let output: UnsafeMutableBufferPointer<UInt16>
  private let pool = WorkerPool(workers: ProcessInfo.processInfo.activeProcessorCount)

  init(elements: Int) {
    var shapes = [[151_936, 896], [896]]
    for _ in 0..<24 { shapes += [[896], [896, 896], [896], [128, 896], [128], [128, 896], [128], [896, 896], [896], [4864, 896], [4864, 896], [896, 4864]] }
    var sum = 0
    tensors = shapes.filter { shape in
      let size = shape.reduce(1, *), fits = sum + size <= elements
      if fits { sum += size }
      return fits
    }
    let count = tensors.reduce(0) { $0 + $1.reduce(1, *) }
    self.count = count
    models = (0..<3).map { Self.random(count, seed: UInt64($0) + 1) }
    output = .allocate(capacity: count)
    output.initialize(repeating: 0)
  }

  deinit {
    for model in models { model.deallocate() }
    output.deallocate()
  }

  /// Values of both signs about 0.02.
  private static func random(_ count: Int, seed: UInt64) -> UnsafeMutableBufferPointer<UInt16> {
    let buffer = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: count)
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    for index in 0..<count {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      buffer.initializeElement(at: index, to: UInt16(truncatingIfNeeded: state) & 0x81ff | 0x3c00)
    }
    return buffer
  }

  func merge(_ operation: any MergeOperator, _ method: String) throws {
    guard let merging = operation as? any TensorMerging else { throw PluginError(.unsupported, "\(method) merges no tensors") }
    let hasBase = operation.info.needs.contains(.base), inputs = hasBase ? 3 : 2
    var parameters = Parameters(perInput: (0..<inputs).map { hasBase && $0 == 0 ? [:] : ["weight": .number(0.5)] })
    if method == "ties" { for input in 1..<inputs { parameters.perInput[input]["density"] = .number(0.5) } }
    parameters = parameters.filled(from: operation.info.parameters, inputs: inputs)
    var start = 0
    for (index, shape) in tensors.enumerated() {
      let size = shape.reduce(1, *), at = start
      let sources = (0..<inputs).map { Source(bytes: UnsafeRawPointer(models[$0].baseAddress! + at), count: size) }
      let driver = BlockDriver(
        shape: shape, sources: sources, sink: Sink(output: output.baseAddress! + at), pool: pool, memory: MergeMemory.of(operation))
      try merging.merge(
        MergeRequest(
          tensor: "tensor.\(index)", shape: shape, models: (0..<inputs).map { "model\($0)" }, baseIndex: hasBase ? 0 : nil, parameters: parameters, driver: driver))
      start += size
    }
  }

  /// Of the output's bits (Fowler, Noll and Vo, over words).
  var checksum: UInt64 { output.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }

  private struct Source: TensorSource, @unchecked Sendable {
    let bytes: UnsafeRawPointer
    let count: Int
    func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
      NumberFormat.bfloat16.decode(bytes + offset * 2, count: count, into: floats)
    }
  }

  private struct Sink: GatheringSink, @unchecked Sendable {
    let output: UnsafeMutablePointer<UInt16>
    var elementSize: Int { 2 }
    func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
      NumberFormat.bfloat16.encode(floats, count: count, into: UnsafeMutableRawPointer(output + offset))
    }
    func encode(offset: Int, _ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) throws(MergeError) {
      NumberFormat.bfloat16.encode(floats, count: count, into: bytes)
    }
    func write(offset: Int, encoded bytes: UnsafeRawBufferPointer) throws(MergeError) {
      UnsafeMutableRawPointer(output + offset).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    }
  }
}
