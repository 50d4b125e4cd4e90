internal import COpenBLAS

/// A = U · diag(S) · Vᵀ with k = min(rows, columns) singular values, in descending order.
public struct SingularValueDecomposition: Sendable, Equatable {
  /// rows × k, orthonormal columns.
  public var u: Matrix
  public var s: [Double]
  /// k × columns, orthonormal rows.
  public var vt: Matrix
}

extension Matrix {
  /// The decomposition by LAPACK's divide-and-conquer (dgesdd). Each pair of vectors has the sign that makes the entry
  /// of largest magnitude in `u`'s column positive, so results do not depend on LAPACK's signs.
  public func singularValues() throws(LinearAlgebraError) -> SingularValueDecomposition {
    Library.prepare()
    try requireFinite()
    let k = Swift.min(rows, columns)
    guard k > 0 else { return .init(u: Matrix(zeros: rows, 0), s: [], vt: Matrix(zeros: 0, columns)) }
    // LAPACK reads this as Aᵀ = V S Uᵀ, and writes what are U and Vᵀ in row-major order.
    let thin = [CChar(UInt8(ascii: "S"))]
    let m = [try Library.extent(columns)], n = [try Library.extent(rows)], kept = [try Library.extent(k)]
    var info = 0 as Int32
    var copy = elements
    var s = [Double](repeating: 0, count: k)
    var vt = [Double](repeating: 0, count: k * columns), u = [Double](repeating: 0, count: rows * k)
    var integers = [Int32](repeating: 0, count: 8 * k)
    var query = 0.0
    dgesdd_(thin, m, n, &copy, m, &s, &vt, m, &u, kept, &query, [-1], &integers, &info)
    let size = [try Library.extent(Int(query))]
    var work = [Double](repeating: 0, count: Int(size[0]))
    dgesdd_(thin, m, n, &copy, m, &s, &vt, m, &u, kept, &work, size, &integers, &info)
    guard info == 0 else { throw .failed("dgesdd", info, self) }
    var result = SingularValueDecomposition(
      u: Matrix(rows: rows, columns: k, elements: u), s: s, vt: Matrix(rows: k, columns: columns, elements: vt))
    result.fixSigns()
    try SelfCheck.product([result.u, result.vt.scalingRows(result.s)], equals: self, "dgesdd")
    return result
  }
}

extension SingularValueDecomposition {
  mutating func fixSigns() {
    let (rows, k, columns) = (u.rows, u.columns, vt.columns)
    var largest = [Double](repeating: 0, count: k)
    for row in 0..<rows {
      for column in 0..<k where abs(u.elements[row * k + column]) > abs(largest[column]) { largest[column] = u.elements[row * k + column] }
    }
    for column in 0..<k where largest[column] < 0 {
      for row in 0..<rows { u.elements[row * k + column].negate() }
      for index in (column * columns)..<((column + 1) * columns) { vt.elements[index].negate() }
    }
  }

  /// The first `rank` triples.
  public func truncated(to rank: Int) -> SingularValueDecomposition {
    let kept = Swift.min(rank, s.count)
    return .init(u: u.firstColumns(kept), s: Array(s.prefix(kept)), vt: vt.firstRows(kept))
  }
}
