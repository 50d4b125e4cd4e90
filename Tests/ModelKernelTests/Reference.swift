import CModelKernels
import Foundation

/// The one definition of a sum, written as the header says it.
enum Reference {
  static func dot(_ w: [Float], _ x: ArraySlice<Float>) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for (i, value) in x.enumerated() { lanes[i % 16].addProduct(w[i], value) }
    for width in [8, 4, 2, 1] {
      for j in 0..<width { lanes[j] += lanes[j + width] }
    }
    return lanes[0]
  }

  /// Rows of `columns` weights each against rows of activations.
  static func product(_ w: [[Float]], _ x: [Float], m: Int, stride: Int, bias: [Float]?) -> [Float] {
    (0..<m).flatMap { c in
      w.indices.map { r in
        let value = dot(w[r], x[c * stride..<c * stride + w[r].count])
        return bias.map { value + $0[r] } ?? value
      }
    }
  }

  static func dequantize(_ format: mk_format, _ bytes: [UInt8], count: Int) -> [Float] {
    let length = mk_block_length(format), size = mk_block_bytes(format)
    return (0..<count / length).flatMap { block(format, Array(bytes[$0 * size..<($0 + 1) * size])) }
  }

  static func half(_ b: [UInt8], _ at: Int) -> Float { Float(Float16(bitPattern: UInt16(b[at]) | UInt16(b[at + 1]) << 8)) }

  /// A block by the layout of its format. d · q is exact, so only a subtraction or an addition rounds.
  static func block(_ format: mk_format, _ b: [UInt8]) -> [Float] {
    switch format {
    case MK_F32: return [Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(b[$1]) << UInt32(8 * $1) })]
    case MK_F16: return [half(b, 0)]
    case MK_BF16: return [Float(bitPattern: UInt32(b[0]) << 16 | UInt32(b[1]) << 24)]
    case MK_Q8_0: return (0..<32).map { half(b, 0) * Float(Int8(bitPattern: b[2 + $0])) }
    case MK_Q4_0: return (0..<32).map { half(b, 0) * Float(nibble(b, 2, $0) - 8) }
    case MK_Q4_1: return (0..<32).map { half(b, 0) * Float(nibble(b, 4, $0)) + half(b, 2) }
    case MK_Q5_0: return (0..<32).map { half(b, 0) * Float(nibble(b, 6, $0) + 16 * bit(b, 2, $0) - 16) }
    case MK_Q5_1: return (0..<32).map { half(b, 0) * Float(nibble(b, 8, $0) + 16 * bit(b, 4, $0)) + half(b, 2) }
    case MK_Q4_K, MK_Q5_K:
      return (0..<256).map { i in
        let (scale, minimum) = scaleAndMinimum(b, i / 32), byte = (format == MK_Q4_K ? 16 : 48) + i / 64 * 32 + i % 32
        var q = Int(b[byte]) >> (i / 32 % 2 * 4) & 15
        if format == MK_Q5_K { q += 16 * (Int(b[16 + i % 32]) >> (i / 32) & 1) }
        return half(b, 0) * Float(scale) * Float(q) - half(b, 2) * Float(minimum)
      }
    case MK_Q6_K:
      return (0..<256).map { i in
        let h = i / 128, j = i % 128 / 32
        let low = Int(b[h * 64 + j % 2 * 32 + i % 32]) >> (j / 2 * 4) & 15, high = Int(b[128 + h * 32 + i % 32]) >> (2 * j) & 3
        return half(b, 208) * Float(Int8(bitPattern: b[192 + i / 16])) * Float(low + 16 * high - 32)
      }
    default: return []
    }
  }

  private static func nibble(_ b: [UInt8], _ at: Int, _ i: Int) -> Int { Int(b[at + i % 16]) >> (i / 16 * 4) & 15 }
  private static func bit(_ b: [UInt8], _ at: Int, _ i: Int) -> Int { Int(b[at + i / 8]) >> (i % 8) & 1 }

  private static func scaleAndMinimum(_ b: [UInt8], _ j: Int) -> (Int, Int) {
    let s = b[4..<16].map { Int($0) }
    return j < 4 ? (s[j] & 63, s[j + 4] & 63) : (s[j + 4] & 15 | (s[j - 4] >> 6) << 4, s[j + 4] >> 4 | (s[j] >> 6) << 4)
  }
}
