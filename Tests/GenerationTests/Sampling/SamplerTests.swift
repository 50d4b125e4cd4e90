import CentramModel
import Foundation
import Testing

@Suite struct SamplerTests {
  struct Golden: Decodable {
    let parameters: [String: Double]
    let prompt: [Int32], output: [Int32]
    let logits: [Float]
    let kept: [[Double]]

    var sampling: SamplingParameters {
      var result = SamplingParameters()
      for (name, value) in parameters {
        switch name {
        case "temperature": result.temperature = Float(value)
        case "top_k": result.topK = Int(value)
        case "top_p": result.topP = Float(value)
        case "min_p": result.minP = Float(value)
        case "repetition_penalty": result.repetitionPenalty = Float(value)
        case "frequency_penalty": result.frequencyPenalty = Float(value)
        default: result.presencePenalty = Float(value)
        }
      }
      return result
    }
  }

  private func sampler(_ change: (inout SamplingParameters) -> Void) throws -> Sampler {
    var parameters = SamplingParameters()
    change(&parameters)
    return try Sampler(parameters)
  }

  @Test func distributionsAreThoseOfTransformers() throws {
    let cases = try JSONDecoder().decode([Golden].self, from: Repository.data("Sampling/distributions.json"))
    #expect(cases.count >= 20)
    for golden in cases {
      var sampler = try Sampler(golden.sampling)
      sampler.observe(prompt: golden.prompt)
      for token in golden.output { sampler.accept(token) }
      let found = try golden.logits.withUnsafeBufferPointer { try sampler.distribution($0) }
      // Weights are whole multiples of 2⁻⁴⁰ of the largest; what is below has none.
      let expected = golden.kept.filter { $0[1] > 1e-11 }
      #expect(found.filter { $0.probability > 1e-11 }.map { Double($0.token) } == expected.map { $0[0] }, "\(golden.parameters)")
      for (mine, theirs) in zip(found, golden.kept) where Double(mine.token) == theirs[0] { #expect(abs(mine.probability - theirs[1]) < 2e-6, "\(golden.parameters)") }
    }
  }

  @Test func drawsFollowTheDistribution() throws {
    let logits: [Float] = [1, 2, 0.5, -1, 3, 2.5, -4, 0]
    var sampler = try sampler { ($0.temperature, $0.topK, $0.topP, $0.seed) = (1.2, 6, 0.95, 11) }
    try logits.withUnsafeBufferPointer { logits in
      let expected = try sampler.distribution(logits)
      var counts = [Int](repeating: 0, count: 8)
      let draws = 20_000
      for position in 0..<draws { counts[Int(try sampler.sample(logits, position: position).token)] += 1 }
      var chiSquare = 0.0
      for (token, probability) in expected {
        let mean = probability * Double(draws)
        chiSquare += (Double(counts[Int(token)]) - mean) * (Double(counts[Int(token)]) - mean) / mean
        counts[Int(token)] = 0
      }
      #expect(counts.allSatisfy { $0 == 0 }, "a token that the filters drop was drawn")
      // Five degrees of freedom: 25.7 is passed once in ten thousand.
      #expect(chiSquare < 25.7)
    }
  }

  @Test func theSameSeedAndPositionGiveTheSameToken() throws {
    var draws = Draws(3)
    let rows = (0..<40).map { _ in (0..<333).map { _ in draws.normal() } }
    func text(seed: UInt64, sample: Int = 0, order: [Int]) throws -> [Int32] {
      // A sampler of its own for each position: nothing but seed and position may matter.
      var tokens = [Int32](repeating: -1, count: rows.count)
      for index in order {
        var sampler = try sampler { ($0.temperature, $0.seed, $0.sample) = (1, seed, sample) }
        tokens[index] = try rows[index].withUnsafeBufferPointer { try sampler.sample($0, position: index).token }
      }
      return tokens
    }
    let first = try text(seed: 5, order: Array(0..<40))
    #expect(try text(seed: 5, order: (0..<40).reversed()) == first)
    #expect(try text(seed: 6, order: Array(0..<40)) != first)
    #expect(try text(seed: 5, sample: 1, order: Array(0..<40)) != first)
  }

  @Test func breaksTiesByTheLowerToken() throws {
    let logits: [Float] = [0, 7, 7, 7, -1]
    try logits.withUnsafeBufferPointer { logits in
      var greedy = try sampler { $0.topLogProbabilities = 4 }
      let token = try greedy.sample(logits, position: 0)
      #expect(token.token == 1)
      #expect(token.top.map(\.token) == [1, 2, 3, 0])
      var two = try sampler { ($0.temperature, $0.topK) = (1, 2) }
      #expect(try two.distribution(logits).map(\.token) == [1, 2])
      var half = try sampler { ($0.temperature, $0.topP) = (1, 0.5) }
      #expect(try half.distribution(logits).map(\.token) == [1, 2])
    }
  }

  @Test func logProbabilitiesAreTheModelsOwn() throws {
    let logits: [Float] = [0.3, -2, 4, 1.5]
    var sampler = try sampler { ($0.temperature, $0.topK, $0.logitBias, $0.topLogProbabilities) = (0.5, 1, [2: -100], 2) }
    let token = try logits.withUnsafeBufferPointer { try sampler.sample($0, position: 0) }
    let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
    #expect(token.token == 3)
    #expect(abs(Double(try #require(token.logProbability)) - (1.5 - log(sum))) < 1e-6)
    #expect(token.top.map(\.token) == [2, 3])
    #expect(token.top[1].logProbability == token.logProbability)
  }

  @Test func drawsOnlyWhatTheMaskAllows() throws {
    var draws = Draws(9)
    let logits = (0..<500).map { _ in draws.normal() }
    var mask = TokenMask(count: 500)
    for token: Int32 in [3, 64, 127, 499] { mask.insert(token) }
    for temperature: Float in [0, 1, 50] {
      var sampler = try sampler { ($0.temperature, $0.topP) = (temperature, 0.99) }
      for position in 0..<50 {
        let token = try logits.withUnsafeBufferPointer { try sampler.sample($0, position: position, allowed: mask).token }
        #expect(mask.contains(token))
      }
    }
    #expect(mask.tokens == [3, 64, 127, 499])
  }

  @Test func refusesDamagedScoresAndEmptyMasks() throws {
    for bad: Float in [.nan, .infinity] {
      var sampler = try sampler { $0.temperature = 1 }
      let error = #expect(throws: GenerationError.self) { try [0, bad, 1].withUnsafeBufferPointer { _ = try sampler.sample($0, position: 0) } }
      #expect(error?.code == .numerics)
    }
    var sampler = try sampler { _ in }
    let error = #expect(throws: GenerationError.self) {
      try [0, 1, 2].withUnsafeBufferPointer { _ = try sampler.sample($0, position: 0, allowed: TokenMask(count: 3)) }
    }
    #expect(error?.code == .deadEnd)
  }

