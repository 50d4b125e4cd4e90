import CModelKernels
import Testing

/// Serialised because a level is forced for the whole process.
@Suite(.serialized) struct Int8Tests {
  @Test(arguments: int8Formats) func equalsTheRuleBitForBit(format: mk_format) {
    for (k, n, bias) in [(512, 19, true), (768, 16, false), (256, 1, true)] {
      let product = Int8Case(format, n: n, k: k, m: 5, seed: UInt64(k), bias: bias)
      let expected = product.reference()
      for level in levels { #expect(product.kernel(level: level) == expected, "k \(k), level \(level)") }
    }
  }

  /// Rows of activations whose last group of eight blocks is not whole, and less than one group.
  @Test(arguments: int8Formats.filter { mk_block_length($0) == 32 }) func equalsTheRuleWhereBlocksAreNoMultipleOfEight(format: mk_format) {
    for k in [32, 96, 576, 1056] {
      let product = Int8Case(format, n: 17, k: k, m: 6, seed: UInt64(k))
      let expected = product.reference()
      for level in levels { #expect(product.kernel(level: level) == expected, "k \(k), level \(level)") }
    }
  }

  @Test(arguments: int8Formats) func doesNotDependOnBatchThreadsOrLevel(format: mk_format) {
    let product = Int8Case(format, n: 83, k: 1280, m: 33, seed: 4)
    let whole = product.kernel()
    for rows in [1, 2, 3, 7, 16, 33] {
      for threads in [1, 2, 3] {
        for level in levels where level != MK_BASE || rows < 16 {
          #expect(product.kernel(rows: rows, threads: threads, level: level) == Array(whole[..<(rows * product.n)]), "\(rows) rows, \(threads) threads, level \(level)")
        }
      }
    }
  }

  /// More rows of activations than a panel of weights is unpacked for at once.
  @Test func doesNotDependOnBatchBeyondASlab() {
    let product = Int8Case(MK_Q4_K, n: 32, k: 1536, m: 131, seed: 5)
    let whole = product.kernel(), one = Int8Case(MK_Q4_K, n: 32, k: 1536, m: 131, seed: 5)
    for row in [0, 127, 128, 130] {
      var single = one
      single.x = Array(product.x[row * product.k..<(row + 1) * product.k])
      #expect(single.kernel(rows: 1) == Array(whole[row * product.n..<(row + 1) * product.n]), "row \(row)")
    }
  }

  @Test(arguments: int8Formats) func sumsExtremeCodesWithoutSaturation(format: mk_format) {
    for weight in [UInt8(0x00), 0xff, 0x80, 0x7f] {
      for sign in [Float(1), -1] {
        var product = Int8Case(format, n: 17, k: 512, m: 5, seed: 1)
        product.weights = product.weights.map { _ in weight }
        product.setScales(bits: 0x3c00)
        product.x = product.x.map { _ in 127 * sign }
        let expected = product.reference()
        for level in levels { #expect(product.kernel(level: level) == expected, "weights \(weight), sign \(sign), level \(level)") }
      }
    }
  }

  @Test(arguments: int8Formats) func treatsZerosTinyAndHugeActivationsByTheRule(format: mk_format) {
    var product = Int8Case(format, n: 17, k: 512, m: 6, seed: 2)
    for row in 0..<6 {
      let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, 3e-37, 5e-37, .greatestFiniteMagnitude]
      for i in 0..<512 where i / 32 % 2 == row % 2 { product.x[row * 512 + i] = values[row] * (i % 3 == 0 ? 0.5 : 1) }
    }
    let expected = product.reference()
    for level in levels { #expect(product.kernel(level: level) == expected, "level \(level)") }
    #expect(expected.allSatisfy { Float(bitPattern: $0).isFinite || $0 & 0x7fff_ffff == 0x7f80_0000 || $0 == 0x7fc0_0000 })
  }

  @Test(arguments: int8Formats) func answersNaNWhereAnActivationIsNotFinite(format: mk_format) {
    for value in [Float.infinity, -.infinity, .nan, -Float.nan, Float(bitPattern: 0x7f80_0001)] {
      var product = Int8Case(format, n: 17, k: 512, m: 5, seed: 3)
      product.x[2 * 512 + 45] = value
      for level in levels {
        let bits = product.kernel(level: level)
        #expect(bits[2 * 17..<3 * 17].allSatisfy { $0 == 0x7fc0_0000 })
        #expect(bits[..<(2 * 17)].allSatisfy { Float(bitPattern: $0).isFinite })
        #expect(bits == product.reference())
      }
    }
  }

  @Test(arguments: int8Formats, [UInt16(0x7c00), 0xfc00, 0x7e01, 0x0001, 0x83ff, 0x0000, 0x7bff]) func takesAnyScaleOfTheWeights(format: mk_format, bits: UInt16) {
    var product = Int8Case(format, n: 17, k: 256, m: 4, seed: 6)
    product.setScales(bits: bits)
    let expected = product.reference()
    for level in levels { #expect(product.kernel(level: level) == expected, "level \(level)") }
  }

  /// Each activation is within d/2 of its value, and rounding to float32 adds little.
  @Test(arguments: int8Formats) func isWithinTheRoundingOfTheActivations(format: mk_format) {
    let product = Int8Case(format, n: 12, k: 1024, m: 3, seed: 7)
    let exact = product.exact(), result = product.kernel().map { Double(Float(bitPattern: $0)) }
    var error = 0.0, size = 0.0
    for (got, want) in zip(result, exact) {
      #expect((got - want.value).magnitude <= want.magnitude * 0.1)
      error += (got - want.value) * (got - want.value)
      size += want.magnitude * want.magnitude / 1024
    }
    // Activations here have a block's largest at 1 to 20 times the others, so steps of 1/127 to 20/127.
    #expect((error / size).squareRoot() < 0.05)
  }

  @Test func hasProductsForQuantisedFormatsOnly() {
    #expect(int8Formats.allSatisfy { mk_has_int8($0) != 0 })
    #expect([MK_F32, MK_F16, MK_BF16].allSatisfy { mk_has_int8($0) == 0 })
  }
}
