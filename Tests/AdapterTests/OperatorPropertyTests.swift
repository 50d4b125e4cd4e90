import CentramLinearAlgebra
import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Testing

/// What holds for any adapters, whatever another implementation does.
@Suite struct OperatorPropertyTests {
  let adapters: [Adapter]
  let weights = [0.7, -0.4, 1.3]

  init() throws {
    typealias Module = AdapterFactory.Module
    adapters = [
      try AdapterFactory.adapter([Module(name: "layers.0.p", outputs: 23, inputs: 31, rank: 4), Module(name: "layers.0.q", outputs: 40, inputs: 9, rank: 2)], seed: 1),
      try AdapterFactory.adapter([Module(name: "layers.0.p", outputs: 23, inputs: 31, rank: 7)], rank: 7, alpha: 3, seed: 2, more: "\"use_rslora\": true"),
      try AdapterFactory.adapter([Module(name: "layers.0.p", outputs: 23, inputs: 31, rank: 1), Module(name: "layers.1.q", outputs: 5, inputs: 6, rank: 4)], seed: 3),
    ]
  }

  @Test func concatenationIsTheWeightedSum() throws {
    let (contents, report) = try AdapterMergeJob.simple("merge.lora_cat", adapters, weights).merged()
    #expect(report.ranks == ["layers.0.p": 12, "layers.0.q": 2, "layers.1.q": 4])
    for module in contents.modules {
      #expect(largestDifference(module.delta, try weightedSum(adapters, weights, module.name)) < 1e-5, "\(module.name)")
    }
  }

  @Test(arguments: [1, 3, 12]) func truncatedSumIsTheBestOfItsRank(rank: Int) throws {
    let job = try AdapterMergeJob.simple("merge.lora_svd", adapters, weights, shared: ["rank": .number(Double(rank))])
    let module = try #require(try job.merged().contents.modules.first { $0.name == "layers.0.p" })
    #expect(module.rank == rank)
    let whole = try Matrix(rows: 23, columns: 31, elements: weightedSum(adapters, weights, "layers.0.p")).singularValues().truncated(to: rank)
    #expect(largestDifference(module.delta, whole.u.times(whole.vt.scalingRows(whole.s)).elements) < 1e-5)
  }

  @Test func truncatedSumTakesTheLargestInputRankByDefault() throws {
    let (_, report) = try AdapterMergeJob.simple("merge.lora_svd", adapters, weights).merged()
    #expect(report.ranks == ["layers.0.p": 7, "layers.0.q": 2, "layers.1.q": 4])
  }

  @Test func coreSpaceLosesNothing() throws {
    let core = try AdapterMergeJob.simple("merge.core_space", adapters, weights).merged()
    #expect(core.report.ranks == ["layers.0.p": 12, "layers.0.q": 2, "layers.1.q": 4])
    for module in core.contents.modules {
      #expect(largestDifference(module.delta, try weightedSum(adapters, weights, module.name)) < 1e-5, "\(module.name)")
    }
  }

  @Test func coreSpaceRunsAnyRuleOnSquareCoordinates() throws {
    let job = try AdapterMergeJob.simple("merge.core_space", adapters, weights, shared: ["rule": .string("sign_only")])
    let module = try #require(try job.merged().contents.modules.first { $0.name == "layers.0.p" })
    // Each coordinate is a sum of three signs, so the change's norm is that of a 12 × 12 matrix of odd numbers.
    let norm = module.delta.reduce(0) { $0 + $1 * $1 }
    #expect(abs(norm - norm.rounded()) < 1e-3 && Int(norm.rounded()) >= 144 && Int(norm.rounded()) % 8 == 0)
  }

  @Test func coreSpaceOfAChangeOfZeroIsZero() throws {
    let zero = try AdapterFactory.adapter([.init(name: "p", outputs: 4, inputs: 5, rank: 4)], alpha: 0, seed: 9)
    let (contents, _) = try AdapterMergeJob.simple("merge.core_space", [zero], [1]).merged()
    #expect(contents.modules[0].rank == 0)
  }

  @Test func denseSumsBecomeConcatenations() throws {
    let dense = try AdapterMergeJob.simple("task_arithmetic", adapters, weights, shared: ["lambda": .number(2)]).merged()
    #expect(dense.report.ranks["layers.0.p"] == 12)
    for module in dense.contents.modules {
      #expect(largestDifference(module.delta, try weightedSum(adapters, weights.map { 2 * $0 }, module.name)) < 1e-5)
    }
  }

  @Test func denseMeansCountAdaptersThatLackTheModule() throws {
    // As the mean of three checkpoints would: two of them are the base here.
    let (contents, _) = try AdapterMergeJob.simple("merge.linear", adapters, [2, 1, 1]).merged()
    let module = try #require(contents.modules.first { $0.name == "layers.0.q" })
    #expect(largestDifference(module.delta, try weightedSum([adapters[0]], [0.5], "layers.0.q")) < 1e-5)
    #expect(throws: MergeError.self) { try AdapterMergeJob.simple("merge.linear", adapters, [1, -1, 0]).merged() }
  }

  @Test func otherDenseRulesRunInCoreSpace() throws {
    let dense = try AdapterMergeJob.simple("sign_only", adapters, weights).merged().contents.modules
    let core = try AdapterMergeJob.simple("merge.core_space", adapters, weights, shared: ["rule": .string("sign_only")]).merged().contents.modules
    #expect(zip(dense, core).allSatisfy { $0.a == $1.a && $0.b == $1.b })
  }

