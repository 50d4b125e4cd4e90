/// Σ cᵢ Bᵢ Aᵢ, never formed: Bᵢ is outputs × rᵢ, Aᵢ rᵢ × inputs.
///
/// With A stacked (R × inputs), Bᵀ stacked (R × outputs) and their LQ decompositions, the sum is Q_bᵀ (L_bᵀ L_a) Q_a. The
/// core in brackets is at most R × R, so its singular values cost R³ and not outputs · inputs · min(outputs, inputs).
public struct LowRankSum: Sendable {
  private let core: Matrix
  private let left: Matrix
  private let right: Matrix

  /// - Parameter terms: `bTransposed` is rᵢ × outputs.
  public init(_ terms: [(factor: Double, bTransposed: Matrix, a: Matrix)]) throws(LinearAlgebraError) {
    let (la, qa) = try Matrix(stacking: terms.map { ($0.factor, $0.a) }).lq()
    let (lb, qb) = try Matrix(stacking: terms.map { (1, $0.bTransposed) }).lq()
    (core, left, right) = (lb.times(la, transposing: (true, false)), qb, qa)
  }

  /// The decomposition of the whole sum, at most `rank` triples; exact to rounding, so the best approximation of that rank.
  public func singularValues(rank: Int) throws(LinearAlgebraError) -> (uTransposed: Matrix, s: [Double], vt: Matrix) {
    let small = try core.singularValues().truncated(to: rank)
    return (small.u.times(left, transposing: (true, false)), small.s, small.vt.times(right))
  }
}
