internal import CModelKernels

extension TrainingWorker {
  /// From the gradient of the final norm's output, in `buffers.normed`, down to the lowest block that something is trained in.
  func backward(_ slice: Slice, _ buffers: TrainingBuffers, _ gradients: UnsafeMutablePointer<Float>) -> Bool {
    let (rows, hidden, dx) = (slice.rows, configuration.hidden, buffers.stream.base)
    dx.update(repeating: 0, count: rows * hidden)
    normBackward(model.finalNorm, dy: buffers.normed.base, buffers.stream(model.blocks.count), buffers.finalStatistics.base, dx, rows, gradients)
    let count = Rows(count: rows, first: slice.firstRow, pass: slice.pass, drops: true)
    for block in model.blocks.indices.reversed() where block >= model.firstTrainedBlock {
      if !buffers.holds(block) {
        guard forward(block, slice, count, buffers, to: nil) else { return false }
      }
      guard backward(block, slice, count, buffers, gradients) else { return false }
    }
    guard model.trainsEmbeddings else { return true }
    if let offset = model.embedding.weightGradient { mt_scatter(context, gradients + offset, slice.inputs, dx, rows, hidden) }
    if let offset = model.positions?.weightGradient { positionIDs(slice) { mt_scatter(context, gradients + offset, $0, dx, rows, hidden) } }
    return true
  }

  /// One block: `buffers.stream` holds the gradient of its output, then that of its input.
  private func backward(_ block: Int, _ slice: Slice, _ rows: Rows, _ buffers: TrainingBuffers, _ gradients: UnsafeMutablePointer<Float>) -> Bool {
    let (weights, kept, dx) = (model.blocks[block], buffers.activations(block), buffers.stream.base)
    let hidden = configuration.hidden
    var number = kept.reduced.count - 1
    let dactivated = buffers.activated.base
    backward(weights.down, rows, dy: dx, ldy: hidden, x: kept.activated, dx: dactivated, reduced: kept.reduced[number], gradients)
    let (dexpanded, width): (UnsafeMutablePointer<Float>, Int)
    switch configuration.family.feedForward {
    case .gated:
      mt_swiglu_backward(context, kept.expanded, dactivated, buffers.expanded.base, rows.count, configuration.intermediate)
      (dexpanded, width) = (buffers.expanded.base, 2 * configuration.intermediate)
    case .plain:
      mt_multiply_by(context, kept.expanded, dactivated, rows.count * configuration.intermediate)
      (dexpanded, width) = (dactivated, configuration.intermediate)
    }
    number -= weights.expansions.count
    backward(weights.expansions, rows, dy: dexpanded, ldy: width, x: kept.feedNormed, dx: buffers.normed.base, kept.reduced[number...], gradients)
    normBackward(weights.feedForwardNorm, dy: buffers.normed.base, kept.middle, kept.feedStatistics, dx, rows.count, gradients)
    number -= 1
    backward(weights.output, rows, dy: dx, ldy: hidden, x: kept.attended, dx: buffers.normed.base, reduced: kept.reduced[number], gradients)
    var attention = attention(kept, slice)
    attention.dout = UnsafePointer(buffers.normed.base)
    attention.dquery = buffers.projected.base
    attention.dkey = buffers.projected.base + configuration.queryWidth
    attention.dvalue = buffers.projected.base + configuration.queryWidth + configuration.keyValueWidth
    guard mt_attend_backward(context, &attention) != 0 else { return false }
    rotate(buffers.projected.base, slice, backward: true)
    let needed = block > model.firstTrainedBlock || model.trainsEmbeddings
    backward(
      weights.projections, rows, dy: buffers.projected.base, ldy: configuration.projectedWidth, x: kept.normed, dx: needed ? buffers.normed.base : nil,
      kept.reduced[...], gradients)
    if needed { normBackward(weights.attentionNorm, dy: buffers.normed.base, buffers.stream(block), kept.statistics, dx, rows.count, gradients) }
    return true
  }

  /// Matrices that share an input; their outputs lie side by side.
  private func backward(
    _ linears: [TrainingLinear], _ rows: Rows, dy: UnsafePointer<Float>, ldy: Int, x: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>?,
    _ reduced: ArraySlice<UnsafeMutablePointer<Float>?>, _ gradients: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    for (number, linear) in linears.enumerated() {
      backward(
        linear, rows, dy: dy + column, ldy: ldy, x: x, dx: dx, accumulate: number > 0, reduced: reduced[reduced.startIndex + number], gradients)
      column += linear.outputs
    }
  }

  private func normBackward(
    _ norm: TrainingNorm, dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ statistics: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ rows: Int,
    _ gradients: UnsafeMutablePointer<Float>
  ) {
    let hidden = configuration.hidden
    if let offset = norm.weightGradient {
      mt_norm_gradients(context, dy, x, statistics, gradients + offset, norm.biasGradient.map { gradients + $0 }, rows, hidden)
    }
    mt_norm_backward(context, isLayerNorm, dy, x, norm.weight, statistics, dx, rows, hidden)
  }
}
