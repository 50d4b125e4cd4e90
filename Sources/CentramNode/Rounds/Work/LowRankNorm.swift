internal import CentramModel

/// ‖B·A‖ without the product: ‖B·A‖² is the sum of the elements of (BᵀB) ∘ (AAᵀ).
enum LowRankNorm {
  /// Squared Frobenius norm of B·A in float64, in a fixed order.
  /// - Parameters:
  ///   - a: rank × inputs.
  ///   - b: outputs × rank.
  ///   - scales: of each of the `rank` terms.
  static func squared(a: [Float], b: [Float], rank: Int, inputs: Int, outputs: Int, scales: [Double]) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var sum = 0.0
        for i in 0..<rank where scales[i] != 0 {
          for j in 0...i where scales[j] != 0 {
            var left = 0.0, right = 0.0
            for k in 0..<inputs { right += Double(a[i * inputs + k]) * Double(a[j * inputs + k]) }
            for k in 0..<outputs { left += Double(b[k * rank + i]) * Double(b[k * rank + j]) }
            sum += (i == j ? 1 : 2) * scales[i] * scales[j] * left * right
          }
        }
        return max(0, sum)
      }
    }
  }

  /// Frobenius norm of an adapter's whole change.
  /// - Throws: `.update` where a factor is not finite.
  static func of(_ adapter: Adapter) throws(RoundError) -> Double {
    var sum = 0.0
    do throws(ModelFileError) {
      for module in adapter.modules {
        let (a, b) = try adapter.factors(of: module)
        sum += squared(a: a, b: b, rank: module.rank, inputs: module.inputs, outputs: module.outputs, scales: Array(repeating: module.scale, count: module.rank))
      }
    } catch { throw RoundError(.update, error.message) }
    return sum.squareRoot()
  }
}
