internal import COpenBLAS

extension Matrix {
  /// The decomposition by reduction to bidiagonal form, whatever the shape, with LAPACK's own signs.
  ///
  /// PyTorch's results on a processor have these signs (its library never takes the detour over QR that dgesdd takes
  /// for long matrices), and a clamp of the factors, as PEFT's `svd_clamp`, depends on them.
  public func singularValuesWithPlainSigns() throws(LinearAlgebraError) -> SingularValueDecomposition {
    Library.prepare()
    try requireFinite()
    let k = Swift.min(rows, columns)
    guard k > 0 else { return .init(u: Matrix(zeros: rows, 0), s: [], vt: Matrix(zeros: 0, columns)) }
    let m = [try Library.extent(rows)], n = [try Library.extent(columns)], kept = [try Library.extent(k)]
    var packed = transposed().elements
    var s = [Double](repeating: 0, count: k), off = s, tauQ = s, tauP = s
    let size = [try Library.extent(64 * (rows + columns) + 3 * k * k + 8 * k)]
    var work = [Double](repeating: 0, count: Int(size[0])), integers = [Int32](repeating: 0, count: 8 * k)
    var info = 0 as Int32
    func flag(_ letter: Unicode.Scalar) -> [CChar] { [CChar(UInt8(ascii: letter))] }
    dgebrd_(m, n, &packed, m, &s, &off, &tauQ, &tauP, &work, size, &info)
    guard info == 0 else { throw .failed("dgebrd", info, self) }

    // Column-major: U of the bidiagonal fills the first k rows of k columns, its Vᵀ the first k columns of k rows.
    var u = [Double](repeating: 0, count: rows * k), vt = [Double](repeating: 0, count: k * columns)
    var unusedQ = 0.0, unusedIQ = 0 as Int32
    dbdsdc_(flag(rows >= columns ? "U" : "L"), flag("I"), kept, &s, &off, &u, m, &vt, kept, &unusedQ, &unusedIQ, &work, &integers, &info)
    guard info == 0 else { throw .failed("dbdsdc", info, self) }
    dormbr_(flag("Q"), flag("L"), flag("N"), m, kept, n, packed, m, tauQ, &u, m, &work, size, &info)
    guard info == 0 else { throw .failed("dormbr", info, self) }
    dormbr_(flag("P"), flag("R"), flag("T"), kept, n, m, packed, m, tauP, &vt, kept, &work, size, &info)
    guard info == 0 else { throw .failed("dormbr", info, self) }
    let result = SingularValueDecomposition(
      u: Matrix(rows: k, columns: rows, elements: u).transposed(), s: s, vt: Matrix(rows: columns, columns: k, elements: vt).transposed())
    try SelfCheck.product([result.u, result.vt.scalingRows(result.s)], equals: self, "dgebrd")
    return result
  }
}
