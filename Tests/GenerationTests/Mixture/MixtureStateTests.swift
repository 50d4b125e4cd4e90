import CentramModel
import Foundation
import Testing

@Suite struct MixtureStateTests {
  /// Distributions of `experts` over an alphabet, one for each step, and a text.
  private struct World {
    let steps: [[[Double]]], text: [Int], priors: [Double]

    init(_ draws: inout Draws, experts: Int, steps count: Int, sharpness: Double) {
      steps = (0..<count).map { _ in
        (0..<experts).map { _ in
          let weights = (0..<5).map { _ in exp(Double(draws.normal()) * sharpness) }
          return weights.map { $0 / weights.reduce(0, +) }
        }
      }
      text = (0..<count).map { _ in Int.random(in: 0..<5, using: &draws) }
      let raw = (0..<experts).map { _ in Double.random(in: 0.01..<1, using: &draws) }
      priors = raw.map { $0 / raw.reduce(0, +) }
    }

    func observed(_ step: Int) -> [Double] { steps[step].map { log($0[text[step]]) } }
    func loss(_ expert: Int) -> Double { steps.indices.reduce(0) { $0 - log(steps[$1][expert][text[$1]]) } }
  }

  @Test(arguments: 0..<40) func costsAtMostItsPriorAgainstEachExpert(seed: Int) throws {
    var draws = Draws(UInt64(seed))
    let world = World(&draws, experts: 1 + seed % 6, steps: 1 + seed * 5, sharpness: Double(seed % 7))
    var state = try MixtureState(experts: world.priors.count, priors: world.priors.map { $0 * 17 })
    var loss = 0.0
    for step in world.text.indices { loss -= state.observe(world.observed(step)) }
    for (expert, prior) in world.priors.enumerated() { #expect(loss <= world.loss(expert) - log(prior) + 1e-9 * Double(world.text.count), "seed \(seed)") }
    #expect(abs(state.responsibilities.reduce(0, +) - 1) < 1e-12)
    #expect(abs(state.meanResponsibilities.reduce(0, +) - 1) < 1e-12)
  }

  /// The definition: products of probabilities, in plain numbers.
  @Test(arguments: 0..<20) func equalsTheDefinition(seed: Int) throws {
    var draws = Draws(UInt64(100 + seed))
    let world = World(&draws, experts: 3, steps: 30, sharpness: 2)
    var state = try MixtureState(experts: 3, priors: world.priors)
    var products = world.priors, sums = [0.0, 0, 0]
    for step in world.text.indices {
      let weights = products.map { $0 / products.reduce(0, +) }
      for (mine, theirs) in zip(state.responsibilities, weights) { #expect(abs(mine - theirs) < 1e-12) }
      let p = zip(weights, world.steps[step]).reduce(0) { $0 + $1.0 * $1.1[world.text[step]] }
      #expect(abs(state.observe(world.observed(step)) - log(p)) < 1e-12)
      for index in 0..<3 {
        sums[index] += weights[index]
        products[index] *= world.steps[step][index][world.text[step]]
      }
    }
    for index in 0..<3 { #expect(abs(state.weightSums[index] - sums[index]) < 1e-10) }
  }

  @Test(arguments: 0..<20) func aHostileExpertCostsAtMostItsPrior(seed: Int) throws {
    var draws = Draws(UInt64(200 + seed))
    let world = World(&draws, experts: 3, steps: 50, sharpness: 2)
    let epsilon = [0.5, 0.1, 0.001, 1e-9][seed % 4]
    var honest = try MixtureState(experts: 3, priors: world.priors)
    var mixed = try MixtureState(experts: 4, priors: world.priors.map { $0 * (1 - epsilon) } + [epsilon])
    var cost = 0.0
    for step in world.text.indices {
      // Noise, nothing at all, damage, and a claim above 1.
      let answer = [log(Double.random(in: 0..<1, using: &draws)), -.infinity, .nan, 3][Int.random(in: 0..<4, using: &draws)]
      cost -= mixed.observe(world.observed(step) + [answer]) - honest.observe(world.observed(step))
    }
    #expect(cost <= -log(1 - epsilon) + 1e-9, "seed \(seed)")
  }

  @Test func expertsThatRuledOutWhatCameAreOut() throws {
    var state = try MixtureState(experts: 3)
    #expect(abs(state.observe([-.infinity, log(0.5), log(0.25)]) - log(0.25)) < 1e-12)
    #expect(state.active == [1, 2])
    #expect(state.observe([0, -.infinity, .nan]) == -.infinity)
    // Nothing was learned from a token that all held impossible.
    #expect(state.active == [1, 2])
    state.observe([0, 0, .infinity])
    #expect(state.active == [1] && state.responsibilities == [0, 1, 0])
    state.exclude(1)
    #expect(state.active == [1])
  }

  @Test func keepsTheBestAndTheirProportions() throws {
    var state = try MixtureState(experts: 4, priors: [0.1, 0.4, 0.2, 0.3])
    state.keepBest(2)
    #expect(state.active == [1, 3])
    #expect(abs(state.responsibilities[1] - 4.0 / 7) < 1e-12)
  }

  @Test func farApartExpertsDoNotUnderflow() throws {
    var state = try MixtureState(experts: 2, priors: [1e-90, 1])
    for _ in 0..<100_000 { state.observe([-1, -20]) }
    #expect(state.responsibilities[0] == 1)
    for _ in 0..<99_999 { state.observe([-20, -1]) }
    #expect(state.logWeights.allSatisfy { $0 <= 0 } && state.logWeights[1] > -230)
  }

  @Test func refusesPriorsAndCountsOutsideTheirLimits() {
    for priors: [Double] in [[0, 1], [-1, 1], [.nan, 1], [.infinity, 1], [1]] { #expect(throws: GenerationError.self) { try MixtureState(experts: 2, priors: priors) } }
    #expect(throws: GenerationError.self) { try MixtureState(experts: 0) }
    #expect(throws: GenerationError.self) { try MixtureState(experts: 65) }
  }

  @Test func foretellsTheWeightedSum() throws {
    var draws = Draws(5)
    let rows = (0..<3).map { expert in (0..<1111).map { _ in draws.normal() * Float(1 + 9 * expert) } }
    var state = try MixtureState(experts: 3, priors: [0.2, 0.3, 0.5])
    let buffers = rows.map { row in
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: row.count)
      _ = buffer.initialize(from: row)
      return buffer
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    let result = UnsafeMutableBufferPointer<Float>.allocate(capacity: 1111)
    defer { result.deallocate() }
    let normalizers = try state.foretell(buffers.map { UnsafeBufferPointer($0) }, into: result)
    let weights = [0.2, 0.3, 0.5]
    for token in 0..<1111 {
      let p = (0..<3).reduce(0.0) { $0 + weights[$1] * exp(Double(rows[$1][token]) - Double(normalizers[$1])) }
      #expect(abs(Double(result[token]) - log(p)) < 3e-6 * max(1, -log(p)))
    }
    // A damaged expert is left out of it.
    buffers[1][7] = .nan
    _ = try state.foretell(buffers.map { UnsafeBufferPointer($0) }, into: result)
    #expect(state.active == [0, 2])
    let sum = result.reduce(0.0) { $0 + exp(Double($1)) }
    #expect(abs(sum - 1) < 1e-4)
  }
}
