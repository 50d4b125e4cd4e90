import CModelKernels
import Testing

@Suite struct FormatTests {
  @Test(arguments: blockFormats.map(name)) func dequantizesAsGGUFDoes(format: String) async throws {
    let format = formats.first { name($0) == format }!
    let blocks = try Golden.bytes("\(name(format)).blocks"), expected = try Golden.floats("\(name(format)).f32")
    #expect(bits(Reference.dequantize(format, blocks, count: expected.count)) == bits(expected))
    for level in levels {
      let values = atLevel(level) {
        var y = [Float](repeating: 0, count: expected.count)
        mk_dequantize(format, blocks, &y, y.count)
        return y
      }
      #expect(bits(values) == bits(expected), "level \(level), \(difference(values, expected))")
    }
  }

  @Test(arguments: ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0"]) func quantizesAsGGUFDoes(format: String) throws {
    let format = formats.first { name($0) == format }!
    let values = try Golden.floats("values.f32"), expected = try Golden.bytes("\(name(format)).quantized")
    var row = [UInt8](repeating: 0, count: mk_row_bytes(format, values.count))
    #expect(mk_quantize(format, values, &row, values.count) == 1)
    #expect(row == expected)
  }

  @Test func convertsEveryFloat16() async {
    for level in levels {
      let values = atLevel(level) {
        var y = [Float](repeating: 0, count: 65536)
        mk_dequantize(MK_F16, (0..<65536).map { UInt16($0) }, &y, 65536)
        return y
      }
      for h in 0..<65536 where !Float16(bitPattern: UInt16(h)).isNaN { #expect(values[h].bitPattern == Float(Float16(bitPattern: UInt16(h))).bitPattern) }
      #expect((0..<65536).allSatisfy { Float16(bitPattern: UInt16($0)).isNaN == values[$0].isNaN })
    }
  }

  @Test func roundsToFloat16AsTheHardwareDoes() {
    var random = Random(7)
    var x = (0..<20000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }.filter { !$0.isNaN }
    x += (0..<65535).map { Float(Float16(bitPattern: UInt16($0))) }.filter(\.isFinite).flatMap { [$0, ($0 + $0.nextUp) / 2, $0.nextUp, $0.nextDown] }
    x += [65519.99, 65520, -65520, 0x1p-25, 0x1.000002p-25, -0.0]
    var row = [UInt16](repeating: 0, count: x.count)
    #expect(mk_quantize(MK_F16, x, &row, x.count) == 1)
    #expect(x.indices.allSatisfy { row[$0] == Float16(x[$0]).bitPattern })
  }

  @Test func refusesWhatItCannotQuantize() {
    var row = [UInt8](repeating: 0, count: 1000)
    let x = [Float](repeating: 1, count: 256)
    for format in [MK_Q5_1, MK_Q4_K, MK_Q5_K, MK_Q6_K, mk_format(rawValue: 99)] { #expect(mk_quantize(format, x, &row, 256) == 0) }
    #expect(mk_quantize(MK_Q8_0, x, &row, 33) == 0)
    #expect(row.allSatisfy { $0 == 0 })
  }

  @Test func keepsInfinityAndNaNOfAScale() async {
    // d = infinity: 0 · d is NaN, the rest is infinite.
    for level in levels {
      let values = atLevel(level) {
        var y = [Float](repeating: 0, count: 32)
        mk_dequantize(MK_Q4_0, [0x00, 0x7c] + [UInt8](repeating: 0x98, count: 16), &y, 32)
        return y
      }
      #expect(values[0].isNaN && values[16] == .infinity)
    }
  }
}