  @Test func refusesParametersOutsideTheirLimits() {
    let changes: [(inout SamplingParameters) -> Void] = [
      { $0.temperature = -1 }, { $0.temperature = .nan }, { $0.topK = -1 }, { $0.topP = 0 }, { $0.topP = 1.5 }, { $0.minP = -0.1 },
      { $0.repetitionPenalty = 0 }, { $0.frequencyPenalty = .infinity }, { $0.presencePenalty = .nan }, { $0.sample = -1 }, { $0.topLogProbabilities = 101 },
      { $0.logitBias = [1: .nan] },
    ]
    for change in changes { #expect(throws: GenerationError.self) { _ = try sampler(change) } }
  }

  /// Sorting everything, as the definition says, keeps the same tokens.
  @Test(arguments: 0..<30) func filtersKeepWhatSortingKeeps(seed: Int) throws {
    var draws = Draws(UInt64(seed))
    let count = Int.random(in: 1...400, using: &draws)
    let spread = Float([0, 0.01, 1, 5, 40][seed % 5])
    // Rounded scores make ties.
    let logits = (0..<count).map { _ in (draws.normal() * spread * 8).rounded() / 8 }
    var sampler = try sampler {
      ($0.temperature, $0.topK) = (1, seed % 3 == 0 ? 0 : Int.random(in: 1...count, using: &draws))
      $0.topP = seed % 4 == 0 ? 1 : Float.random(in: 0.05..<1, using: &draws)
    }
    let found = try logits.withUnsafeBufferPointer { try sampler.distribution($0) }
    let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
    let greatest = logits.max()!
    let k = sampler.parameters.topK == 0 ? count : sampler.parameters.topK
    let masses = order.prefix(k).map { exp(Double(logits[$0] - greatest)) }
    var before = 0.0, kept: [Int32] = []
    for (place, mass) in zip(order, masses) where before < masses.reduce(0, +) * Double(sampler.parameters.topP) {
      before += mass
      if mass > 1e-11 { kept.append(Int32(place)) }
    }
    #expect(found.filter { $0.probability > 1e-11 * 0.9 }.map(\.token) == kept.sorted(), "seed \(seed)")
  }
}
