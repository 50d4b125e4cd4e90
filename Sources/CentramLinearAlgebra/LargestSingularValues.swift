internal import COpenBLAS

extension Matrix {
  /// The `rank` largest singular values and their vectors, which is a third of the work where few are wanted of a large
  /// matrix; then by the eigenvectors W of A·Aᵀ and the decomposition of Wᵀ·A.
  ///
  /// The square in A·Aᵀ costs digits of small singular values only: the product U·S·Vᵀ is right to 1e-8 of the largest
  /// one, below float32's own rounding. Where the smallest wanted is less than a millionth of the largest, the
  /// whole decomposition is made.
  public func singularValues(largest rank: Int) throws(LinearAlgebraError) -> SingularValueDecomposition {
    let size = Swift.min(rows, columns)
    guard rank > 0, rank * 3 < size else { return try singularValues().truncated(to: rank) }
    guard rows <= columns else {
      // U and V change places, and the sign goes by U.
      let swapped = try transposed().singularValues(largest: rank)
      var result = SingularValueDecomposition(u: swapped.vt.transposed(), s: swapped.s, vt: swapped.u.transposed())
      result.fixSigns()
      return result
    }
    try requireFinite()
    let w = try leadingEigenvectors(of: gram(), count: rank)
    let projected = w.times(self)
    try SelfCheck.product([w, self], equals: projected, "dgemm")
    let (l, q) = try projected.lq()
    let small = try l.singularValues()
    guard small.s[rank - 1] > 1e-6 * small.s[0] else { return try singularValues().truncated(to: rank) }
    var result = SingularValueDecomposition(u: w.times(small.u, transposing: (true, false)), s: small.s, vt: small.vt.times(q))
    result.fixSigns()
    return result
  }

  /// The eigenvectors of the `count` largest eigenvalues of a symmetric matrix, as rows.
  private func leadingEigenvectors(of matrix: Matrix, count: Int) throws(LinearAlgebraError) -> Matrix {
    let n = try Library.extent(matrix.rows), first = try Library.extent(matrix.rows - count + 1)
    func flag(_ letter: Unicode.Scalar) -> [CChar] { [CChar(UInt8(ascii: letter))] }
    var copy = matrix.elements
    var values = [Double](repeating: 0, count: matrix.rows), vectors = [Double](repeating: 0, count: matrix.rows * count)
    var support = [Int32](repeating: 0, count: 2 * matrix.rows), found = 0 as Int32, info = 0 as Int32
    var query = 0.0, integerQuery = 0 as Int32
    dsyevr_(
      flag("V"), flag("I"), flag("L"), [n], &copy, [n], [0], [0], [first], [n], [0], &found, &values, &vectors, [n], &support, &query, [-1],
      &integerQuery, [-1], &info)
    var work = [Double](repeating: 0, count: Int(query)), integers = [Int32](repeating: 0, count: Int(integerQuery))
    dsyevr_(
      flag("V"), flag("I"), flag("L"), [n], &copy, [n], [0], [0], [first], [n], [0], &found, &values, &vectors, [n], &support, &work,
      [try Library.extent(work.count)], &integers, [integerQuery], &info)
    guard info == 0, Int(found) == count else { throw .failed("dsyevr", info, matrix) }
    let w = Matrix(rows: count, columns: matrix.rows, elements: vectors)
    try SelfCheck.product([w, matrix], equals: w.scalingRows(values.prefix(count)), "dsyevr")
    return w
  }
}
