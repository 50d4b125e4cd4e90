import CentramModel
import CentramNode
import Foundation
import Testing

@Suite struct MixtureGenerationTests {
  private func experts(_ loaded: LoadedModel) throws -> [MixtureExpert] {
    let weights = try loaded.adapter(path: Tiny.adapterPath)
    return [.init(name: "base", adapters: [])] + [1, -2].map { MixtureExpert(name: "scale \($0)", adapters: [AppliedAdapter(weights, scale: $0)]) }
  }

  /// The weights of each token by the definition: losses of the whole text, an expert at a time.
  @Test func weightsAreThoseOfTheTextSoFar() throws {
    let loaded = try Tiny.load(), experts = try experts(loaded), prompt = Array(try Tiny.golden().ids.prefix(10))
    var request = GenerationRequest(prompt: prompt)
    (request.maximumTokens, request.ignoresEnd, request.sampling.temperature) = (15, true, 1)
    request.mixture = .init(experts: experts, priors: [0.2, 0.5, 0.3])
    let outcome = try Outcome.of(request, Tiny.generator(loaded))
    let text = prompt + outcome.tokens[0]!
    let losses = try experts.map { try loaded.engine.losses(text, cache: KeyValueCache(model: loaded.model, capacity: 64), adapters: $0.adapters) }
    var state = try MixtureState(experts: 3, priors: [0.2, 0.5, 0.3])
    for position in losses[0].indices {
      if position >= prompt.count - 1 {
        for (mine, theirs) in zip(outcome.responsibilities[0]![position - prompt.count + 1], state.responsibilities) { #expect(abs(mine - theirs) < 1e-4) }
      }
      state.observe(losses.map { -$0[position] })
    }
  }

  @Test func oneExpertAloneIsItself() throws {
    let loaded = try Tiny.load()
    var request = GenerationRequest(prompt: try Tiny.golden().ids)
    (request.maximumTokens, request.ignoresEnd) = (10, true)
    let plain = try Outcome.of(request, Tiny.generator(loaded))
    request.mixture = .init(experts: [.init(name: "base", adapters: [])])
    #expect(try Outcome.of(request, Tiny.generator(loaded)).tokens == plain.tokens)
  }

  @Test func pruningKeepsTheBestTwo() throws {
    let loaded = try Tiny.load()
    var request = GenerationRequest(prompt: Array(try Tiny.golden().ids.prefix(4)))
    (request.maximumTokens, request.ignoresEnd, request.sampling.temperature) = (40, true, 1)
    request.mixture = .init(experts: try experts(loaded), keptExperts: 2)
    let weights = try #require(try Outcome.of(request, Tiny.generator(loaded)).responsibilities[0])
    #expect(weights.first!.allSatisfy { $0 > 0 })
    #expect(weights.last!.filter { $0 == 0 }.count == 1)
    #expect(abs(weights.last!.reduce(0, +) - 1) < 1e-9)
  }

  @Test func evaluationCostsAtMostThePriorAgainstTheBest() throws {
    let loaded = try Tiny.load(), experts = try experts(loaded)
    let voices = experts.map { Evaluation.Voice(name: $0.name, adapters: $0.adapters) }
    var evaluation = try Evaluation(
      engine: loaded.engine, tokenizer: loaded.tokenizer, voices: voices, mixture: .init(experts: [0, 1, 2], priors: [1, 1, 2]), window: 24)
    let text = String(repeating: "The quick brown fox jumps over 13 lazy dogs. ", count: 4)
    #expect(try evaluation.add(evaluation.windows(text)))
    let (scores, mixture) = (evaluation.scores.dropLast(), evaluation.scores.last!)
    for (score, prior) in zip(scores, [0.25, 0.25, 0.5]) { #expect(mixture.nats <= score.nats - log(prior) + 1e-6) }
    #expect(mixture.tokens == scores[0].tokens && mixture.bytes == scores[0].bytes)
    #expect(abs(mixture.responsibilities!.values.reduce(0, +) - 1) < 1e-9)
  }
}
