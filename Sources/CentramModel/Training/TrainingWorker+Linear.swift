internal import CModelKernels

extension TrainingWorker {
  /// Where rows of a slice stand, for dropout.
  struct Rows {
    let count: Int
    let first: Int
    let pass: UInt64
    /// Whether inputs of factors are dropped.
    let drops: Bool
  }

  /// y = x · weightᵀ (+ the factors' part) + bias (+ add). Rows of y and add are ldy apart.
  func forward(
    _ linear: TrainingLinear, _ rows: Rows, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, ldy: Int, add: UnsafePointer<Float>? = nil,
    reduced: UnsafeMutablePointer<Float>?
  ) {
    let factors = linear.factors
    var base = mt_gemm()
    (base.m, base.n, base.k) = (rows.count, linear.outputs, linear.inputs)
    (base.a, base.lda) = (x, linear.inputs)
    (base.b_format, base.b, base.b_row_bytes, base.b_transposed) = (linear.format.kernel, linear.weight, linear.rowBytes, 1)
    (base.c, base.ldc) = (y, ldy)
    if factors == nil { (base.bias, base.add, base.ldadd) = (linear.bias, add, ldy) }
    mt_multiply(context, &base)
    guard let factors, let reduced else { return }
    reduce(factors, linear, rows, x, reduced)
    var up = floats(rows.count, linear.outputs, factors.rank, reduced, factors.rank, factors.b, factors.rank, y, ldy)
    (up.b_transposed, up.accumulate) = (1, 1)
    (up.bias, up.add, up.ldadd) = (linear.bias, add, ldy)
    mt_multiply(context, &up)
  }

  /// reduced = scale · (dropped x) · Aᵀ
  func reduce(_ factors: LowRankFactors, _ linear: TrainingLinear, _ rows: Rows, _ x: UnsafePointer<Float>, _ reduced: UnsafeMutablePointer<Float>) {
    var source = x
    if rows.drops, let dropout = factors.dropout, let buffers {
      dropout.apply(x, buffers.dropped.base, pass: rows.pass, row: rows.first, rows: rows.count, columns: linear.inputs)
      source = UnsafePointer(buffers.dropped.base)
    }
    var down = floats(rows.count, factors.rank, linear.inputs, source, linear.inputs, factors.a, linear.inputs, reduced, factors.rank)
    down.b_transposed = 1
    mt_multiply(context, &down)
    mt_scale(context, reduced, factors.scale, rows.count * factors.rank)
  }

  /// Adds the gradients of weight, bias and factors, and gives that of x where dx is there: dx = dy · weight + …, or += with `accumulate`.
  func backward(
    _ linear: TrainingLinear, _ rows: Rows, dy: UnsafePointer<Float>, ldy: Int, x: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>?,
    accumulate: Bool = false, reduced: UnsafeMutablePointer<Float>?, _ gradients: UnsafeMutablePointer<Float>
  ) {
    if let dx {
      var base = mt_gemm()
      (base.m, base.n, base.k) = (rows.count, linear.inputs, linear.outputs)
      (base.a, base.lda) = (dy, ldy)
      (base.b_format, base.b, base.b_row_bytes) = (linear.format.kernel, linear.weight, linear.rowBytes)
      (base.c, base.ldc, base.accumulate) = (dx, linear.inputs, accumulate ? 1 : 0)
      mt_multiply(context, &base)
    }
    if let offset = linear.weightGradient {
      var weight = floats(linear.outputs, linear.inputs, rows.count, dy, ldy, x, linear.inputs, gradients + offset, linear.inputs)
      (weight.a_transposed, weight.accumulate) = (1, 1)
      mt_multiply(context, &weight)
    }
    if let offset = linear.biasGradient { mt_column_sums(context, dy, ldy, rows.count, linear.outputs, gradients + offset) }
    if let factors = linear.factors, let reduced { backward(factors, linear, rows, dy, ldy, x, dx, reduced, gradients) }
  }

  private func backward(
    _ factors: LowRankFactors, _ linear: TrainingLinear, _ rows: Rows, _ dy: UnsafePointer<Float>, _ ldy: Int, _ x: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>?, _ reduced: UnsafeMutablePointer<Float>, _ gradients: UnsafeMutablePointer<Float>
  ) {
    guard let buffers else { return }
    let (rank, count) = (factors.rank, rows.count)
    var b = floats(linear.outputs, rank, count, dy, ldy, reduced, rank, gradients + factors.bGradient, rank)
    (b.a_transposed, b.accumulate) = (1, 1)
    mt_multiply(context, &b)
    guard factors.aGradient != nil || dx != nil else { return }
    let dreduced = buffers.reduced.base
    var down = floats(count, rank, linear.outputs, dy, ldy, factors.b, rank, dreduced, rank)
    mt_multiply(context, &down)
    mt_scale(context, dreduced, factors.scale, count * rank)
    let dropout = rows.drops ? factors.dropout : nil
    if let offset = factors.aGradient {
      var source = x
      if let dropout {
        dropout.apply(x, buffers.dropped.base, pass: rows.pass, row: rows.first, rows: count, columns: linear.inputs)
        source = UnsafePointer(buffers.dropped.base)
      }
      var a = floats(rank, linear.inputs, count, dreduced, rank, source, linear.inputs, gradients + offset, linear.inputs)
      (a.a_transposed, a.accumulate) = (1, 1)
      mt_multiply(context, &a)
    }
    guard let dx else { return }
    var up = floats(count, linear.inputs, rank, dreduced, rank, factors.a, linear.inputs, dx, linear.inputs)
    guard let dropout else {
      up.accumulate = 1
      mt_multiply(context, &up)
      return
    }
    let dropped = buffers.dropped.base
    up.c = dropped
    mt_multiply(context, &up)
    dropout.apply(dropped, dropped, pass: rows.pass, row: rows.first, rows: count, columns: linear.inputs)
    mt_add_scaled(context, dx, 1, dropped, count * linear.inputs)
  }

  /// C (m × n) = A (m × k) · B (k × n), all float32; leading dimensions follow their matrices.
  func floats(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) -> mt_gemm {
    var product = mt_gemm()
    (product.m, product.n, product.k) = (m, n, k)
    (product.a, product.lda) = (a, lda)
    (product.b_format, product.b, product.b_row_bytes) = (MK_F32, UnsafeRawPointer(b), 4 * ldb)
    (product.c, product.ldc) = (c, ldc)
    return product
  }
}
