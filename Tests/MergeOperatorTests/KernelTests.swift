import CKernels
import Foundation
import Testing

/// The kernels one by one: plain statements, all lengths around the width of vectors and pieces, every instruction set.
@Suite struct KernelTests {
  static let lengths = Array(0...33) + [63, 64, 65, 511, 512, 513, 1024, 1537]

  func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var generator = Generator(seed: seed)
    return (0..<count).map { _ in Float(generator.normal()) }
  }

  /// Runs a kernel on the best and on the base level.
  func onEveryLevel<R: Equatable>(_ body: () -> R) -> R {
    let best = body()
    ck_force_base(1)
    defer { ck_force_base(0) }
    let base = body()
    #expect(base == best)
    return best
  }

  @Test func sumsAreExactToTheLastBitsAndEqualOnEveryLevel() {
    for n in Self.lengths {
      let x = numbers(n, seed: 1), y = numbers(n, seed: 2), b = numbers(n, seed: 3)
      func close(_ sum: Double, _ terms: [Double]) -> Bool { abs(sum - terms.reduce(0, +)) <= 1e-14 * terms.reduce(0) { $0 + abs($1) } }
      #expect(close(onEveryLevel { ck_dot(x, y, nil, n) }, zip(x, y).map { Double($0) * Double($1) }))
      #expect(close(onEveryLevel { ck_dot(x, y, b, n) }, (0..<n).map { Double(x[$0] - b[$0]) * Double(y[$0] - b[$0]) }))
      #expect(close(onEveryLevel { ck_l1(x, n) }, x.map { Double(abs($0)) }))
    }
  }

  @Test func sumsHaveTheOrderThatIsWrittenDown() {
    for n in Self.lengths {
      let x = numbers(n, seed: 4), y = numbers(n, seed: 5)
      var lanes = [Double](repeating: 0, count: 8)
      for index in 0..<n { lanes[index < n / 8 * 8 ? index % 8 : index - n / 8 * 8] += Double(x[index]) * Double(y[index]) }
      let sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
      #expect(ck_dot(x, y, nil, n) == sum, "\(n)")
    }
  }

  @Test func aMatrixOfTwoIsThatOfMany() {
    for n in Self.lengths {
      let x = numbers(n, seed: 6), y = numbers(n, seed: 7), b = numbers(n, seed: 8)
      x.withUnsafeBufferPointer { x in
        y.withUnsafeBufferPointer { y in
          for base in [nil, b] as [[Float]?] {
            let gram = onEveryLevel {
              var gram = [Double](repeating: 0, count: 4)
              ck_gram([x.baseAddress, y.baseAddress], base, 2, &gram, n)
              return gram
            }
            let (x, y) = (x.baseAddress, y.baseAddress)
            #expect(gram == [ck_dot(x, x, base, n), ck_dot(x, y, base, n), 0, ck_dot(y, y, base, n)])
          }
        }
      }
    }
  }

  @Test func divergenceAgreesWithItsDefinitionAndDoesNotCancel() {
    for (n, scale) in [(1, 1.0), (2, 1), (7, 0.1), (64, 1), (513, 0.01), (64, 30)] {
      let b = numbers(n, seed: 9).map { 3 * $0 }
      let x = zip(b, numbers(n, seed: 10)).map { $0 + Float(scale) * $1 }
      func softmax(_ v: [Float]) -> [Double] {
        let top = v.max()!, powers = v.map { exp(Double($0) - Double(top)) }, sum = powers.reduce(0, +)
        return powers.map { $0 / sum + 1e-8 }
      }
      let expected = zip(softmax(x), softmax(b)).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      let divergence = onEveryLevel { ck_divergence(x, b, n) }
      #expect(abs(divergence - expected) <= 1e-11 * expected + 1e-15, "\(n), \(scale): \(divergence) for \(expected)")
    }
    // A shift of ε in one logit: KL = ε²/2 · p(1−p) to first order, far below what a plain sum resolves.
    var b = [Float](repeating: 0, count: 1000), x = b
    b[3] = 1
    x[3] = 1 + 0x1p-20
    let p = exp(1.0) / (999 + exp(1.0)), expected = 0x1p-40 / 2 * p * (1 - p)
    #expect(abs(ck_divergence(x, b, 1000) / expected - 1) < 1e-4)
    #expect(ck_divergence(b, b, 1000) == 0)
  }

  @Test func varianceIsZeroWhereAllAreEqualAndOnlyThere() {
    for inputs in 2...9 {
      let b = numbers(100, seed: 11), same = numbers(100, seed: 12)
      var rows = Array(repeating: same, count: inputs)
      rows[inputs - 1][50] = rows[inputs - 1][50].nextUp
      let keys = withPointers(rows) { x in
        onEveryLevel {
          var keys = [UInt32](repeating: 9, count: 100)
          ck_keys_of_variances(x, inputs, b, &keys, 100)
          return keys
        }
      }
      #expect(keys.indices.allSatisfy { (keys[$0] == 0) == ($0 != 50 || rows[inputs - 1][50] - b[50] == same[50] - b[50]) }, "\(inputs)")
    }
  }

  private func withPointers<R>(_ rows: [[Float]], _ body: (UnsafePointer<UnsafePointer<Float>?>) -> R) -> R {
    let buffers = rows.map { row in
      let buffer = UnsafeMutablePointer<Float>.allocate(capacity: row.count)
      buffer.initialize(from: row, count: row.count)
      return buffer
    }
    defer { buffers.forEach { $0.deallocate() } }
    return buffers.map { UnsafePointer<Float>?($0) }.withUnsafeBufferPointer { body($0.baseAddress!) }
  }

  @Test func bitsPackAndUnpack() {
    for n in Self.lengths {
      var generator = Generator(seed: UInt64(n) + 1)
      let mask = (0..<n).map { _ in UInt8(generator.below(2)) }
      var bits = [UInt8](repeating: 0xff, count: (n + 7) / 8), back = [UInt8](repeating: 9, count: n)
      ck_pack_bits(mask, &bits, n)
      ck_unpack_bits(bits, &back, n)
      #expect(back == mask)
    }
  }

  @Test func ranksAreByMagnitudeThenIndex() {
    for n in [1, 2, 5, 100, 1000] {
      var generator = Generator(seed: UInt64(n))
      for spread in [3, 1 << 12, 1 << 30] {
        let keys = (0..<n).map { _ in UInt32(generator.below(spread)) }
        let order = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
        var ranks = [Int](repeating: 0, count: n)
        for (rank, index) in order.enumerated() { ranks[index] = rank }
        let words = (0..<n).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        let low = 0.2 * 0x1p32, step = 0.6 * 0x1p32 / Double(max(1, n - 1))
        let mask = onEveryLevel {
          var mask = [UInt8](repeating: 9, count: n), entries = [UInt64](repeating: 0, count: n)
          ck_keep_by_rank(keys, words, n, low, step, &entries, &mask)
          return mask
        }
        #expect(mask == (0..<n).map { Double(words[$0]) < low + Double(ranks[$0]) * step ? 1 : 0 }, "\(n), \(spread)")
      }
    }
  }
}
