import CModelKernels
import Foundation
import Testing

/// All formats of the header.
let formats: [mk_format] = [MK_F32, MK_F16, MK_BF16, MK_Q8_0, MK_Q4_0, MK_Q4_1, MK_Q5_0, MK_Q5_1, MK_Q4_K, MK_Q5_K, MK_Q6_K]
let blockFormats = formats.filter { mk_block_length($0) > 1 }

func name(_ format: mk_format) -> String {
  [
    MK_F32.rawValue: "F32", MK_F16.rawValue: "F16", MK_BF16.rawValue: "BF16", MK_Q8_0.rawValue: "Q8_0", MK_Q4_0.rawValue: "Q4_0", MK_Q4_1.rawValue: "Q4_1",
    MK_Q5_0.rawValue: "Q5_0", MK_Q5_1.rawValue: "Q5_1", MK_Q4_K.rawValue: "Q4_K", MK_Q5_K.rawValue: "Q5_K", MK_Q6_K.rawValue: "Q6_K",
  ][format.rawValue]!
}

/// What the levels of this machine are; a level that it lacks is refused, which LevelTests holds.
let levels: [Int32] = [Int32(MK_BASE), Int32(MK_AVX2), Int32(MK_AVX512)].filter { level in
  let best = mk_level()
  return level <= best
}

/// What `body` gives where the kernels use a level; tests on other threads keep theirs.
func atLevel<T>(_ level: Int32, _ body: () throws -> T) rethrows -> T {
  precondition(mk_force_level(level) == 1)
  defer { _ = mk_force_level(-1) }
  return try body()
}

struct Random: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] { (0..<count).map { _ in Float.random(in: range, using: &self) } }

  /// A row of `count` weights: random bits, scales of a usual size.
  mutating func row(_ format: mk_format, _ count: Int) -> [UInt8] {
    let length = mk_block_length(format), size = mk_block_bytes(format)
    return (0..<count / length).flatMap { _ -> [UInt8] in
      var block = (0..<size).map { _ in UInt8.random(in: 0...255, using: &self) }
      switch format {
      case MK_F32: block = withUnsafeBytes(of: Float.random(in: -1...1, using: &self)) { Array($0) }
      case MK_F16: block[1] = block[1] & 0x87 | 0x38
      case MK_BF16: block[1] = block[1] & 0x80 | 0x3e
      case MK_Q6_K: block[209] = block[209] & 0x83 | 0x20
      default:
        block[1] = block[1] & 0x83 | 0x20
        if format == MK_Q4_1 || format == MK_Q5_1 || format == MK_Q4_K || format == MK_Q5_K { block[3] = block[3] & 0x83 | 0x20 }
      }
      return block
    }
  }
}

func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }

/// The first place where two results differ, for a message.
func difference(_ a: [Float], _ b: [Float]) -> String {
  for i in a.indices where a[i].bitPattern != b[i].bitPattern { return "\(i): \(a[i]) is not \(b[i])" }
  return "none"
}

final class Pool: @unchecked Sendable {
  let handle: OpaquePointer
  init(_ threads: Int32) { handle = mk_pool_create(threads)! }
  deinit { mk_pool_destroy(handle) }
}

/// Rows of weights at an odd address against `m` rows of activations.
func multiply(
  _ pool: Pool?, _ format: mk_format, _ w: [UInt8], n: Int, k: Int, _ x: [Float], stride: Int, m: Int, bias: [Float]? = nil, offset: Int = 1
) -> [Float] {
  var shifted = [UInt8](repeating: 0xff, count: offset) + w
  var y = [Float](repeating: .nan, count: m * (n + 3))
  shifted.withUnsafeMutableBytes { w in
    mk_matmul(pool?.handle, format, w.baseAddress! + offset, n, k, x, stride, m, bias, &y, n + 3)
  }
  for c in 0..<m { precondition(y[c * (n + 3) + n..<(c + 1) * (n + 3)].allSatisfy(\.isNaN), "wrote beyond a row") }
  return (0..<m).flatMap { y[$0 * (n + 3)..<$0 * (n + 3) + n] }
}

enum Golden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures/Golden/Model/Quants/"
  static func bytes(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: folder + file))) }
  static func floats(_ file: String) throws -> [Float] {
    try bytes(file).withUnsafeBytes { bytes in (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) } }
  }
}
