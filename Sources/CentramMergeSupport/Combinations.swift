internal import CKernels
public import CentramNumerics
public import CentramPluginAPI

extension MergeRequest {
  /// Dot products of some inputs, or of their differences from the base.
  public func gram(of wanted: [Int], lessBase base: Int? = nil) throws(PluginError) -> Gram {
    try reduce(inputs: wanted + (base.map { [$0] } ?? [])) {
      Gram(size: wanted.count)
    } _: { (gram, block) in
      block.withInputs(wanted) { gram.add($0, base: base.map { block.inputs[$0] }, count: block.count) }
    } combine: {
      $0.add($1)
    }
  }

  /// Writes Σ wᵢ xᵢ / Σ wᵢ over some inputs.
  ///
  /// Means of bfloat16 numbers are often halfway between two of them, so the one rounding of a share matters. Shares that
  /// float32 holds exactly (1/4, 3/4) are used as they are; for others (1/3, 2/3) the sum is divided.
  public func writeMean(_ weights: [Double], of wanted: [Int]) throws(PluginError) {
    let sum = weights.reduce(0, +)
    guard sum != 0 else { throw PluginError(.invalid, "\(tensor): the weights sum to 0, so they cannot be normalized") }
    let shares = weights.map { $0 / sum }
    if shares.allSatisfy({ abs(Double(Float($0)) - $0) <= 1e-15 * abs($0) }) { return try writeCombination(shares, of: wanted) }
    let factors = weights.map(Float.init), divisor = Float(sum)
    try forEachBlock(inputs: wanted) { block in
      block.combine(factors, of: wanted, around: nil, from: 0, count: block.count)
      ck_divide(divisor, block.output, block.count)
    }
  }

  /// Writes Σ cᵢ xᵢ over some inputs; with a base b: b + Σ cᵢ (xᵢ − b).
  public func writeCombination(_ coefficients: [Double], of wanted: [Int], around base: Int? = nil) throws(PluginError) {
    let factors = coefficients.map(Float.init)
    try forEachBlock(inputs: wanted + (base.map { [$0] } ?? [])) { block in
      block.combine(factors, of: wanted, around: base, from: 0, count: block.count)
    }
  }
}

extension MergeBlock {
  /// Writes Σ cᵢ xᵢ, or b + Σ cᵢ (xᵢ − b), to a part of the output.
  public func combine(_ factors: [Float], of wanted: [Int], around base: Int?, from start: Int, count: Int) {
    withInputs(wanted, from: start) { x in
      if let base {
        ck_combine_deltas(x, factors, factors.count, inputs[base] + start, output + start, count)
      } else {
        ck_combine(x, factors, factors.count, output + start, count)
      }
    }
  }

  /// Calls `body` with the place of each row that starts in the block, for blocks of whole rows.
  public func forEachRow(of length: Int, _ body: (_ start: Int) -> Void) {
    for start in stride(from: 0, to: count, by: max(1, length)) { body(start) }
  }

  /// Dot products of one row of some inputs, or of their differences from the base.
  public func gram(of wanted: [Int], lessBase base: Int?, from start: Int, count: Int) -> Gram {
    var gram = Gram(size: wanted.count)
    withInputs(wanted, from: start) { gram.add($0, base: base.map { inputs[$0] + start }, count: count) }
    return gram
  }
}
