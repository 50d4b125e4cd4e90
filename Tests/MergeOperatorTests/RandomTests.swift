import CentramNumerics
import CentramPluginAPI
import CentramPluginTesting
import Testing

/// Random methods without given masks: properties that hold with any good generator.
@Suite struct RandomTests {
  static let count = 40_000
  /// A base of zeros, so that the output is the task vector.
  static let task: [Float] = {
    var generator = Generator(seed: 77)
    return (0..<count).map { _ in
      let value = Float(generator.normal())
      return value == 0 ? 1 : value
    }
  }()

  /// One sparsified task vector, weight 1.
  func draw(
    _ method: String, density: Double, rescale: Bool = false, seed: UInt64 = 1, tensor: String = "t", slot: Int = 0,
    epsilon: Double? = nil, row: Int = 400
  ) throws -> [Float] {
    let zeros = [Float](repeating: 0, count: Self.count)
    // The other inputs are the base again, so they add nothing.
    let inputs = [zeros] + (0...slot).map { $0 == slot ? Self.task : zeros }
    var each = inputs.map { _ in ["weight": ParameterValue.number(1), "density": .number(1)] }
    each[slot + 1]["density"] = .number(density)
    if let epsilon { each[slot + 1]["epsilon"] = .number(epsilon) }
    return try OperatorHarness.merge(
      operators[method]!, inputs, shape: [Self.count / row, row], base: 0,
      parameters: Parameters(["rescale": .boolean(rescale), "normalize": .boolean(false)], each: each), tensor: tensor, seed: seed,
      blockSize: 3000)
  }

  func kept(_ output: [Float]) -> [Double] { output.map { $0 == 0 ? 0 : 1 } }

  @Test(arguments: ["dare_linear", "dare_ties"], [0.1, 0.5, 0.9]) func keepsTheShareAndChangesNothingElse(_ method: String, _ p: Double) throws {
    let output = try draw(method, density: p), n = Double(Self.count)
    let kept = kept(output).reduce(0, +)
    #expect(abs(kept - n * p) < 5 * (n * p * (1 - p)).squareRoot())
    #expect(zip(output, Self.task).allSatisfy { $0 == 0 || $0 == $1 })
  }

  @Test(arguments: ["dare_linear", "dare_ties", "della", "della_linear"]) func rescalingRestoresTheL1Norm(_ method: String) throws {
    let p = 0.4, output = try draw(method, density: p, rescale: true)
    let before = Self.task.reduce(0) { $0 + Double(abs($1)) }, after = output.reduce(0) { $0 + Double(abs($1)) }
    #expect(abs(after / before - 1) < 1e-5)
    let ratios = zip(output, Self.task).filter { $0.0 != 0 }.map { Double($0.0 / $0.1) }
    #expect(ratios.allSatisfy { abs($0 - ratios[0]) < 1e-5 })
    if method.hasPrefix("dare") {
      // The factor is a ratio of sums: its deviation is that of Σ|d|·mask.
      let squares = Self.task.reduce(0) { $0 + Double($1 * $1) }
      #expect(abs(1 / ratios[0] - p) < 5 * (p * (1 - p) * squares).squareRoot() / before)
    }
  }

  @Test(arguments: ["dare_linear", "della"]) func fullDensityKeepsAllAndNoneKeepsNothing(_ method: String) throws {
    #expect(try draw(method, density: 1) == Self.task)
    #expect(try draw(method, density: 0).allSatisfy { $0 == 0 })
  }

  @Test func theMeanOverSeedsIsTheTaskVector() throws {
    let p = 0.5, seeds = 16
    var mean = [Double](repeating: 0, count: Self.count)
    for seed in 0..<seeds {
      for (index, value) in try draw("dare_linear", density: p, seed: UInt64(seed)).enumerated() { mean[index] += Double(value) / p / Double(seeds) }
    }
    let expected = ((1 - p) / (p * Double(seeds))).squareRoot()
    let relative = zip(mean, Self.task).map { ($0 - Double($1)) / Double($1) }
    let spread = (relative.reduce(0) { $0 + $1 * $1 } / Double(Self.count)).squareRoot()
    #expect(abs(spread / expected - 1) < 0.05)
  }

