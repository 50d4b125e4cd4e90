import CentramGateStatistics
import CentramLinearAlgebra
import CentramNumerics
import CentramPluginAPI
import Foundation
import Testing

@Suite struct StatisticsTests {
  @Test(arguments: [(1, 1, 1), (7, 5, 1), (12, 10, 4), (10, 12, 4), (6, 20, 6), (20, 6, 6), (4, 4, 8)])
  func normAndSpectrumAreThoseOfTheMatrixWrittenOut(outputs: Int, inputs: Int, rank: Int) throws {
    var random = TestRandom(UInt64(outputs * 1000 + inputs * 10 + rank))
    let module = Updates.module("m", outputs: outputs, inputs: inputs, rank: rank, norm: 3, scale: -1.5, random: &random)
    let dense = Dense.delta(module)
    let spectrum = try module.spectrum()
    #expect(abs(spectrum.norm - Dense.norm(dense)) < 1e-12 * 3)
    let s = try dense.singularValues().s
    for (index, value) in spectrum.singularValues.enumerated() {
      // The squares in the Gram matrices cost half of the digits of small values.
      #expect(abs(value - (index < s.count ? s[index] : 0)) < 1e-7 * s[0], "\(index): \(value)")
    }
    let squares = s.prefix(rank).map { $0 * $0 } + Array(repeating: 0, count: max(0, rank - s.count)), total = squares.reduce(0, +)
    #expect(abs(spectrum.firstShare - squares[0] / total) < 1e-12)
    let entropy = -squares.reduce(0) { $1 > 1e-30 ? $0 + $1 / total * log($1 / total) : $0 }
    #expect(abs(spectrum.entropy - (rank > 1 ? entropy / log(Double(rank)) : 0)) < 1e-10)
    #expect(abs(spectrum.kurtosis - Double(rank) * squares.reduce(0) { $0 + $1 * $1 } / (total * total)) < 1e-10)
  }

