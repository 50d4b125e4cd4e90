internal import CentramModel

/// What must hold of an update before its numbers are used: a sound adapter of this base, finite, of the rank that the round trains, and not too large.
struct UpdateCheck {
  /// Outputs and inputs of the base's linear layers by name.
  let shapes: [String: [Int]]
  /// Most that a module's rank may be.
  let maximumRank: Int
  /// Bound on the Frobenius norm of the change; nil: none.
  let maximumNorm: Double?

  /// - Returns: the norm of the change.
  /// - Throws: `.update` with what is wrong.
  func check(_ blob: AdapterBlob) throws(RoundError) -> Double {
    let adapter = blob.adapter
    guard blob.segments.steps == 0, blob.segments.ranks.isEmpty else { throw RoundError(.update, "an update has no segments of earlier steps") }
    guard adapter.savedTensors.isEmpty else { throw RoundError(.update, "it replaces whole tensors; a round takes factors only") }
    guard !adapter.modules.isEmpty else { throw RoundError(.update, "it changes no module") }
    for module in adapter.modules {
      guard module.kind == .linear, module.magnitudeTensor == nil, shapes[module.name + ".weight"] == [module.outputs, module.inputs] else {
        throw RoundError(.update, "\(module.name.prefix(100)) is of \(module.outputs) × \(module.inputs), and the base has no such layer")
      }
      guard module.rank <= maximumRank else { throw RoundError(.update, "\(module.name) has the rank \(module.rank); the round trains with at most \(maximumRank)") }
    }
    let norm = try LowRankNorm.of(adapter)
    guard norm.isFinite else { throw RoundError(.update, "its norm is not finite") }
    if let maximumNorm, norm > maximumNorm { throw RoundError(.update, "its norm is \(norm); the round allows \(maximumNorm)") }
    return norm
  }
}
