import CentramMergeSupport
import CentramPluginAPI
import CKernels

/// The elements whose variance over the models is greatest. Of equal ones the first are kept.
struct VarianceSelection {
  private let base: Int, inputs: [Int]
  /// nil: none.
  private let band: KeptBand?
  private let isAll: Bool

  /// - Parameter share: of the elements with a variance that is not 0; 1: keeps all elements.
  init(_ request: MergeRequest, base: Int, inputs: [Int], share: Double) throws(PluginError) {
    (self.base, self.inputs, isAll) = (base, inputs, share >= 1)
    guard share < 1 else {
      band = .all
      return
    }
    let varying = try request.foldStripes {
      0
    } _: { (count, _, block) throws(PluginError) in
      try withScratch(UInt32.self, pieceLength) { (keys) throws(PluginError) in
        try block.forEachPiece { (start, length) in
          block.withInputs(inputs, from: start) { ck_keys_of_variances($0, inputs.count, block.inputs[base] + start, keys, length) }
          count += length - ck_count_equal(keys, length, 0)
        }
      }
    }.reduce(0, +)
    let kept = Int(share * Double(varying))
    guard kept > 0 else {
      band = nil
      return
    }
    let found = try request.search([[request.count - kept]]) { (_, block, start, count, keys) in
      block.withInputs(inputs, from: start) { ck_keys_of_variances($0, inputs.count, block.inputs[base] + start, keys, count) }
    }
    band = .greatest(kept, of: request.count, found[0][0])
  }

  /// Σ dᵢ² over the selected elements, for each input.
  func energies(_ request: MergeRequest) throws(PluginError) -> [Double] {
    let cursor = cursor(request)
    let stripes = try request.foldStripes {
      inputs.map { _ in 0.0 }
    } _: { (sums, stripe, block) throws(PluginError) in
      try forEachPiece(cursor, stripe, block) { deltas, _, count in
        for index in inputs.indices { sums[index] += ck_dot(deltas[index], deltas[index], nil, count) }
      }
    }
    return inputs.indices.map { input in stripes.reduce(0) { $0 + $1[input] } }
  }

  func write(_ request: MergeRequest, weights: [Double]) throws(PluginError) {
    let (cursor, shares) = (cursor(request), weights.map(Float.init))
    try request.writeStripes { (stripe, block) throws(PluginError) in
      try forEachPiece(cursor, stripe, block) { deltas, start, count in
        ck_add_elected_mean(deltas, shares, inputs.count, block.inputs[base] + start, block.output + start, count)
      }
    }
  }

  private func cursor(_ request: MergeRequest) -> BandCursor? {
    band.map { BandCursor($0, stripes: max(1, request.driver.stripeCount(.any))) }
  }

  /// Calls `body` with the selected task vectors of each piece of a block.
  private func forEachPiece(
    _ cursor: BandCursor?, _ stripe: Int, _ block: MergeBlock, _ body: (_ deltas: [UnsafePointer<Float>?], _ start: Int, _ count: Int) -> Void
  ) throws(PluginError) {
    try withScratch(Float.self, inputs.count * pieceLength) { (buffer) throws(PluginError) in
      let deltas = inputs.indices.map { buffer + $0 * pieceLength }
      try withScratch(UInt32.self, pieceLength) { (keys) throws(PluginError) in
        try withScratch(UInt8.self, pieceLength) { (mask) throws(PluginError) in
          try block.forEachPiece { (start, count) in
            if let cursor, !isAll {
              block.withInputs(inputs, from: start) { ck_keys_of_variances($0, inputs.count, block.inputs[base] + start, keys, count) }
              cursor.mark(keys, count: count, stripe: stripe, into: mask)
            } else {
              mask.update(repeating: isAll ? 1 : 0, count: count)
            }
            for (delta, input) in zip(deltas, inputs) {
              ck_keep_masked(block.inputs[input] + start, block.inputs[base] + start, mask, delta, count)
            }
            body(deltas.map { UnsafePointer($0) }, start, count)
          }
        }
      }
    }
  }
}
