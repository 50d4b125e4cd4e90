import CModelKernels
import Foundation
import Testing

@Suite struct AttentionTests {
  struct Case: Sendable, CustomStringConvertible {
    var heads: Int, shared: Int, head: Int, lengths: [Int]
    var description: String { "\(heads)/\(shared) heads of \(head), \(lengths.count) rows" }
  }
  static let cases: [Case] = [
    Case(heads: 4, shared: 4, head: 32, lengths: [1, 2, 15, 16, 17, 40]), Case(heads: 6, shared: 2, head: 64, lengths: Array(30...41)),
    Case(heads: 2, shared: 1, head: 8, lengths: [1, 3, 33]), Case(heads: 3, shared: 3, head: 20, lengths: [5, 64]),
    Case(heads: 14, shared: 2, head: 64, lengths: [70]), Case(heads: 2, shared: 2, head: 128, lengths: Array(1...9)),
  ]

  struct Input: Sendable {
    var queries: [Float], keys: [Float], values: [Float]
  }

  static func input(_ c: Case) -> (Input, stride: Int) {
    var random = Random(5)
    let stride = c.shared * c.head + 3, longest = c.lengths.max()!
    return (
      Input(queries: random.floats(c.lengths.count * c.heads * c.head, -3...3), keys: random.floats(longest * stride, -3...3), values: random.floats(longest * stride)),
      stride
    )
  }

  static func run(_ pool: Pool?, _ c: Case, _ input: Input, stride: Int, only: Int? = nil) -> [Float] {
    let width = c.heads * c.head
    var out = [Float](repeating: .nan, count: c.lengths.count * width)
    input.queries.withUnsafeBufferPointer { q in
      input.keys.withUnsafeBufferPointer { k in
        input.values.withUnsafeBufferPointer { v in
          out.withUnsafeMutableBufferPointer { out in
            let rows = c.lengths.indices.filter { only == nil || only == $0 }.map {
              mk_attention_row(query: q.baseAddress! + $0 * width, out: out.baseAddress! + $0 * width, keys: k.baseAddress!, values: v.baseAddress!, length: c.lengths[$0])
            }
            mk_attention(pool?.handle, rows, rows.count, c.heads, c.shared, c.head, stride)
          }
        }
      }
    }
    return out
  }

  @Test(arguments: cases) func agreesWithDoublePrecision(c: Case) {
    let (input, stride) = Self.input(c), width = c.heads * c.head
    let out = Self.run(nil, c, input, stride: stride)
    for (r, length) in c.lengths.enumerated() {
      for h in 0..<c.heads {
        let at = h / (c.heads / c.shared) * c.head, q = input.queries[r * width + h * c.head..<r * width + (h + 1) * c.head].map(Double.init)
        let scores = (0..<length).map { t in (0..<c.head).reduce(0) { $0 + q[$1] * Double(input.keys[t * stride + at + $1]) } / Double(c.head).squareRoot() }
        let weights = scores.map { exp($0 - scores.max()!) }, sum = weights.reduce(0, +)
        for i in 0..<c.head {
          let expected = (0..<length).reduce(0) { $0 + weights[$1] * Double(input.values[$1 * stride + at + i]) } / sum
          #expect(abs(Double(out[r * width + h * c.head + i]) - expected) < 3e-6)
        }
      }
    }
  }

  @Test(arguments: cases) func doesNotDependOnLevelThreadsOrNeighbours(c: Case) async {
    let (input, stride) = Self.input(c), width = c.heads * c.head
    let expected = atLevel(levels[0]) { Self.run(nil, c, input, stride: stride) }
    for level in levels {
      for pool in [nil] + MatmulTests.pools {
        let out = atLevel(level) { Self.run(pool, c, input, stride: stride) }
        #expect(bits(out) == bits(expected), "level \(level), \(difference(out, expected))")
      }
    }
    for r in c.lengths.indices {
      let alone = Self.run(nil, c, input, stride: stride, only: r)
      #expect(bits(Array(alone[r * width..<(r + 1) * width])) == bits(Array(expected[r * width..<(r + 1) * width])))
    }
  }

  /// The sums as the header defines them.
  @Test func addsInTheOrderThatTheHeaderNames() {
    let c = Case(heads: 1, shared: 1, head: 20, lengths: [37]), (input, stride) = Self.input(c)
    let scale = 1 / Float(20).squareRoot()
    let scores = (0..<37).map { Reference.dot(Array(input.queries[..<20]), input.keys[$0 * stride..<$0 * stride + 20]) * scale }
    let largest = scores.max()!
    var weights = scores.map { $0 - largest }
    mk_exp(weights, &weights, 37)
    var lanes = [Float](repeating: 0, count: 16)
    for (t, e) in weights.enumerated() { lanes[t % 16] += e }
    for width in [8, 4, 2, 1] { for j in 0..<width { lanes[j] += lanes[j + width] } }
    let expected = (0..<20).map { i -> Float in
      var a: Float = 0
      for t in 0..<37 { a.addProduct(weights[t], input.values[t * stride + i]) }
      return a * (1 / lanes[0])
    }
    #expect(bits(Self.run(nil, c, input, stride: stride)) == bits(expected))
  }

  @Test func carriesNaNIntoItsHeadOnly() {
    let c = Case(heads: 2, shared: 2, head: 16, lengths: [9])
    var (input, stride) = Self.input(c)
    input.keys[4 * stride + 3] = .nan
    let out = Self.run(nil, c, input, stride: stride)
    #expect(out[..<16].allSatisfy(\.isNaN) && out[16...].allSatisfy(\.isFinite))
  }
}