  @Test func outputRankRecompresses() throws {
    var options = AdapterMergeJob.Options()
    options.outputRank = 5
    let cut = try AdapterMergeJob.simple("merge.lora_cat", adapters, weights, options: options).merged()
    #expect(cut.report.ranks == ["layers.0.p": 5, "layers.0.q": 2, "layers.1.q": 4])
    let direct = try AdapterMergeJob.simple("merge.lora_svd", adapters, weights, shared: ["rank": .number(5)]).merged()
    #expect(largestDifference(cut.contents.modules[0].delta, direct.contents.modules[0].delta) < 1e-5)
  }

  @Test(arguments: ["merge.lora_cat", "merge.lora_svd", "merge.core_space", "task_arithmetic"]) func oneAdapterOfWeightOneIsItself(_ rule: String) throws {
    let (contents, _) = try AdapterMergeJob.simple(rule, [adapters[1]], [1]).merged()
    #expect(contents.modules.count == 1 && contents.modules[0].rank == 7)
    #expect(largestDifference(contents.modules[0].delta, try weightedSum([adapters[1]], [1], "layers.0.p")) < 1e-5)
  }

  @Test(arguments: ["merge.ties", "merge.karcher", "merge.sce", "merge.model_stock", "merge.linear"]) func equalAdaptersMergeToThemselves(_ rule: String) throws {
    // Real dense operators, inside Core Space or as a sum: each leaves what all inputs agree on.
    let (contents, _) = try AdapterMergeJob.simple(rule, [adapters[1], adapters[1]], [0.5, 0.5]).merged()
    #expect(largestDifference(contents.modules[0].delta, try weightedSum([adapters[1]], [1], "layers.0.p")) < 1e-5)
  }

  @Test func rulesReadTheirOwnParametersInsideCoreSpace() throws {
    func norm(_ density: Double) throws -> Double {
      let parameters = Parameters(
        shared: ["rule": .string("ties"), "normalize": .boolean(false)],
        perInput: weights.map { ["weight": .number($0), "density": .number(density)] })
      let job = AdapterMergeJob(
        adapters.enumerated().map { .init(name: "model\($0)", adapter: $1) }, rule: "merge.core_space", operation: try Operators.make("merge.core_space"),
        parameters: { _ in parameters }, resolve: Operators.resolve)
      return try job.merged().contents.modules[0].delta.reduce(0) { $0 + $1 * $1 }
    }
    let (tiny, small, all) = (try norm(0.01), try norm(0.1), try norm(1))
    #expect(tiny < small && small < all, "\(tiny), \(small), \(all)")
  }

  @Test func modulesThatDisagreeAreRefused() throws {
    let other = try AdapterFactory.adapter([.init(name: "layers.0.p", outputs: 23, inputs: 30, rank: 4)], seed: 5)
    #expect(throws: MergeError.self) { try AdapterMergeJob.simple("merge.lora_cat", [adapters[0], other], [1, 1]).merged() }
  }

  @Test func peftTypesOnFactorsNeedEqualRanks() throws {
    let error = #expect(throws: MergeError.self) {
      try AdapterMergeJob.simple("merge.peft", adapters, weights, shared: ["combination_type": .string("linear")]).merged()
    }
    #expect(error?.message.contains("equal ranks") == true)
  }

  @Test func adaptersWithMagnitudesAreNotCombined() throws {
    let error = #expect(throws: MergeError.self) { try AdapterMergeJob.simple("merge.lora_cat", [Fixtures.adapter("dora4")], [1]).merged() }
    #expect(error?.message.contains("DoRA") == true && error?.message.contains("base+adapter") == true)
  }

  @Test func cancelledJobsStop() throws {
    var options = AdapterMergeJob.Options()
    options.isCancelled = { true }
    let error = #expect(throws: MergeError.self) { try AdapterMergeJob.simple("merge.lora_cat", adapters, weights, options: options).merged() }
    #expect(error?.code == .cancelled)
  }

  @Test(arguments: ["dare_linear", "dare_linear_svd", "dare_ties"]) func randomTypesDependOnTheSeedAlone(_ type: String) throws {
    let inputs = [try Fixtures.adapter("r4a"), try Fixtures.adapter("r4b")]
    func run(_ seed: UInt64) throws -> [[Float]] {
      var options = AdapterMergeJob.Options()
      options.seed = seed
      let shared: [String: ParameterValue] = ["combination_type": .string(type), "density": .number(0.5)]
      return try AdapterMergeJob.simple("merge.peft", inputs, [1, 1], shared: shared, options: options).merged().contents.modules.map(\.a)
    }
    #expect(try run(1) == run(1))
    #expect(try run(1) != run(2))
  }

  @Test func dareKeepsElementsWithItsDensity() throws {
    let adapter = try AdapterFactory.adapter([.init(name: "p", outputs: 100, inputs: 1000, rank: 20)], rank: 20, alpha: 20, seed: 8)
    let second = try AdapterFactory.adapter([.init(name: "p", outputs: 100, inputs: 1000, rank: 20)], rank: 20, alpha: 20, seed: 9)
    let shared: [String: ParameterValue] = ["combination_type": .string("dare_linear"), "density": .number(0.3)]
    let module = try AdapterMergeJob.simple("merge.peft", [adapter, second], [1, 0], shared: shared).merged().contents.modules[0]
    let n = 20000.0, kept = Double(module.a.count { $0 != 0 })
    #expect(abs(kept - 0.3 * n) < 5 * (n * 0.3 * 0.7).squareRoot())
    let (a, _) = try adapter.factors(of: adapter.modules[0])
    #expect(zip(module.a, a).allSatisfy { $0 == 0 || abs($0 - $1 / 0.3) < 1e-5 })
  }
}