  @Test(arguments: ["dare_linear", "della_linear"]) func masksOfSeedsTensorsAndModelsAreUncorrelated(_ method: String) throws {
    // Epsilon 0: ranks that two masks share would correlate them.
    let draws = [
      try draw(method, density: 0.5, epsilon: 0), try draw(method, density: 0.5, seed: 2, epsilon: 0),
      try draw(method, density: 0.5, tensor: "u", epsilon: 0), try draw(method, density: 0.5, slot: 1, epsilon: 0),
      try draw(method, density: 0.5, slot: 2, epsilon: 0),
    ].map(kept)
    for i in draws.indices {
      for j in draws.indices where j > i { #expect(abs(correlation(draws[i], draws[j])) < 5 / Double(Self.count).squareRoot(), "\(i) \(j)") }
    }
    // Nor with itself a little further on.
    for lag in [1, 2, 3, 4, 8, 16, 64] {
      #expect(abs(correlation(Array(draws[0].dropLast(lag)), Array(draws[0].dropFirst(lag)))) < 5 / Double(Self.count).squareRoot(), "lag \(lag)")
    }
  }

  private func correlation(_ x: [Double], _ y: [Double]) -> Double {
    let n = Double(x.count), mx = x.reduce(0, +) / n, my = y.reduce(0, +) / n
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xy += (a - mx) * (b - my)
      xx += (a - mx) * (a - mx)
      yy += (b - my) * (b - my)
    }
    return xy / (xx * yy).squareRoot()
  }

  @Test(arguments: ["della", "della_linear"]) func theKeepRateRisesWithTheRankInsideRows(_ method: String) throws {
    let p = 0.5, epsilon = 0.3, row = 400, seeds = 4
    var rates = [Double](repeating: 0, count: 10)
    for seed in 1...seeds {
      let kept = kept(try draw(method, density: p, seed: UInt64(seed), epsilon: epsilon, row: row))
      for start in stride(from: 0, to: Self.count, by: row) {
        let order = (start..<(start + row)).sorted { abs(Self.task[$0]) < abs(Self.task[$1]) }
        for (rank, index) in order.enumerated() { rates[rank * 10 / row] += kept[index] }
      }
    }
    let each = Double(Self.count * seeds) / 10
    for (decile, kept) in rates.enumerated() {
      let expected = p - epsilon + 2 * epsilon * (Double(decile) + 0.5) / 10
      #expect(abs(kept / each - expected) < 5 * (expected * (1 - expected) / each).squareRoot(), "decile \(decile)")
    }
    #expect(abs(rates.reduce(0, +) / each / 10 - p) < 0.01)
  }

  @Test func philoxGivesThePublishedWords() {
    // Known answers of the authors' Random123 for Philox4x32-10: counter and key 0.
    let words = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { room in
      ElementRandom(key: 0, stream: 0).fill(room.baseAddress!, index: 0, count: 4)
      return Array(room)
    }
    #expect(words == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
  }

  @Test func anyRunOfElementsGetsTheSameWords() {
    let random = ElementRandom(seed: 9, name: "model.norm.weight", stream: 1)
    func words(_ index: Int, _ count: Int) -> [UInt32] {
      [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
        random.fill(buffer.baseAddress!, index: index, count: count)
        filled = count
      }
    }
    let all = words(0, 300)
    for index in [0, 1, 2, 3, 5, 31, 32, 33, 100] {
      for count in [1, 2, 3, 4, 31, 32, 33, 64, 131] { #expect(words(index, count) == Array(all[index..<(index + count)])) }
    }
  }
}
