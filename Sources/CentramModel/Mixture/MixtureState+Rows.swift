internal import CModelKernels

extension MixtureState {
  /// What the mixture foretells: logarithms of probabilities, a token each.
  ///
  /// An expert whose row holds NaN or infinity is put out.
  /// - Parameters:
  ///   - rows: logits of each expert, as many a row; those of experts that are out are not looked at.
  ///   - result: as many as a row.
  /// - Returns: what to subtract from each expert's logits to make logarithms of probabilities.
  /// - Throws: `.numerics` where no expert is left.
  public mutating func foretell(_ rows: [UnsafeBufferPointer<Float>], into result: UnsafeMutableBufferPointer<Float>) throws(GenerationError) -> [Float] {
    precondition(rows.count == experts && rows.allSatisfy { $0.count == result.count }, "a row of \(result.count) scores for each of \(experts) experts")
    var normalizers = [Float](repeating: .infinity, count: experts)
    for index in active {
      var least: Float = 0, greatest: Float = 0
      if mk_score_range(rows[index].baseAddress, rows[index].count, &least, &greatest) != 0 {
        normalizers[index] = mk_log_sum_exp(rows[index].baseAddress, rows[index].count)
      } else if active.count > 1 {
        exclude(index)
      } else {
        throw GenerationError(.numerics, "the output of the mixture's last expert holds NaN or infinity: its weights are damaged")
      }
    }
    let shifts = normalizers.indices.map { logWeights[$0] > -.infinity ? Float(Double(normalizers[$0]) - logWeights[$0]) : .infinity }
    let pointers: [UnsafePointer<Float>?] = rows.map(\.baseAddress)
    mk_mix_scores(pointers, shifts, rows.count, result.baseAddress, result.count)
    return normalizers
  }
}
