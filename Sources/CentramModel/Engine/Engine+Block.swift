internal import CModelKernels

extension Engine {
  /// Norm, then queries, keys and values of each row, one after the other in `projected`, turned by their positions.
  func attentionInputs(_ weights: LayerWeights, layer: Int, rows: Int) {
    let configuration = model.configuration
    let (hidden, width) = (configuration.hidden, scratch.projectedWidth)
    normalize(weights.attentionNorm, scratch.residual, rows: rows)
    if let fused = weights.queryKeyValue {
      project(fused, .queryKeyValue, layer: layer, scratch.normed, rows: rows, into: scratch.projected, stride: width)
    } else {
      let (keys, values) = (scratch.projected + configuration.queryWidth, scratch.projected + configuration.queryWidth + configuration.keyValueWidth)
      prepare(scratch.normed, stride: hidden, width: hidden, rows: rows, hasInt8: weights.query!.hasInt8 || weights.key!.hasInt8 || weights.value!.hasInt8)
      project(weights.query!, .query, layer: layer, scratch.normed, rows: rows, into: scratch.projected, stride: width, isPrepared: true)
      project(weights.key!, .key, layer: layer, scratch.normed, rows: rows, into: keys, stride: width, isPrepared: true)
      project(weights.value!, .value, layer: layer, scratch.normed, rows: rows, into: values, stride: width, isPrepared: true)
    }
    guard let rotary else { return }
    for span in spans {
      for index in 0..<span.count {
        let row = scratch.projected + (span.row + index) * width
        let (cosines, sines) = (rotary.cosines(at: span.position + index), rotary.sines(at: span.position + index))
        // Queries and keys lie side by side, so their heads are turned together.
        mk_rope(row, cosines, sines, configuration.heads + configuration.keyValueHeads, configuration.headSize)
      }
    }
  }

  /// Appends the rows' keys and values to their sessions' caches.
  func store(layer: Int) {
    let configuration = model.configuration
    let (width, keyWidth) = (scratch.projectedWidth, configuration.keyValueWidth)
    for span in spans {
      let (keys, values) = (span.cache.keys(layer) + span.position * keyWidth, span.cache.values(layer) + span.position * keyWidth)
      for index in 0..<span.count {
        let row = scratch.projected + (span.row + index) * width + configuration.queryWidth
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
    let hidden = model.configuration.hidden
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
      query: scratch.projected + (span.row + index) * scratch.projectedWidth, out: scratch.mixed + place * model.configuration.queryWidth,
      keys: span.cache.keys(layer), values: span.cache.values(layer), length: span.position + index + 1)
  }

  private func attend(rows: Int) {
    let configuration = model.configuration
    mk_attention(
      pool, scratch.attention.baseAddress, rows, configuration.heads, configuration.keyValueHeads, configuration.headSize, configuration.keyValueWidth)
  }

  /// The rest of a block: attention's output, and the feed-forward part.
  func feedForward(_ weights: LayerWeights, layer: Int, rows: Int) {
    let configuration = model.configuration
    let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
    project(weights.output!, .output, layer: layer, scratch.mixed, rows: rows, into: scratch.delta, stride: hidden)
    mk_add(scratch.residual, scratch.delta, rows * hidden)
    normalize(weights.feedForwardNorm, scratch.residual, rows: rows)
    if let gate = weights.gate {
      prepare(scratch.normed, stride: hidden, width: hidden, rows: rows, hasInt8: gate.hasInt8 || weights.up!.hasInt8)
      project(gate, .gate, layer: layer, scratch.normed, rows: rows, into: scratch.gate, stride: intermediate, isPrepared: true)
      project(weights.up!, .up, layer: layer, scratch.normed, rows: rows, into: scratch.up, stride: intermediate, isPrepared: true)
      mk_swiglu(pool, scratch.gate, scratch.up, scratch.gate, rows * intermediate)
    } else {
      project(weights.up!, .up, layer: layer, scratch.normed, rows: rows, into: scratch.gate, stride: intermediate)
      mk_gelu(pool, scratch.gate, rows * intermediate)
    }
    project(weights.down!, .down, layer: layer, scratch.gate, rows: rows, into: scratch.delta, stride: hidden)
    mk_add(scratch.residual, scratch.delta, rows * hidden)
  }

  /// Into `normed`.
  func normalize(_ weights: NormWeights, _ rows: UnsafePointer<Float>, rows count: Int) {
    let (hidden, epsilon) = (model.configuration.hidden, model.configuration.normEpsilon)
    switch model.configuration.family.norm {
    case .rms: mk_rms_norm(pool, rows, hidden, weights.weight, epsilon, scratch.normed, hidden, count, hidden)
    case .layer: mk_layer_norm(pool, rows, hidden, weights.weight, weights.bias, epsilon, scratch.normed, hidden, count, hidden)
    }
  }
}
