import CentramModel
import CentramNode
import Foundation

/// One tensor to merge, with where its output goes.
struct Tensor {
  let name: String
  let shape: [Int]
  let sources: [any TensorSource]
  let sink: any TensorSink
}

/// Checkpoints of one layout.
func checkpoint(_ folder: String, inputs: Int, hasBase: Bool) throws -> [Tensor] {
  let names = (hasBase ? ["base"] : []) + ["a", "b", "c"].prefix(inputs)
  let files = try names.map { try SafetensorsFile(path: "\(folder)/\($0)/model.safetensors") }
  let output = open("\(folder)/bench-out", O_RDWR | O_CREAT | O_TRUNC, 0o600)
  precondition(output >= 0, "cannot write \(folder)/bench-out")
  return files[0].tensors.map { tensor in
    Tensor(
      name: tensor.name, shape: tensor.shape, sources: files.map { MappedSource($0.tensor(tensor.name)!, of: $0) },
      sink: FileSink(descriptor: output, start: tensor.range.lowerBound))
  }
}

/// base + noise in bfloat16, one tensor.
func synthetic(count: Int, row: Int, inputs: Int) -> Tensor {
  var state: UInt64 = 1
  func noise() -> Float {
    var sum: Float = 0
    for _ in 0..<2 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sum += Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31 + Float(Int32(truncatingIfNeeded: state >> 16)) * 0x1p-31
    }
    return sum
  }
  let base = (0..<count).map { _ in 0.02 * noise() }
  let sources = (0..<inputs).map { input in
    PackedSource(input == 0 ? base : base.map { $0 + 0.002 * noise() })
  }
  return Tensor(name: "t", shape: [count / row, row], sources: sources, sink: PackedSink(count: count))
}

/// bfloat16 in memory.
final class PackedSource: TensorSource, @unchecked Sendable {
  private let bytes: UnsafeMutableRawPointer
  let count: Int

  init(_ floats: [Float]) {
    count = floats.count
    bytes = .allocate(byteCount: 2 * floats.count, alignment: 64)
    NumberFormat.bfloat16.encode(floats, count: floats.count, into: bytes)
  }

  func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    NumberFormat.bfloat16.decode(bytes + 2 * offset, count: count, into: floats)
  }
}

final class PackedSink: TensorSink, @unchecked Sendable {
  private let bytes: UnsafeMutableRawPointer

  init(count: Int) {
    bytes = .allocate(byteCount: 2 * count, alignment: 64)
    memset(bytes, 1, 2 * count)
  }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    NumberFormat.bfloat16.encode(floats, count: count, into: bytes + 2 * offset)
  }
}

/// bfloat16 into a file.
struct FileSink: TensorSink {
  let descriptor: Int32
  let start: Int

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    let written = withUnsafeTemporaryAllocation(byteCount: 2 * count, alignment: 64) { room in
      NumberFormat.bfloat16.encode(floats, count: count, into: room.baseAddress!)
      return pwrite(descriptor, room.baseAddress!, 2 * count, off_t(start + 2 * offset))
    }
    guard written == 2 * count else { throw MergeError(.output, "wrote \(written) of \(2 * count) bytes") }
  }
}
