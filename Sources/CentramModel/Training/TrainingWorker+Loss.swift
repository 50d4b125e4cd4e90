internal import CModelKernels

extension TrainingWorker {
  /// Cross entropy of the rows that count, some rows' logits at a time, and the gradient of the final norm's output in `buffers.normed`.
  func headLosses(_ slice: Slice, _ buffers: TrainingBuffers, losses: UnsafeMutablePointer<Double>, gradients: UnsafeMutablePointer<Float>?) {
    let (hidden, head) = (configuration.hidden, model.head)
    gather(slice, buffers)
    let count = buffers.countedRows.count
    for start in stride(from: 0, to: count, by: buffers.logitRows) {
      let rows = min(buffers.logitRows, count - start)
      let (x, logits) = (buffers.counted.base + start * hidden, buffers.logits.base)
      var product = mt_gemm()
      (product.m, product.n, product.k) = (rows, head.outputs, hidden)
      (product.a, product.lda) = (UnsafePointer(x), hidden)
      (product.b_format, product.b, product.b_row_bytes, product.b_transposed) = (head.format.kernel, head.weight, head.rowBytes, 1)
      (product.c, product.ldc) = (logits, head.outputs)
      mt_multiply(context, &product)
      buffers.countedLosses.withUnsafeMutableBufferPointer { found in
        buffers.countedTargets.withUnsafeBufferPointer { targets in
          buffers.countedScales.withUnsafeBufferPointer { scales in
            mt_cross_entropy(
              context, logits, rows, head.outputs, targets.baseAddress! + start, found.baseAddress! + start, gradients == nil ? nil : scales.baseAddress! + start)
          }
        }
      }
      guard let gradients else { continue }
      if let offset = head.weightGradient {
        var weight = floats(head.outputs, hidden, rows, logits, head.outputs, x, hidden, gradients + offset, hidden)
        (weight.a_transposed, weight.accumulate) = (1, 1)
        mt_multiply(context, &weight)
      }
      (product.m, product.n, product.k) = (rows, hidden, head.outputs)
      (product.a, product.lda, product.b_transposed) = (UnsafePointer(logits), head.outputs, 0)
      (product.c, product.ldc) = (buffers.countedGradient.base + start * hidden, hidden)
      mt_multiply(context, &product)
    }
    losses.update(repeating: 0, count: slice.rows)
    for (place, row) in buffers.countedRows.enumerated() { losses[row] = buffers.countedLosses[place] }
    if gradients != nil { spread(slice, buffers) }
  }

  /// Puts the hidden states of the rows that count one after the other.
  private func gather(_ slice: Slice, _ buffers: TrainingBuffers) {
    let hidden = configuration.hidden
    buffers.countedRows.removeAll(keepingCapacity: true)
    buffers.countedTargets.removeAll(keepingCapacity: true)
    buffers.countedScales.removeAll(keepingCapacity: true)
    for row in 0..<slice.rows where slice.targets[row] != TrainingEngine.ignored {
      (buffers.counted.base + buffers.countedRows.count * hidden).update(from: buffers.finalNormed.base + row * hidden, count: hidden)
      buffers.countedRows.append(row)
      buffers.countedTargets.append(slice.targets[row])
      buffers.countedScales.append(slice.scales[row])
    }
    buffers.countedLosses = [Double](repeating: 0, count: buffers.countedRows.count)
  }

  private func spread(_ slice: Slice, _ buffers: TrainingBuffers) {
    let hidden = configuration.hidden
    var next = 0
    for row in 0..<slice.rows {
      let target = buffers.normed.base + row * hidden
      if next < buffers.countedRows.count, buffers.countedRows[next] == row {
        target.update(from: buffers.countedGradient.base + next * hidden, count: hidden)
        next += 1
      } else {
        target.update(repeating: 0, count: hidden)
      }
    }
  }
}
