internal import CModelKernels

extension Engine {
  /// A matrix of a block, and where the first row of its products goes.
  struct Product {
    /// Nil for the head, which has no side paths.
    let linear: ModelFamily.Linear?
    let weights: LinearWeights
    let y: UnsafeMutablePointer<Float>
  }

  /// Products of up to three matrices that read the same rows, and the side paths of the rows' adapters. The threads meet once
  /// for all of them.
  /// - Parameters:
  ///   - x: rows that lie one after the other.
  ///   - stride: floats from one row of products to the next.
  func project(
    _ first: Product, _ second: Product? = nil, _ third: Product? = nil, layer: Int, _ x: UnsafePointer<Float>, rows: Int, stride: Int
  ) {
    let inputs = first.weights.inputs
    let (rounded, exact) = (scratch.group, scratch.group + Int(MK_GROUP))
    var (roundedCount, exactCount) = (0, 0)
    func add(_ product: Product) {
      let matrix = mk_matrix(format: product.weights.format.kernel, w: product.weights.weight, n: product.weights.outputs, bias: product.weights.bias, y: product.y)
      if profile == .int8, product.weights.hasInt8 {
        rounded[roundedCount] = matrix
        roundedCount += 1
      } else {
        exact[exactCount] = matrix
        exactCount += 1
      }
    }
    add(first)
    if let second { add(second) }
    if let third { add(third) }
    if roundedCount > 0 {
      mk_quantize_activations(pool, x, inputs, rows, inputs, scratch.activations)
      mk_matmul_int8_group(pool, rounded, roundedCount, inputs, scratch.activations, rows, stride)
    }
    if exactCount > 0 { mk_matmul_group(pool, exact, exactCount, inputs, x, inputs, rows, stride) }
    guard !adapted.isEmpty else { return }
    addSidePaths(first, layer: layer, x, stride: stride)
    if let second { addSidePaths(second, layer: layer, x, stride: stride) }
    if let third { addSidePaths(third, layer: layer, x, stride: stride) }
  }

  /// y += scale · B (A x), adapter after adapter in the order given, each rounded as it is added.
  private func addSidePaths(_ product: Product, layer: Int, _ x: UnsafePointer<Float>, stride: Int) {
    guard let linear = product.linear else { return }
    let inputs = product.weights.inputs
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
          mk_add_scaled(product.y + (rows.lowerBound + row) * stride, scale, outer + row * factors.outputs, factors.outputs)
        }
      }
    }
  }
}
