internal import CModelKernels

extension Engine {
  /// Starts a chunk of at most `rows` rows.
  func begin(rows: Int) {
    scratch.reserve(rows: rows, limit: chunkSize)
    spans.removeAll(keepingCapacity: true)
    adapted.removeAll(keepingCapacity: true)
    selected.removeAll(keepingCapacity: true)
  }

  func place(_ span: Span, adapters: [AppliedAdapter]) {
    spans.append(span)
    rotary?.reserve(span.position + span.count)
    guard !adapters.isEmpty else { return }
    if let last = adapted.indices.last, adapted[last].rows.upperBound == span.row, adapted[last].adapters == adapters {
      adapted[last].rows = adapted[last].rows.lowerBound..<span.row + span.count
    } else {
      adapted.append(AdaptedRows(adapters: adapters, rows: span.row..<span.row + span.count))
    }
  }

  func embed(_ token: Int32, position: Int, row: Int) {
    let hidden = size.hidden
    let target = scratch.residual + row * hidden
    model.embedding!.dequantize(row: Int(token), into: target)
    if let positions = model.positionEmbedding {
      let place = scratch.normed + row * hidden
      positions.dequantize(row: position, into: place)
      mk_add(target, place, hidden)
    }
  }

  /// Runs the placed rows through blocks.
  /// - Parameter keepingOnlySelected: leave out of the last block what serves only rows that are not `selected`.
  /// - Returns: the rows that are left in the residual stream.
  func forward(_ layers: Range<Int>, rows: Int, keepingOnlySelected: Bool) -> Int {
    var left = rows
    for layer in layers {
      let weights = model[layer]
      attentionInputs(weights, layer: layer, rows: rows)
      store(layer: layer)
      if keepingOnlySelected, layer == layers.upperBound - 1, selected.count < rows {
        left = selected.count
        if left == 0 { break }
        attendSelected(layer: layer)
      } else {
        attend(layer: layer)
      }
      feedForward(weights, layer: layer, rows: left)
    }
    return left
  }

  /// Logits of rows of the residual stream.
  func head(rows: Range<Int>, into logits: UnsafeMutablePointer<Float>) {
    guard !rows.isEmpty else { return }
    let (hidden, vocabulary, head) = (size.hidden, size.vocabulary, model.head!)
    normalize(model.finalNorm!, scratch.residual + rows.lowerBound * hidden, rows: rows.count)
    project(Product(linear: nil, weights: head, y: logits), layer: 0, scratch.normed, rows: rows.count, stride: vocabulary)
  }
}

extension LinearWeights {
  func dequantize(row: Int, into floats: UnsafeMutablePointer<Float>) {
    mk_dequantize(format.kernel, weight + row * mk_row_bytes(format.kernel, inputs), floats, inputs)
  }
}
