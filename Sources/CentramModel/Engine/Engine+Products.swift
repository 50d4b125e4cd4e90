internal import CModelKernels

extension Engine {
  /// A block's matrix and the side paths of its adapters. Rows of `x` lie one after the other.
  func project(
    _ weights: LinearWeights, _ linear: ModelFamily.Linear, layer: Int, _ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>,
    stride: Int, isPrepared: Bool = false
  ) {
    multiply(weights, x, stride: weights.inputs, rows: rows, into: y, stride: stride, isPrepared: isPrepared)
    if !adapted.isEmpty { addSidePaths(linear, layer: layer, x, inputs: weights.inputs, into: y, stride: stride) }
  }

  /// Rounds activations to 8 bits where the profile and a matrix that will read them ask for it.
  func prepare(_ x: UnsafePointer<Float>, stride: Int, width: Int, rows: Int, hasInt8: Bool) {
    guard profile == .int8, hasInt8 else { return }
    mk_quantize_activations(pool, x, stride, rows, width, scratch.activations)
  }

  /// y = weights · x + bias, for each row.
  /// - Parameter isPrepared: whether `prepare` has seen `x`.
  func multiply(
    _ weights: LinearWeights, _ x: UnsafePointer<Float>, stride: Int, rows: Int, into y: UnsafeMutablePointer<Float>, stride outputStride: Int,
    isPrepared: Bool = false
  ) {
    if profile == .int8, weights.hasInt8 {
      if !isPrepared { mk_quantize_activations(pool, x, stride, rows, weights.inputs, scratch.activations) }
      mk_matmul_int8(
        pool, weights.format.kernel, weights.weight, weights.outputs, weights.inputs, scratch.activations, rows, weights.bias, y, outputStride)
    } else {
      mk_matmul(
        pool, weights.format.kernel, weights.weight, weights.outputs, weights.inputs, x, stride, rows, weights.bias, y, outputStride)
    }
  }

  /// y += scale · B (A x), adapter after adapter in the order given, each rounded as it is added.
  private func addSidePaths(
    _ linear: ModelFamily.Linear, layer: Int, _ x: UnsafePointer<Float>, inputs: Int, into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for group in adapted {
      let rows = group.rows
      for adapter in group.adapters {
        guard let factors = adapter.weights.factors(linear, layer: layer) else { continue }
        let inner = sidePath.reserve(rows.count * (factors.paddedRank + factors.outputs))
        let outer = inner + rows.count * factors.paddedRank
        mk_matmul(
          pool, MK_F32, factors.a, factors.paddedRank, inputs, x + rows.lowerBound * inputs, inputs, rows.count, nil, inner, factors.paddedRank)
        mk_matmul(pool, MK_F32, factors.b, factors.outputs, factors.paddedRank, inner, factors.paddedRank, rows.count, nil, outer, factors.outputs)
        let scale = Float(factors.scale * Double(adapter.scale))
        for row in 0..<rows.count {
          mk_add_scaled(y + (rows.lowerBound + row) * stride, scale, outer + row * factors.outputs, factors.outputs)
        }
      }
    }
  }
}
