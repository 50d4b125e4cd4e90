internal import COpenBLAS

extension Matrix {
  /// A·Aᵀ (rows × rows), or Aᵀ·A (columns × columns) where `transposing`; both halves. Unlike `times` it has half the work.
  public func gram(transposing: Bool = false) -> Matrix {
    Library.prepare()
    let (size, inner) = transposing ? (columns, rows) : (rows, columns)
    var result = Matrix(zeros: size, size)
    guard size > 0, inner > 0 else { return result }
    cblas_dsyrk(
      CblasRowMajor, CblasUpper, transposing ? CblasTrans : CblasNoTrans, Int32(size), Int32(inner), 1, elements, Int32(columns), 0, &result.elements, Int32(size))
    for row in 1..<Swift.max(1, size) {
      for column in 0..<row { result[row, column] = result[column, row] }
    }
    return result
  }
}
