/// Multiplies an answer of the library back, with plain loops, against a few fixed vectors: old OpenBLAS builds return
/// garbage on some processors, and garbage must not become a model.
enum SelfCheck {
  /// Rounding alone stays some powers of ten below, a wrong kernel far above.
  static let tolerance = 1e-9
  private static let probes = 2

  static func product(
    _ factors: [Matrix], equals matrix: Matrix, _ routine: String, tolerance: Double = tolerance
  ) throws(LinearAlgebraError) {
    // The matrix's own size: a probe's image can be small by chance.
    var size = 0.0
    for element in matrix.elements { size += element * element }
    let limit = tolerance * (size * Double(Swift.max(1, matrix.columns))).squareRoot()
    for probe in 0..<probes {
      let start = (0..<matrix.columns).map { sign($0, probe) }
      let expected = multiply(matrix, start)
      let found = factors.reversed().reduce(start) { multiply($1, $0) }
      var difference = 0.0
      for (x, y) in zip(expected, found) { difference += (x - y) * (x - y) }
      guard difference.squareRoot() <= limit || difference == 0 else {
        throw LinearAlgebraError(
          .wrongAnswer,
          "\(routine) of a \(matrix.rows) × \(matrix.columns) matrix is wrong by \(difference.squareRoot()), "
            + "more than rounding explains (\(limit)): this OpenBLAS does not fit this processor; "
            + "install a newer one or set OPENBLAS_CORETYPE (for example to Haswell) before the start")
      }
    }
  }

  /// ±1 from a fixed hash, so that a check does not differ from run to run.
  private static func sign(_ index: Int, _ probe: Int) -> Double {
    var x = UInt64(truncatingIfNeeded: index) &* 2 &+ UInt64(probe) &+ 0x9e37_79b9_7f4a_7c15
    x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
    x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
    return (x ^ (x >> 31)) & 1 == 0 ? 1 : -1
  }

  private static func multiply(_ matrix: Matrix, _ vector: [Double]) -> [Double] {
    let (rows, columns) = (matrix.rows, matrix.columns)
    return matrix.elements.withUnsafeBufferPointer { a in
      vector.withUnsafeBufferPointer { x in
        [Double](unsafeUninitializedCapacity: rows) { y, count in
          var row = 0
          while row < rows {
            var sum = 0.0, column = 0
            let start = row * columns
            while column < columns {
              sum += a[start + column] * x[column]
              column += 1
            }
            y.initializeElement(at: row, to: sum)
            row += 1
          }
          count = rows
        }
      }
    }
  }
}
