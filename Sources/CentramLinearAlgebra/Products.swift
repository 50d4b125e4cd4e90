internal import COpenBLAS

/// The library on one thread: its results depend on how it splits the work, and here bits count for more than cores.
enum Library {
  private static let ready: Void = openblas_set_num_threads(1)
  static func prepare() { ready }

  /// An extent as LAPACK's 32-bit integer.
  static func extent(_ value: Int) throws(LinearAlgebraError) -> Int32 {
    guard let small = Int32(exactly: value) else { throw LinearAlgebraError(.tooLarge, "\(value) is more than the library counts, \(Int32.max)") }
    return small
  }
}

extension Matrix {
  /// The product of `self` (or its transpose) and `other` (or its transpose).
  public func times(_ other: Matrix, transposing: (left: Bool, right: Bool) = (false, false)) -> Matrix {
    Library.prepare()
    let (m, k) = transposing.left ? (columns, rows) : (rows, columns)
    let (inner, n) = transposing.right ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(k == inner, "a product needs matching inner extents, not \(k) and \(inner)")
    guard m > 0, n > 0, k > 0 else { return Matrix(zeros: m, n) }
    let product = [Double](unsafeUninitializedCapacity: m * n) { buffer, count in
      cblas_dgemm(
        CblasRowMajor, transposing.left ? CblasTrans : CblasNoTrans, transposing.right ? CblasTrans : CblasNoTrans, Int32(m), Int32(n),
        Int32(k), 1, elements, Int32(columns), other.elements, Int32(other.columns), 0, buffer.baseAddress!, Int32(n))
      count = m * n
    }
    return Matrix(rows: m, columns: n, elements: product)
  }
}
