internal import CModelKernels

extension TrainingWorker {
  /// From tokens to the final norm's output, `finalNormed`.
  func forward(_ slice: Slice, _ buffers: TrainingBuffers, drops: Bool) -> Bool {
    let (rows, hidden) = (slice.rows, configuration.hidden)
    let embedding = model.embedding
    mt_gather(context, embedding.format.kernel, embedding.weight, slice.inputs, buffers.stream(0), rows, hidden, 0)
    if let positions = model.positions {
      positionIDs(slice) { mt_gather(context, positions.format.kernel, positions.weight, $0, buffers.stream(0), rows, hidden, 1) }
    }
    let count = Rows(count: rows, first: slice.firstRow, pass: slice.pass, drops: drops)
    for block in model.blocks.indices {
      guard forward(block, slice, count, buffers, to: buffers.stream(block + 1)) else { return false }
    }
    norm(model.finalNorm, buffers.stream(model.blocks.count), buffers.finalNormed.base, buffers.finalStatistics.base, rows)
    return true
  }

  /// One block; its output goes to `next`, nil where only its activations are wanted.
  func forward(_ block: Int, _ slice: Slice, _ rows: Rows, _ buffers: TrainingBuffers, to next: UnsafeMutablePointer<Float>?) -> Bool {
    let (weights, x, kept) = (model.blocks[block], buffers.stream(block), buffers.activations(block))
    buffers.wrote(block)
    norm(weights.attentionNorm, x, kept.normed, kept.statistics, rows.count)
    var (column, number) = (0, 0)
    for projection in weights.projections {
      forward(projection, rows, kept.normed, kept.projected + column, ldy: configuration.projectedWidth, reduced: kept.reduced[number])
      column += projection.outputs
      number += 1
    }
    rotate(kept.projected, slice, backward: false)
    var attention = attention(kept, slice)
    guard mt_attend(context, &attention) != 0 else { return false }
    forward(weights.output, rows, kept.attended, kept.middle, ldy: configuration.hidden, add: x, reduced: kept.reduced[number])
    number += 1
    norm(weights.feedForwardNorm, kept.middle, kept.feedNormed, kept.feedStatistics, rows.count)
    column = 0
    for expansion in weights.expansions {
      forward(expansion, rows, kept.feedNormed, kept.expanded + column, ldy: configuration.expandedWidth, reduced: kept.reduced[number])
      column += expansion.outputs
      number += 1
    }
    switch configuration.family.feedForward {
    case .gated: mt_swiglu(context, kept.expanded, kept.activated, rows.count, configuration.intermediate)
    case .plain: mt_gelu(context, kept.expanded, kept.activated, rows.count * configuration.intermediate)
    }
    // The factors' inputs are needed again, what they made of the last matrix is not: without `next` nothing but `reduced` would be new.
    let down = weights.down
    if let next {
      forward(down, rows, kept.activated, next, ldy: configuration.hidden, add: kept.middle, reduced: kept.reduced[number])
    } else if let factors = down.factors, let reduced = kept.reduced[number] {
      reduce(factors, down, rows, kept.activated, reduced)
    }
    return true
  }

  func norm(_ norm: TrainingNorm, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ statistics: UnsafeMutablePointer<Float>, _ rows: Int) {
    mt_norm(context, isLayerNorm, x, norm.weight, norm.bias, configuration.normEpsilon, y, statistics, rows, configuration.hidden)
  }

  var isLayerNorm: Int32 { configuration.family.norm == .layer ? 1 : 0 }

  func rotate(_ x: UnsafeMutablePointer<Float>, _ slice: Slice, backward: Bool) {
    guard let rotary else { return }
    mt_rotate(
      context, x, configuration.projectedWidth, slice.rows, slice.length, configuration.heads + configuration.keyValueHeads, configuration.headSize,
      rotary.cosines(at: 0), rotary.sines(at: 0), backward ? 1 : 0)
  }

  func attention(_ kept: LayerActivations, _ slice: Slice) -> mt_attention {
    var attention = mt_attention()
    (attention.batch, attention.length) = (slice.examples, slice.length)
    (attention.heads, attention.kv_heads, attention.head) = (configuration.heads, configuration.keyValueHeads, configuration.headSize)
    attention.query = UnsafePointer(kept.projected)
    attention.key = UnsafePointer(kept.projected + configuration.queryWidth)
    attention.value = UnsafePointer(kept.projected + configuration.queryWidth + configuration.keyValueWidth)
    (attention.ld, attention.out, attention.ldo) = (configuration.projectedWidth, kept.attended, configuration.queryWidth)
    attention.statistics = kept.attentionStatistics
    return attention
  }

  func positionIDs(_ slice: Slice, _ body: (UnsafePointer<Int32>) -> Void) {
    let ids = (0..<slice.rows).map { Int32($0 % slice.length) }
    ids.withUnsafeBufferPointer { if let base = $0.baseAddress { body(base) } }
  }
}
