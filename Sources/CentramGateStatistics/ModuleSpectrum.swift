public import CentramLinearAlgebra
internal import Foundation

/// Size and spectrum of ΔW = scale · B · A, from A·Aᵀ and Bᵀ·B alone, both rank × rank: ΔW is never formed.
public struct ModuleSpectrum: Sendable, Equatable {
  /// ‖ΔW‖ in the Frobenius norm: scale² · trace((A·Aᵀ)(Bᵀ·B)), its root.
  public let norm: Double
  /// Of the terms of that trace, how much is left after they cancelled, in [0, 1]: B and A that are large against their product are below 1e-10.
  public let remainder: Double
  /// Descending, rank of them.
  public let singularValues: [Double]
  /// σ₁² by the sum of all squares: 1 for rank one. 0 where ΔW is 0, as the next two.
  public let firstShare: Double
  /// Entropy of the squares' shares by log(rank): 1 where all are equal, 0 for rank one.
  public let entropy: Double
  /// rank · Σσ⁴ / (Σσ²)²: 1 where all are equal, the rank for rank one.
  public let kurtosis: Double

  /// - Parameters:
  ///   - a: rank × inputs.
  ///   - b: outputs × rank.
  /// - Throws: `.notFinite`.
  public init(a: Matrix, b: Matrix, scale: Double) throws(LinearAlgebraError) {
    precondition(a.rows == b.columns, "B and A share their rank")
    try self.init(gramA: a.gram(), gramB: b.gram(transposing: true), scale: scale)
  }

  /// - Parameters:
  ///   - gramA: A·Aᵀ.
  ///   - gramB: Bᵀ·B.
  public init(gramA: Matrix, gramB: Matrix, scale: Double) throws(LinearAlgebraError) {
    let rank = gramA.rows
    var trace = 0.0, size = 0.0
    for (x, y) in zip(gramA.elements, gramB.elements) {
      trace += x * y
      size += abs(x * y)
    }
    guard trace.isFinite, size.isFinite, scale.isFinite else {
      throw LinearAlgebraError(.notFinite, "factors of rank \(rank) hold NaN, infinity or values whose product is beyond double precision")
    }
    norm = abs(scale) * max(0, trace).squareRoot()
    remainder = size > 0 ? max(0, trace) / size : 1
    // With A·Aᵀ = L·Lᵀ, the squares of ΔW's singular values are the eigenvalues of Lᵀ·(Bᵀ·B)·L.
    let l = Self.choleskyFactor(gramA)
    let core = l.times(gramB, transposing: (true, false)).times(l)
    // A symmetric matrix without negative eigenvalues has them as its singular values.
    let squares = try core.singularValues().s
    singularValues = squares.map { abs(scale) * max(0, $0).squareRoot() }
    let total = squares.reduce(0, +)
    guard total > 0 else {
      (firstShare, entropy, kurtosis) = (0, 0, 0)
      return
    }
    let shares = squares.map { $0 / total }
    firstShare = shares[0]
    entropy = rank > 1 ? Self.entropy(shares) / log(Double(rank)) : 0
    kurtosis = Double(rank) * shares.reduce(0) { $0 + $1 * $1 }
  }

  /// L with L·Lᵀ = `matrix`, lower triangular. Columns whose pivot is rounding are left 0, so matrices without full rank have one, too.
  static func choleskyFactor(_ matrix: Matrix) -> Matrix {
    let n = matrix.rows
    var l = Matrix(zeros: n, n)
    for column in 0..<n {
      var pivot = matrix[column, column]
      for k in 0..<column { pivot -= l[column, k] * l[column, k] }
      guard pivot > 1e-14 * matrix[column, column] else { continue }
      let root = pivot.squareRoot()
      l[column, column] = root
      for row in (column + 1)..<max(n, column + 1) {
        var sum = matrix[row, column]
        for k in 0..<column { sum -= l[row, k] * l[column, k] }
        l[row, column] = sum / root
      }
    }
    return l
  }

  private static func entropy(_ shares: [Double]) -> Double { -shares.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 } }
}
