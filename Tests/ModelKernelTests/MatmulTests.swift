import CModelKernels
import Testing

@Suite struct MatmulTests {
  /// Made anew for each case: a pool runs one thing at a time, and cases run beside each other.
  static var pools: [Pool] { [1, 2, 3].map { Pool($0) } }

  /// Every format, level, number of rows and of threads against the definition.
  @Test(arguments: formats.map(name)) func equalsTheDefinitionBitForBit(format: String) async {
    let format = formats.first { name($0) == format }!
    var random = Random(11 + UInt64(format.rawValue))
    let n = 13
    for k in mk_block_length(format) == 1 ? [1, 15, 16, 40, 100] : mk_block_length(format) == 32 ? [32, 96, 320] : [256, 512] {
      let w = (0..<n).flatMap { _ in random.row(format, k) }, bias = random.floats(n), stride = k + 5, x = random.floats(33 * stride)
      let size = mk_row_bytes(format, k)
      let rows = (0..<n).map { Reference.dequantize(format, Array(w[$0 * size..<($0 + 1) * size]), count: k) }
      let expected = Reference.product(rows, x, m: 33, stride: stride, bias: bias)
      for m in [1, 2, 3, 7, 16, 33] {
        for level in levels {
          let y = atLevel(level) { multiply(nil, format, w, n: n, k: k, x, stride: stride, m: m, bias: bias) }
          #expect(bits(y) == bits(Array(expected[..<(m * n)])), "k \(k), m \(m), level \(level), \(difference(y, expected))")
        }
      }
    }
  }

  /// Long rows go in pieces, many rows in blocks and panels, and over threads.
  @Test(arguments: formats.map(name)) func doesNotDependOnTilingThreadsOrLevel(format: String) async {
    let format = formats.first { name($0) == format }!
    var random = Random(23 + UInt64(format.rawValue))
    for (n, k) in [(150, 512), (37, 2816), (5, 8192)] {
      let k = mk_block_length(format) == 1 ? k - 3 : k
      let w = (0..<n).flatMap { _ in random.row(format, k) }, bias = random.floats(n), x = random.floats(67 * k)
      var row = [Float](repeating: 0, count: k)
      w.withUnsafeBytes { mk_dequantize(format, $0.baseAddress! + (n - 1) * mk_row_bytes(format, k), &row, k) }
      let last = Reference.dot(row, x[66 * k..<67 * k]) + bias[n - 1]
      let expected = atLevel(levels[0]) { [bias, x] in multiply(nil, format, w, n: n, k: k, x, stride: k, m: 67, bias: bias) }
      #expect(expected.last?.bitPattern == last.bitPattern)
      for level in levels {
        for pool in Self.pools {
          for m in [1, 2, 4, 67] {
            let y = atLevel(level) { multiply(pool, format, w, n: n, k: k, x, stride: k, m: m, bias: bias, offset: 3) }
            #expect(bits(y) == bits(Array(expected[..<(m * n)])), "n \(n), k \(k), m \(m), level \(level), \(difference(y, expected))")
          }
        }
      }
    }
  }

  @Test func carriesNaNAndInfinityIntoTheirRowsOnly() async {
    var x = [Float](repeating: 1, count: 4 * 40)
    x[40 + 39] = .nan
    x[80 + 7] = .infinity
    let w = [Float](repeating: 1, count: 5 * 40).flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    for level in levels {
      for m in [1, 4] {
        for c in 0..<(5 - m) {
          let rows = Array(x[(c * 40)...])
          let y = atLevel(level) { multiply(nil, MK_F32, w, n: 5, k: 40, rows, stride: 40, m: m) }
          for (i, value) in y.enumerated() {
            switch c + i / 5 {
            case 1: #expect(value.isNaN)
            case 2: #expect(value == .infinity)
            default: #expect(value == 40)
            }
          }
        }
      }
    }
  }

  @Test func keepsDenormalsAndSignedZero() async {
    let tiny = Float.leastNonzeroMagnitude
    let w = [Float](repeating: tiny, count: 20).flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    for level in levels {
      for m in [1, 5] {
        let y = atLevel(level) { multiply(nil, MK_F32, w, n: 1, k: 20, [Float](repeating: 1, count: 100), stride: 20, m: m) }
        #expect(y == [Float](repeating: 20 * tiny, count: m))
        let z = atLevel(level) { multiply(nil, MK_F32, w, n: 1, k: 20, [Float](repeating: -0.25, count: 100), stride: 20, m: m) }
        #expect(bits(z) == bits([Float](repeating: -0.0, count: m)), "a product below the least number keeps its sign")
      }
    }
  }

  @Test func writesNothingForNothing() {
    var y: [Float] = [7]
    mk_matmul(nil, MK_F32, [Float(1)], 1, 1, [Float(1)], 1, 0, nil, &y, 1)
    mk_matmul(nil, MK_F32, [Float(1)], 0, 1, [Float(1)], 1, 1, nil, &y, 1)
    #expect(y == [7])
    mk_matmul(nil, MK_F32, [Float(1)], 1, 0, [Float(1)], 1, 1, [Float(3)], &y, 1)
    #expect(y == [3])
  }
}
