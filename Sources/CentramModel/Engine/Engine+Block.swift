internal import CModelKernels

extension Engine {
  /// Norm, then queries, keys and values of each row, one after the other in `projected`, turned by their positions.
  func attentionInputs(_ weights: LayerWeights, layer: Int, rows: Int) {
    let width = size.projectedWidth
    normalize(weights.attentionNorm, scratch.residual, rows: rows)
    let (queries, keys) = (scratch.projected, scratch.projected + size.queryWidth)
    if let fused = weights.queryKeyValue {
      project(Product(linear: .queryKeyValue, weights: fused, y: queries), layer: layer, scratch.normed, rows: rows, stride: width)
    } else {
      project(
        Product(linear: .query, weights: weights.query!, y: queries), Product(linear: .key, weights: weights.key!, y: keys),
        Product(linear: .value, weights: weights.value!, y: keys + size.keyValueWidth), layer: layer, scratch.normed, rows: rows, stride: width)
    }
    guard let rotary else { return }
    for span in spans {
      for index in 0..<span.count {
        let row = scratch.projected + (span.row + index) * width
        let (cosines, sines) = (rotary.cosines(at: span.position + index), rotary.sines(at: span.position + index))
        // Queries and keys lie side by side, so their heads are turned together.
        mk_rope(row, cosines, sines, size.heads + size.keyValueHeads, size.headSize)
      }
    }
  }

  /// Appends the rows' keys and values to their sessions' caches.
  func store(layer: Int) {
    let (width, keyWidth) = (size.projectedWidth, size.keyValueWidth)
    for span in spans {
      let (keys, values) = (span.cache.keys(layer) + span.position * keyWidth, span.cache.values(layer) + span.position * keyWidth)
      for index in 0..<span.count {
        let row = scratch.projected + (span.row + index) * width + size.queryWidth
        (keys + index * keyWidth).update(from: row, count: keyWidth)
        (values + index * keyWidth).update(from: row + keyWidth, count: keyWidth)
      }
      span.cache.setLength(span.position + span.count, layer)
    }
  }

  /// Attention of all rows, each over its own prefix.
  func attend(layer: Int) {
    var count = 0
    for span in spans {
      for index in 0..<span.count {
        placeQuery(span, index, layer: layer, at: count)
        count += 1
      }
    }
    attend(rows: count)
  }

  /// Attention of the selected rows only, which become the rows of the chunk.
  func attendSelected(layer: Int) {
    let hidden = size.hidden
    var (span, group) = (0, 0)
    for (place, row) in selected.enumerated() {
      while row >= spans[span].row + spans[span].count { span += 1 }
      placeQuery(spans[span], row - spans[span].row, layer: layer, at: place)
      if place != row { (scratch.residual + place * hidden).update(from: scratch.residual + row * hidden, count: hidden) }
    }
    // The adapters' rows move along.
    var (place, kept) = (0, 0)
    while group < adapted.count {
      let rows = adapted[group].rows
      while place < selected.count, selected[place] < rows.lowerBound { place += 1 }
      let start = place
      while place < selected.count, selected[place] < rows.upperBound { place += 1 }
      if place > start {
        adapted[kept] = AdaptedRows(adapters: adapted[group].adapters, rows: start..<place)
        kept += 1
      }
      group += 1
    }
    adapted.removeLast(adapted.count - kept)
    attend(rows: selected.count)
  }

  private func placeQuery(_ span: Span, _ index: Int, layer: Int, at place: Int) {
    scratch.attention[place] = mk_attention_row(
      query: scratch.projected + (span.row + index) * size.projectedWidth, out: scratch.mixed + place * size.queryWidth,
      keys: span.cache.keys(layer), values: span.cache.values(layer), length: span.position + index + 1)
  }

  private func attend(rows: Int) {
    mk_attention(
      pool, scratch.attention.baseAddress, rows, size.heads, size.keyValueHeads, size.headSize, size.keyValueWidth)
  }

  /// The rest of a block: attention's output, and the feed-forward part.
  func feedForward(_ weights: LayerWeights, layer: Int, rows: Int) {
    let (hidden, intermediate) = (size.hidden, size.intermediate)
    project(Product(linear: .output, weights: weights.output!, y: scratch.delta), layer: layer, scratch.mixed, rows: rows, stride: hidden)
    mk_add(scratch.residual, scratch.delta, rows * hidden)
    normalize(weights.feedForwardNorm, scratch.residual, rows: rows)
    let up = Product(linear: .up, weights: weights.up!, y: scratch.up)
    if let gate = weights.gate {
      project(Product(linear: .gate, weights: gate, y: scratch.gate), up, layer: layer, scratch.normed, rows: rows, stride: intermediate)
      mk_swiglu(pool, scratch.gate, scratch.up, scratch.gate, rows * intermediate)
    } else {
      project(up, layer: layer, scratch.normed, rows: rows, stride: intermediate)
      mk_gelu(pool, scratch.gate, rows * intermediate)
    }
    project(Product(linear: .down, weights: weights.down!, y: scratch.delta), layer: layer, scratch.gate, rows: rows, stride: hidden)
    mk_add(scratch.residual, scratch.delta, rows * hidden)
  }

  /// Into `normed`.
  func normalize(_ weights: NormWeights, _ rows: UnsafePointer<Float>, rows count: Int) {
    let (hidden, epsilon) = (size.hidden, size.normEpsilon)
    switch size.norm {
    case .rms: mk_rms_norm(pool, rows, hidden, weights.weight, epsilon, scratch.normed, hidden, count, hidden)
    case .layer: mk_layer_norm(pool, rows, hidden, weights.weight, weights.bias, epsilon, scratch.normed, hidden, count, hidden)
    }
  }
}
