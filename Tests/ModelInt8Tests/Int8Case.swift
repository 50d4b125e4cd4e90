import CModelKernels

let int8Formats: [mk_format] = [MK_Q8_0, MK_Q4_0, MK_Q4_1, MK_Q5_0, MK_Q5_1, MK_Q4_K, MK_Q5_K, MK_Q6_K]

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

/// A product to compute: weights as bytes, activations as floats.
struct Int8Case {
  let format: mk_format, n: Int, k: Int, m: Int
  var weights: [UInt8]
  var x: [Float]
  var bias: [Float]?

  /// Random codes and scales; scales are between 2^-7 and 2^-4, of either sign.
  init(_ format: mk_format, n: Int, k: Int, m: Int, seed: UInt64, bias: Bool = false) {
    var random = SplitMix(state: seed)
    (self.format, self.n, self.k, self.m) = (format, n, k, m)
    weights = (0..<n * mk_row_bytes(format, k)).map { _ in UInt8.random(in: 0...255, using: &random) }
    for place in Self.scalePlaces(format, weights.count) { weights[place + 1] = weights[place + 1] & 0x8f | 0x20 }
    x = (0..<m * k).map { i in Float.random(in: -1...1, using: &random) * (i % 97 == 0 ? 20 : 1) }
    self.bias = bias ? (0..<n).map { _ in Float.random(in: -1...1, using: &random) } : nil
  }

  /// Where the float16 values are.
  static func scalePlaces(_ format: mk_format, _ count: Int) -> [Int] {
    let both = [MK_Q4_1, MK_Q5_1, MK_Q4_K, MK_Q5_K].contains(format)
    return stride(from: 0, to: count, by: mk_block_bytes(format)).flatMap { both ? [$0, $0 + 2] : [format == MK_Q6_K ? $0 + 208 : $0] }
  }

  /// Sets every float16 value of the weights.
  mutating func setScales(bits: UInt16) {
    for place in Self.scalePlaces(format, weights.count) { (weights[place], weights[place + 1]) = (UInt8(bits & 255), UInt8(bits >> 8)) }
  }

  /// Bits of the result, row of activations after row, by the kernels.
  func kernel(rows: Int? = nil, threads: Int = 1, level: Int32 = -1) -> [UInt32] {
    let rows = rows ?? m, stride = n + 3
    precondition(mk_force_level(level) == 1)
    defer { _ = mk_force_level(-1) }
    let pool = mk_pool_create(Int32(threads))
    defer { mk_pool_destroy(pool) }
    var activations = [UInt8](repeating: 0xa5, count: mk_activation_bytes(k, rows)), y = [Float](repeating: -7, count: rows * stride)
    mk_quantize_activations(pool, x, k, rows, k, &activations)
    mk_matmul_int8(pool, format, weights, n, k, activations, rows, bias, &y, stride)
    precondition((0..<rows).allSatisfy { row in y[row * stride + n..<(row + 1) * stride].allSatisfy { $0 == -7 } }, "wrote between the rows")
    return (0..<rows).flatMap { row in y[row * stride..<row * stride + n].map(\.bitPattern) }
  }

  func reference() -> [UInt32] {
    let size = mk_row_bytes(format, k)
    let rows = (0..<n).map { Int8Reference.blocks(format, weights[$0 * size..<($0 + 1) * size]) }
    return (0..<m).flatMap { row -> [UInt32] in
      let activations = Int8Reference.quantize(x[row * k..<(row + 1) * k])
      return (0..<n).map { Int8Reference.dot(rows[$0], activations, bias: bias?[$0]).bitPattern }
    }
  }

  /// The product of the weights' float values and x, in double precision, and the sum of the magnitudes of its terms.
  func exact() -> [(value: Double, magnitude: Double)] {
    let size = mk_row_bytes(format, k)
    var matrix = [Float](repeating: 0, count: n * k)
    matrix.withUnsafeMutableBufferPointer { out in
      weights.withUnsafeBytes { bytes in
        for row in 0..<n { mk_dequantize(format, bytes.baseAddress! + row * size, out.baseAddress! + row * k, k) }
      }
    }
    return (0..<m).flatMap { row in
      (0..<n).map { column in
        var value = 0.0, magnitude = 0.0
        for i in 0..<k {
          let term = Double(matrix[column * k + i]) * Double(x[row * k + i])
          value += term
          magnitude += term.magnitude
        }
        return (value, magnitude)
      }
    }
  }
}

/// Levels that this machine has.
let levels: [Int32] = [MK_BASE, MK_AVX2, MK_AVX512].map { Int32($0) }.filter { level in
  defer { _ = mk_force_level(-1) }
  return mk_force_level(level) == 1
}