  @Test func aZeroUpdateHasNoSpectrum() throws {
    let module = ModuleUpdate(module: "m", outputs: 3, inputs: 2, scale: 1, factors: LowRankFactors(rank: 2, a: [1, 2, 3, 4], b: [0, 0, 0, 0, 0, 0]))
    let spectrum = try module.spectrum()
    #expect(spectrum.norm == 0 && spectrum.firstShare == 0 && spectrum.entropy == 0 && spectrum.kurtosis == 0)
    #expect(spectrum.singularValues == [0, 0])
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func refusesFactorsThatAreNotFinite(value: Float) async {
    let module = ModuleUpdate(module: "m", outputs: 1, inputs: 2, scale: 1, factors: LowRankFactors(rank: 1, a: [1, value], b: [1]))
    #expect(throws: PluginError.self) { try module.spectrum() }
  }

  @Test func factorsThatCancelAreSeen() throws {
    // B·A is 0 up to rounding, though B and A are not.
    let module = ModuleUpdate(module: "m", outputs: 1, inputs: 2, scale: 1, factors: LowRankFactors(rank: 2, a: [1e6, 1e6, 1e6, 1e6], b: [1e6, -1e6]))
    #expect(try module.spectrum().remainder == 0)
    var random = TestRandom(5)
    #expect(try Updates.module("m", norm: 1, random: &random).spectrum().remainder > 0.01)
  }

  @Test func medianAndDeviationAreThoseOfAPlainCount() {
    #expect(RobustStatistics.median([3]) == 3)
    #expect(RobustStatistics.median([4, 1, 3, 2]) == 2.5)
    let found = RobustStatistics([1, 1, 2, 2, 4, 6, 9])
    #expect(found.median == 2 && found.deviation == 1 && found.count == 7)
    #expect(found.score(10, floor: 0) == 8 / 1.4826)
    // Equal values: the floor is the spread.
    #expect(abs(RobustStatistics([1, 1, 1]).score(1.2, floor: 0.05) - 4) < 1e-9)
  }

  @Test func aBootstrapIsThatOfADirectCountAndDependsOnItsSeedAlone() {
    var random = TestRandom(11)
    let groups = [random.normals(48).map { $0 + 1 }, random.normals(60).map { 2 * $0 - 0.5 }]
    let found = Bootstrap(groups, resamples: 4000, seed: 1), again = Bootstrap(groups, resamples: 4000, seed: 1), other = Bootstrap(groups, resamples: 4000, seed: 2)
    #expect(found.means == again.means)
    #expect(found.means != other.means)
    // The judge draws with another generator.
    var means: [Double] = []
    for _ in 0..<4000 {
      var sum = 0.0
      for group in groups {
        var part = 0.0
        for _ in group { part += group[Int(random.next() % UInt64(group.count))] }
        sum += part / Double(group.count)
      }
      means.append(sum / 2)
    }
    means.sort()
    for (confidence, index) in [(0.95, 200), (0.5, 2000)] { #expect(abs(found.lowerBound(confidence: confidence) - means[index]) < 0.02, "\(confidence)") }
    #expect(abs(found.upperBound(confidence: 0.95) - means[3799]) < 0.02)
    #expect(abs(found.mean - (groups[0].reduce(0, +) / 48 + groups[1].reduce(0, +) / 60) / 2) < 1e-12)
  }

  @Test func aBootstrapOfEqualValuesIsThatValue() {
    let found = Bootstrap([[0.25, 0.25], [0.75]], resamples: 200, seed: 3)
    #expect(found.lowerBound(confidence: 0.95) == 0.5 && found.upperBound(confidence: 0.95) == 0.5)
  }

  @Test func productsOfUpdatesAreThoseOfTheMatricesWrittenOut() throws {
    let updates = (0..<4).map { Updates.adapter(norm: Double($0 + 1), seed: UInt64($0)) }
    var products = UpdateProducts(count: 4)
    for index in Updates.modules.indices { try products.add(updates.map { $0[index] }) }
    let vectors = updates.map(Dense.vector)
    for i in 0..<4 { for j in 0..<4 { #expect(abs(products[i, j] - Dense.dot(vectors[i], vectors[j])) < 1e-11 * Double((i + 1) * (j + 1))) } }
    #expect(abs(products.cosine(1, 2) - Dense.cosine(vectors[1], vectors[2])) < 1e-12)
    let (x, y) = ([0.5, 0.25, 0, -1], [0, 1, 1, 0.5])
    let mixed = (0..<vectors[0].count).map { place in (0..<4).reduce(0) { $0 + (x[$1] - y[$1]) * vectors[$1][place] } }
    #expect(abs(products.squaredDistance(x, y) - Dense.dot(mixed, mixed)) < 1e-9)
  }

  @Test func productsAreTheSameWhereMatricesAreWrittenOut() throws {
    let updates = (0..<4).map { Updates.adapter(norm: Double($0 + 1), seed: UInt64(40 + $0)) }
    var (factors, rows) = (UpdateProducts(count: 4), UpdateProducts(count: 4))
    for index in Updates.modules.indices {
      try factors.add(updates.map { $0[index] }, maximumRank: 16)
      try rows.add(updates.map { $0[index] }, maximumRank: 15)
    }
    for i in 0..<4 { for j in 0..<4 { #expect(abs(factors[i, j] - rows[i, j]) < 1e-10) } }
  }

  @Test func anUpdateThatLeavesAModuleAloneCountsAsZeroThere() throws {
    let one = Updates.adapter(norm: 1, seed: 1)
    var products = UpdateProducts(count: 2)
    for index in one.indices { try products.add([one[index], index == 0 ? one[0] : nil]) }
    #expect(abs(products[0, 0] - 4) < 1e-5 && abs(products[0, 1] - 1) < 1e-5 && abs(products[1, 1] - 1) < 1e-5)
  }

  @Test func refusesUpdatesOfDifferentShapes() {
    var random = TestRandom(1)
    let one = Updates.module("m", norm: 1, random: &random), other = Updates.module("m", outputs: 10, inputs: 12, norm: 1, random: &random)
    var products = UpdateProducts(count: 2)
    #expect(throws: PluginError.self) { try products.add([one, other]) }
  }

  @Test(arguments: [(0.0, "0"), (0.123456, "0.1235"), (12345.6, "12350"), (-0.00012346, "-0.0001235"), (1, "1"), (8, "8"), (1e-9, "1e-09"), (.infinity, "inf")])
  func numbersAreShownWithFourDigits(value: Double, text: String) { #expect(shown(value) == text) }
}
