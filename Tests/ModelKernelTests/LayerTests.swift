import CModelKernels
import Foundation
import Testing

@Suite struct LayerTests {
  @Test(arguments: [1, 15, 16, 128, 576, 581]) func normsEqualTheDefinition(d: Int) async {
    var random = Random(UInt64(d))
    let rows = 5, x = random.floats(rows * (d + 2)), weight = random.floats(d), bias = random.floats(d)
    for level in levels {
      for pool in [nil, MatmulTests.pools[2]] {
        let (rms, layer) = atLevel(level) {
          var rms = [Float](repeating: 0, count: rows * d), layer = rms
          mk_rms_norm(pool?.handle, x, d + 2, weight, 1e-5, &rms, d, rows, d)
          mk_layer_norm(pool?.handle, x, d + 2, weight, bias, 1e-5, &layer, d, rows, d)
          return (rms, layer)
        }
        for r in 0..<rows {
          let row = Array(x[r * (d + 2)..<r * (d + 2) + d])
          let scale = 1 / (Reference.dot(row, row[...]) / Float(d) + 1e-5).squareRoot()
          #expect(bits(Array(rms[r * d..<(r + 1) * d])) == bits((0..<d).map { row[$0] * scale * weight[$0] }))
          let mean = Reference.dot([Float](repeating: 1, count: d), row[...]) / Float(d), centred = row.map { $0 - mean }
          let deviation = 1 / (Reference.dot(centred, centred[...]) / Float(d) + 1e-5).squareRoot()
          #expect(bits(Array(layer[r * d..<(r + 1) * d])) == bits((0..<d).map { bias[$0].addingProduct(centred[$0] * deviation, weight[$0]) }))
        }
      }
    }
  }

  @Test func expIsWithinTwoUnitsInTheLastPlace() async {
    let x = Array(stride(from: Float(-87), through: 88, by: 0.0037)) + [0, -0.0, 1e-30, -1e-30, .ulpOfOne]
    var first: [Float] = []
    for level in levels {
      let y = atLevel(level) {
        var y = x
        mk_exp(x, &y, x.count)
        return y
      }
      let worst = zip(x, y).map { x, y in abs(Double(y) - exp(Double(x))) / Double(Float(exp(Double(x))).ulp) }.max()!
      #expect(worst < 2, "\(worst) units at level \(level)")
      if first.isEmpty { first = y }
      #expect(bits(y) == bits(first))
    }
    var ends: [Float] = [-87.5, -1000, -.infinity, .nan, 88, 1000, .infinity]
    mk_exp(ends, &ends, ends.count)
    #expect(ends[..<3].allSatisfy { $0 == 0 } && ends[3].isNaN && ends[4] == ends[5] && ends[5] == ends[6])
  }

  @Test func activationsAgreeWithDoublePrecision() async {
    var random = Random(3)
    let count = 20011, x = random.floats(count, -12...12), up = random.floats(count)
    let expectedSilu = zip(x, up).map { x, u in Double(x) / (1 + exp(-Double(x))) * Double(u) }
    let expectedGelu = x.map { x in 0.5 * Double(x) * (1 + tanh((2 / Double.pi).squareRoot() * (Double(x) + 0.044715 * pow(Double(x), 3)))) }
    var first: ([Float], [Float])?
    for level in levels {
      for pool in [nil, MatmulTests.pools[1]] {
        let (silu, gelu) = atLevel(level) {
          var silu = x, gelu = x
          mk_swiglu(pool?.handle, x, up, &silu, count)
          mk_gelu(pool?.handle, &gelu, count)
          return (silu, gelu)
        }
        #expect(zip(silu, expectedSilu).allSatisfy { abs(Double($0) - $1) <= 1e-6 * max(1, abs($1)) })
        #expect(zip(gelu, expectedGelu).allSatisfy { abs(Double($0) - $1) <= 1e-6 * max(1, abs($1)) })
        if let first { #expect(bits(silu) == bits(first.0) && bits(gelu) == bits(first.1)) } else { first = (silu, gelu) }
      }
    }
  }

  @Test(arguments: [2, 8, 32, 50, 128]) func ropeRotatesHalves(head: Int) async {
    var random = Random(UInt64(head))
    let heads = 3, x = random.floats(heads * head), angles = random.floats(head / 2, -3...3), c = angles.map { cos($0) }, s = angles.map { sin($0) }
    for level in levels {
      let y = atLevel(level) {
        var y = x
        mk_rope(&y, c, s, heads, head)
        return y
      }
      for h in 0..<heads {
        for i in 0..<head / 2 {
          let a = x[h * head + i], b = x[h * head + head / 2 + i]
          #expect(y[h * head + i] == a * c[i] - b * s[i] && y[h * head + head / 2 + i] == b * c[i] + a * s[i])
        }
      }
    }
  }

  @Test func addsAndScales() async {
    var random = Random(9)
    let x = random.floats(37), y = random.floats(37)
    for level in levels {
      let (sum, scaled) = atLevel(level) {
        var sum = y, scaled = y
        mk_add(&sum, x, 37)
        mk_add_scaled(&scaled, 0.3, x, 37)
        return (sum, scaled)
      }
      #expect(sum == zip(x, y).map(+) && scaled == zip(x, y).map { $1.addingProduct(0.3, $0) })
    }
  }

  @Test func logSumExpAndArgMax() async {
    var random = Random(4)
    let x = random.floats(1003, -30...30)
    let expected = log(x.reduce(0) { $0 + exp(Double($1)) })
    for level in levels {
      let value = atLevel(level) { mk_log_sum_exp(x, x.count) }
      #expect(abs(Double(value) - expected) < 4e-6)
    }
    #expect(mk_arg_max([1, 3, 3, 2] as [Float], 4) == 1)
    #expect(mk_arg_max([.nan, -1, .nan] as [Float], 3) == 1)
    #expect(mk_log_sum_exp([-.infinity, -.infinity] as [Float], 2) == -.infinity)
    #expect(mk_log_sum_exp([.infinity, 1] as [Float], 2) == .infinity)
    #expect(mk_log_sum_exp([.nan, 1] as [Float], 2).isNaN)
    #expect(mk_log_sum_exp([1000, 1000] as [Float], 2) == 1000 + Float(log(2.0)))
  }
}
