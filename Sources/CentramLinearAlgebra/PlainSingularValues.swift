internal import COpenBLAS

extension Matrix {
  /// The decomposition in float32 with the signs that PyTorch's has on a processor.
  ///
  /// A clamp of the factors at a quantile, as PEFT's `svd_clamp`, depends on the signs. PyTorch's library rounds as float32
  /// does; for tall matrices it works as LAPACK's driver (sgesdd), for wide ones it never takes the driver's detour
  /// over LQ. Found by trying. For everything else take `singularValues`.
  public func singularValuesWithPlainSigns() throws(LinearAlgebraError) -> SingularValueDecomposition {
    Library.prepare()
    try requireFinite()
    let k = Swift.min(rows, columns)
    guard k > 0 else { return .init(u: Matrix(zeros: rows, 0), s: [], vt: Matrix(zeros: 0, columns)) }
    var s = [Float](repeating: 0, count: k), u = [Float](repeating: 0, count: rows * k), vt = [Float](repeating: 0, count: k * columns)
    if rows < columns { try bidiagonal(&s, &u, &vt) } else { try driver(&s, &u, &vt) }
    let result = SingularValueDecomposition(
      u: Matrix(rows: k, columns: rows, elements: u.map(Double.init)).transposed(), s: s.map(Double.init),
      vt: Matrix(rows: columns, columns: k, elements: vt.map(Double.init)).transposed())
    try SelfCheck.product([result.u, result.vt.scalingRows(result.s)], equals: self, "sgesdd", tolerance: 1e-4)
    return result
  }

  private static func flag(_ letter: Unicode.Scalar) -> [CChar] { [CChar(UInt8(ascii: letter))] }

  /// Column-major results.
  private func driver(_ s: inout [Float], _ u: inout [Float], _ vt: inout [Float]) throws(LinearAlgebraError) {
    let m = [try Library.extent(rows)], n = [try Library.extent(columns)], kept = [try Library.extent(s.count)]
    var packed = transposed().floats, integers = [Int32](repeating: 0, count: 8 * s.count)
    var query = 0 as Float, info = 0 as Int32
    sgesdd_(Self.flag("S"), m, n, &packed, m, &s, &u, m, &vt, kept, &query, [-1], &integers, &info)
    // The answer is a float32: above 2²⁴ it may be rounded down.
    let size = [try Library.extent(Int(query) + Int(query) / 1_000_000 + 1)]
    var work = [Float](repeating: 0, count: Int(size[0]))
    sgesdd_(Self.flag("S"), m, n, &packed, m, &s, &u, m, &vt, kept, &work, size, &integers, &info)
    guard info == 0 else { throw .failed("sgesdd", info, self) }
  }

  /// Column-major results: to bidiagonal form, its decomposition, and back.
  private func bidiagonal(_ s: inout [Float], _ u: inout [Float], _ vt: inout [Float]) throws(LinearAlgebraError) {
    let k = s.count
    let m = [try Library.extent(rows)], n = [try Library.extent(columns)], kept = [try Library.extent(k)]
    var packed = transposed().floats
    var off = s, tauQ = s, tauP = s
    let size = [try Library.extent(64 * (rows + columns) + 3 * k * k + 8 * k)]
    var work = [Float](repeating: 0, count: Int(size[0])), integers = [Int32](repeating: 0, count: 8 * k)
    var unusedQ = 0 as Float, unusedIQ = 0 as Int32, info = 0 as Int32
    sgebrd_(m, n, &packed, m, &s, &off, &tauQ, &tauP, &work, size, &info)
    guard info == 0 else { throw .failed("sgebrd", info, self) }
    sbdsdc_(Self.flag("L"), Self.flag("I"), kept, &s, &off, &u, m, &vt, kept, &unusedQ, &unusedIQ, &work, &integers, &info)
    guard info == 0 else { throw .failed("sbdsdc", info, self) }
    sormbr_(Self.flag("Q"), Self.flag("L"), Self.flag("N"), m, kept, n, packed, m, tauQ, &u, m, &work, size, &info)
    guard info == 0 else { throw .failed("sormbr", info, self) }
    sormbr_(Self.flag("P"), Self.flag("R"), Self.flag("T"), kept, n, m, packed, m, tauP, &vt, kept, &work, size, &info)
    guard info == 0 else { throw .failed("sormbr", info, self) }
  }
}
