@testable import CentramLinearAlgebra
import Testing

@Suite struct LinearAlgebraTests {
  /// Numbers in -1..<1 from a fixed generator.
  static func noise(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var state = seed
    return Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / Double(1 << 52)
      })
  }

  func distance(_ x: Matrix, _ y: Matrix) -> Double { zip(x.elements, y.elements).map { abs($0 - $1) }.max() ?? 0 }

  func identity(_ size: Int) -> Matrix {
    var result = Matrix(zeros: size, size)
    for index in 0..<size { result[index, index] = 1 }
    return result
  }

  static let shapes = [(1, 1), (1, 7), (7, 1), (5, 5), (16, 32), (32, 16), (40, 33), (90, 31)]

  @Test(arguments: shapes) func lqMultipliesBackWithOrthonormalRows(rows: Int, columns: Int) throws {
    let a = Self.noise(rows, columns, seed: 1)
    let (l, q) = try a.lq()
    #expect(distance(l.times(q), a) < 1e-13)
    #expect(distance(q.times(q, transposing: (false, true)), identity(min(rows, columns))) < 1e-13)
    let (q2, r) = try a.qr()
    #expect(distance(q2.times(r), a) < 1e-13)
  }

  @Test(arguments: shapes) func singularValuesMultiplyBackAndDescend(rows: Int, columns: Int) throws {
    let a = Self.noise(rows, columns, seed: 2)
    for (svd, tolerance) in [(try a.singularValues(), 1e-13), (try a.singularValuesWithPlainSigns(), 1e-5)] {
      #expect(distance(svd.u.times(svd.vt.scalingRows(svd.s)), a) < tolerance)
      #expect(distance(svd.u.times(svd.u, transposing: (true, false)), identity(min(rows, columns))) < tolerance)
      #expect(distance(svd.vt.times(svd.vt, transposing: (false, true)), identity(min(rows, columns))) < tolerance)
      #expect(zip(svd.s, svd.s.dropFirst()).allSatisfy { $0 >= $1 })
    }
  }

  @Test func signsDoNotDependOnTheLibrarys() throws {
    let a = Self.noise(12, 9, seed: 3)
    let x = try a.singularValues(), y = try a.scalingRows(Array(repeating: -1, count: 12)).singularValues()
    #expect(distance(x.u, y.u) < 1e-12)
    #expect(distance(x.vt.scalingRows(Array(repeating: -1, count: 9)), y.vt) < 1e-12)
  }

  @Test func lowRankSumEqualsTheFullDecomposition() throws {
    let terms = [(3, 0.7, 4 as UInt64), (5, -1.3, 5), (2, 0.1, 6)].map { rank, factor, seed in
      (factor: factor, bTransposed: Self.noise(rank, 41, seed: seed), a: Self.noise(rank, 29, seed: seed + 100))
    }
    var full = Matrix(zeros: 41, 29)
    for term in terms {
      let product = term.bTransposed.times(term.a, transposing: (true, false))
      for index in full.elements.indices { full.elements[index] += term.factor * product.elements[index] }
    }
    for rank in [1, 4, 10, 29] {
      let whole = try full.singularValues().truncated(to: rank)
      let low = try LowRankSum(terms).singularValues(rank: rank)
      let expected = whole.u.times(whole.vt.scalingRows(whole.s))
      let found = low.uTransposed.times(low.vt.scalingRows(low.s), transposing: (true, false))
      #expect(distance(found, expected) < 1e-12, "rank \(rank)")
    }
  }

  @Test(arguments: [(40, 90), (90, 40), (60, 60)]) func theLargestOfManyAreThoseOfTheWhole(rows: Int, columns: Int) throws {
    let a = Self.noise(rows, columns, seed: 12)
    for rank in [1, 5, 12, 13, 39] {
      let whole = try a.singularValues().truncated(to: rank), some = try a.singularValues(largest: rank)
      #expect(distance(some.u.times(some.vt.scalingRows(some.s)), whole.u.times(whole.vt.scalingRows(whole.s))) < 1e-10, "rank \(rank)")
      #expect(distance(some.u, whole.u) < 1e-10 && zip(some.s, whole.s).allSatisfy { abs($0 - $1) < 1e-12 }, "rank \(rank)")
    }
  }

  @Test func matricesOfLessRankThanWantedAreStillRight() throws {
    let a = Self.noise(50, 3, seed: 13).times(Self.noise(3, 70, seed: 14))
    let some = try a.singularValues(largest: 9)
    #expect(some.s.count == 9 && some.s[3] < 1e-12)
    #expect(distance(some.u.times(some.vt.scalingRows(some.s)), a) < 1e-12)
    #expect(try Matrix(zeros: 30, 40).singularValues(largest: 3).s == [0, 0, 0])
  }

  @Test func wrongAnswersOfTheLibraryAreNotReturned() throws {
    let a = Self.noise(20, 8, seed: 8)
    var (l, q) = try a.lq()
    q[3, 5] += 1e-6
    let error = #expect(throws: LinearAlgebraError.self) { try SelfCheck.product([l, q], equals: a, "dgeqrf") }
    #expect(error?.code == .wrongAnswer && error?.message.contains("OPENBLAS_CORETYPE") == true)
    q[3, 5] = .nan
    #expect(throws: LinearAlgebraError.self) { try SelfCheck.product([l, q], equals: a, "dgeqrf") }
    l = Matrix(zeros: 20, 8)
    #expect(throws: LinearAlgebraError.self) { try SelfCheck.product([l, try a.lq().q], equals: a, "dgeqrf") }
  }

  @Test func refusesNumbersThatAreNotFinite() {
    var a = Self.noise(4, 6, seed: 7)
    a[2, 3] = .nan
    #expect(throws: LinearAlgebraError.self) { try a.singularValues() }
    a[2, 3] = .infinity
    #expect(throws: LinearAlgebraError.self) { try a.lq() }
  }
}
