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
    } combine: { $0.add($1) }
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
