import CentramPluginAPI
import CentramPluginTesting
import Testing

/// Unusual numbers and shapes, and what is refused.
@Suite struct EdgeTests {
  @Test(arguments: operators.keys.sorted()) func infinitiesAndNaNDoNotStopAMerge(_ method: String) throws {
    for (index, strange) in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0].enumerated() {
      var generator = Generator(seed: UInt64(index) + 1)
      let setup = Setup(method, &generator)
      var inputs = generator.models(setup.inputs, count: 400)
      for _ in 0..<5 { inputs[generator.below(inputs.count)][generator.below(400)] = strange }
      _ = try OperatorHarness.merge(operators[method]!, inputs, shape: [20, 20], base: setup.hasBase ? 0 : nil, parameters: setup.parameters)
    }
  }

  @Test(arguments: operators.keys.sorted()) func zerosAndEmptyTensorsMerge(_ method: String) throws {
    for shape in [[0], [0, 3], [3, 0], [], [1], [2], [3, 2, 1]] {
      var generator = Generator(seed: UInt64(shape.count) + 9)
      let setup = Setup(method, &generator), count = shape.reduce(1, *)
      let output = try OperatorHarness.merge(
        operators[method]!, Array(repeating: Array(repeating: Float(0), count: count), count: setup.inputs), shape: shape,
        base: setup.hasBase ? 0 : nil, parameters: setup.parameters)
      #expect(output == Array(repeating: 0, count: count), "\(setup)")
    }
  }

  private func merge(
    _ method: String, _ inputs: [[Float]], base: Int? = nil, _ shared: [String: ParameterValue] = [:], each: [[String: ParameterValue]] = []
  ) throws(PluginError) -> [Float] {
    try OperatorHarness.merge(operators[method]!, inputs, shape: [inputs[0].count], base: base, parameters: Parameters(shared, each: each))
  }

  @Test func refusesWeightsThatSumToZero() {
    let weights: [[String: ParameterValue]] = [["weight": .number(1)], ["weight": .number(-1)]]
    for method in ["linear", "multislerp"] {
      let error = #expect(throws: PluginError.self) { try merge(method, [[1, 2], [3, 4]], each: weights) }
      #expect(error?.code == .invalid && error?.message.contains("sum to 0") == true)
    }
  }

  @Test func refusesToRunWithoutItsBase() {
    for (method, operation) in operators where operation.info.needs.contains(.base) {
      let error = #expect(throws: PluginError.self) {
        try merge(method, [[1, 2], [3, 4]], ["t": .number(0.5)], each: [["weight": .number(1)], ["weight": .number(1)]])
      }
      #expect(error?.code == .invalid, "\(method)")
    }
  }

  @Test func dellaRefusesADensityThatEpsilonTakesOutOfRange() {
    let error = #expect(throws: PluginError.self) {
      try merge("della", [[1, 2], [3, 4]], base: 0, each: [[:], ["weight": .number(1), "density": .number(0.1), "epsilon": .number(0.2)]])
    }
    #expect(error?.message.contains("0.1") == true && error?.message.contains("0.2") == true)
  }

  @Test func modelStockIsExactForShortTaskVectors() throws {
    // Nearly parallel task vectors of length 1e-5: t is near 1. mergekit divides by 1e-6 and gets 0.16.
    let base: [Float] = [1, 1, 1], a: [Float] = [1 + 0x1p-17, 1, 1], b: [Float] = [1 + 0x1p-17, 1 + 0x1p-20, 1]
    let output = try merge("model_stock", [base, a, b], base: 0)
    #expect(abs(output[0] - (1 + 0x1p-17)) < 0x1p-22)
  }

  @Test func sceWeighsShortTaskVectorsByTheirEnergy() throws {
    // Squares 1 and 9: weights 0.1 and 0.9, however short the vectors are.
    let unit: Float = 0x1p-20
    let output = try merge("sce", [[0, 0], [unit, unit], [3 * unit, 3 * unit]], base: 0)
    #expect(abs(output[0] / unit - 2.8) < 1e-5)
  }

  @Test func breadcrumbsWithoutGammaKeepTheGreatest() throws {
    let output = try merge(
      "breadcrumbs", [[0, 0, 0, 0], [1, -4, 2, 3]], base: 0, each: [[:], ["weight": .number(1), "density": .number(0.5), "gamma": .number(0)]])
    #expect(output == [0, -4, 0, 3])
  }

  @Test func tiesKeepTheFirstOfEqualMagnitudes() throws {
    let output = try OperatorHarness.merge(
      operators["ties"]!, [[Float](repeating: 0, count: 100), (0..<100).map { $0 % 2 == 0 ? 1 : -1 }], shape: [100], base: 0,
      parameters: Parameters(shared: [:], perInput: [[:], ["weight": .number(1), "density": .number(0.37)]]), blockSize: 9)
    #expect(output == (0..<100).map { $0 < 37 ? ($0 % 2 == 0 ? 1 : -1) : 0 })
  }

  @Test func onlyTheRatiosOfNormalizedWeightsCount() throws {
    var generator = Generator(seed: 21)
    let inputs = generator.models(4, count: 500)
    for method in ["linear", "multislerp", "ties", "task_arithmetic"] {
      func merged(_ factor: Double) throws -> [Float] {
        try merge(
          method, inputs, base: 0, ["normalize": .boolean(true), "normalize_weights": .boolean(true)],
          each: [0.3, 0.5, 1.25, 0.7].map { ["weight": .number($0 * factor)] })
      }
      let (once, thrice) = (try merged(1), try merged(3))
      #expect(zip(once, thrice).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(method)")
    }
  }

  @Test func lambdaAndWeightsScaleTaskVectorsAlike() throws {
    var generator = Generator(seed: 22)
    let inputs = generator.models(3, count: 500)
    for method in ["task_arithmetic", "ties", "breadcrumbs", "dare_linear", "della_linear"] {
      func merged(lambda: Double, weight: Double) throws -> [Float] {
        try merge(
          method, inputs, base: 0, ["normalize": .boolean(false), "lambda": .number(lambda)],
          each: inputs.map { _ in ["weight": .number(weight), "density": .number(0.5)] })
      }
      #expect(zip(try merged(lambda: 2, weight: 0.5), try merged(lambda: 1, weight: 1)).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(method)")
    }
  }

  @Test func slerpGoesAlongTheArc() throws {
    let output = try merge("slerp", [[1, 0], [0, 1]], base: 0, ["t": .number(0.5)])
    #expect(output.allSatisfy { abs($0 - Float(0.5).squareRoot()) < 1e-6 })
    #expect(try merge("slerp", [[3, 4], [-4, 3]], base: 0, ["t": .number(1)]) == [-4, 3])
  }
}
