internal import COpenBLAS

extension Matrix {
  /// A = L · Q with orthonormal rows in Q: L is rows × k, Q k × columns, k = min(rows, columns).
  ///
  /// LAPACK reads the rows as columns, so this is its QR decomposition without a copy. Q is unique up to signs, which
  /// are LAPACK's: the same for the same input.
  public func lq() throws(LinearAlgebraError) -> (l: Matrix, q: Matrix) {
    Library.prepare()
    try requireFinite()
    let k = Swift.min(rows, columns)
    guard k > 0 else { return (Matrix(zeros: rows, 0), Matrix(zeros: 0, columns)) }
    // C wants addresses; an array is passed as one.
    let m = [try Library.extent(columns)], n = [try Library.extent(rows)], kept = [try Library.extent(k)]
    var packed = elements
    var tau = [Double](repeating: 0, count: k)
    var info = 0 as Int32
    var query = 0.0
    dgeqrf_(m, n, &packed, m, &tau, &query, [-1], &info)
    let size = [Swift.max(try Library.extent(Int(query)), m[0], n[0])]
    var work = [Double](repeating: 0, count: Int(size[0]))
    dgeqrf_(m, n, &packed, m, &tau, &work, size, &info)
    guard info == 0 else { throw .failed("dgeqrf", info, self) }
    // Column j of R lies in row j of `packed`: L[j, i] = R[i, j] for i ≤ j.
    var l = Matrix(zeros: rows, k)
    for row in 0..<rows {
      for column in 0...Swift.min(row, k - 1) { l[row, column] = packed[row * columns + column] }
    }
    packed.removeLast((rows - k) * columns)
    dorgqr_(m, kept, kept, &packed, m, tau, &work, size, &info)
    guard info == 0 else { throw .failed("dorgqr", info, self) }
    let q = Matrix(rows: k, columns: columns, elements: packed)
    try SelfCheck.product([l, q], equals: self, "dgeqrf")
    return (l, q)
  }

  /// A = Q · R with orthonormal columns in Q: Q is rows × k, R k × columns, k = min(rows, columns).
  public func qr() throws(LinearAlgebraError) -> (q: Matrix, r: Matrix) {
    let (l, q) = try transposed().lq()
    return (q.transposed(), l.transposed())
  }
}
