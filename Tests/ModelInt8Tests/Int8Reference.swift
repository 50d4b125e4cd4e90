import CModelKernels

/// The rule of int8.c, written again: floats and integers one at a time.
enum Int8Reference {
  struct Activations {
    var codes: [Int32] = []
    var scales: [Float] = []
    /// d · (sum of the codes), a block.
    var sums: [Float] = []
  }

  static func quantize(_ x: ArraySlice<Float>) -> Activations {
    var result = Activations()
    for start in stride(from: x.startIndex, to: x.endIndex, by: 32) {
      let block = x[start..<min(start + 32, x.endIndex)]
      var scale: Float, codes = [Int32](repeating: 0, count: 32)
      if block.allSatisfy(\.isFinite) {
        let largest = block.reduce(0) { Swift.max($0, $1.magnitude) }
        scale = largest / 127
        let inverse = 1 / scale
        if inverse.isFinite {
          for (i, value) in block.enumerated() { codes[i] = Int32((value * inverse).rounded(.toNearestOrEven)) }
        } else {
          scale = 0
        }
      } else {
        scale = .nan
      }
      result.codes += codes
      result.scales.append(scale)
      result.sums.append(scale * Float(codes.reduce(0, +)))
    }
    return result
  }

  /// weight i of a block = scale · factors[i / 16] · codes[i] + minimum.
  struct Block {
    var codes = [Int32](repeating: 0, count: 32)
    var factors: [Int32] = [1, 1]
    var scale: Float = 0
    var minimum: Float?
  }

  static func blocks(_ format: mk_format, _ row: ArraySlice<UInt8>) -> [Block] {
    let size = mk_block_bytes(format)
    return stride(from: row.startIndex, to: row.endIndex, by: size).flatMap { start -> [Block] in
      let bytes = Array(row[start..<start + size])
      return mk_block_length(format) == 32 ? [small(format, bytes)] : (0..<8).map { part(format, bytes, $0) }
    }
  }

  private static func half(_ bytes: [UInt8], _ at: Int) -> Float {
    let bits = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8, exponent = bits >> 10 & 31, fraction = bits & 1023
    let value: Float
    switch exponent {
    case 0: value = Float(fraction) / 16_777_216
    case 31: value = fraction == 0 ? .infinity : .nan
    default: value = Float(bitPattern: (exponent + 112) << 23 | fraction << 13)
    }
    return bits & 0x8000 == 0 ? value : -value
  }

  /// Q8_0 and the formats of four and five bits: scale, then the minimum, then fifth bits, then nibbles.
  private static func small(_ format: mk_format, _ b: [UInt8]) -> Block {
    var block = Block()
    block.scale = half(b, 0)
    if format == MK_Q8_0 {
      block.codes = b[2...].map { Int32(Int8(bitPattern: $0)) }
      return block
    }
    let hasMinimum = format == MK_Q4_1 || format == MK_Q5_1, five = format == MK_Q5_0 || format == MK_Q5_1
    if hasMinimum { block.minimum = half(b, 2) }
    let high = hasMinimum ? 4 : 2, low = high + (five ? 4 : 0)
    for i in 0..<32 {
      var code = i < 16 ? Int32(b[low + i] & 15) : Int32(b[low + i - 16] >> 4)
      if five, b[high + i / 8] >> (i % 8) & 1 == 1 { code += 16 }
      block.codes[i] = code - (hasMinimum ? 0 : five ? 16 : 8)
    }
    return block
  }

  /// 32 of the 256 weights of a block of the K formats.
  private static func part(_ format: mk_format, _ b: [UInt8], _ j: Int) -> Block {
    var block = Block()
    if format == MK_Q6_K {
      block.scale = half(b, 208)
      block.factors = [Int32(Int8(bitPattern: b[192 + 2 * j])), Int32(Int8(bitPattern: b[193 + 2 * j]))]
      let quarter = j % 4
      for i in 0..<32 {
        let low = b[j / 4 * 64 + quarter % 2 * 32 + i], high = b[128 + j / 4 * 32 + i]
        block.codes[i] = Int32(quarter < 2 ? low & 15 : low >> 4) + Int32(high >> (2 * quarter) & 3) * 16 - 32
      }
      return block
    }
    let packed = Array(b[4..<16]), scale: UInt8, minimum: UInt8
    if j < 4 {
      (scale, minimum) = (packed[j] & 63, packed[j + 4] & 63)
    } else {
      scale = packed[j + 4] & 15 | (packed[j - 4] >> 6) << 4
      minimum = packed[j + 4] >> 4 | (packed[j] >> 6) << 4
    }
    block.scale = half(b, 0)
    block.factors = [Int32(scale), Int32(scale)]
    block.minimum = -half(b, 2) * Float(minimum)
    let nibbles = format == MK_Q5_K ? 48 : 16
    for i in 0..<32 {
      let byte = b[nibbles + j / 2 * 32 + i]
      block.codes[i] = Int32(j % 2 == 0 ? byte & 15 : byte >> 4)
      if format == MK_Q5_K, b[16 + i] >> j & 1 == 1 { block.codes[i] += 16 }
    }
    return block
  }

  static func dot(_ weights: [Block], _ x: Activations, bias: Float?) -> Float {
    var lanes = [Float](repeating: 0, count: 8)
    for (b, block) in weights.enumerated() {
      var integer: Int32 = 0
      for i in 0..<32 { integer += block.factors[i / 16] * block.codes[i] * x.codes[b * 32 + i] }
      precondition(integer.magnitude < 1 << 24)
      let product = block.scale * x.scales[b]
      lanes[b % 8].addProduct(product, Float(integer))
      if let minimum = block.minimum { lanes[b % 8].addProduct(minimum, x.sums[b]) }
    }
    for width in [4, 2, 1] { for j in 0..<width { lanes[j] += lanes[j + width] } }
    let result = bias.map { lanes[0] + $0 } ?? lanes[0]
    return result.isNaN ? Float(bitPattern: 0x7fc0_0000) : result
  }
}
