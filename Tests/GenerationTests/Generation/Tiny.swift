import CentramModel
import CentramNode
import Foundation

/// A model of a few layers over 512 tokens, with weights at random, and an adapter for it.
enum Tiny {
  static let path = Repository.golden.appendingPathComponent("tiny/tiny-qwen2-f32").path
  static let adapterPath = Repository.golden.appendingPathComponent("tiny/adapter").path

  struct Golden: Decodable { let ids: [Int32], greedy: [Int32] }
  static func golden() throws -> Golden { try JSONDecoder().decode(Golden.self, from: Repository.data("tiny/tiny-qwen2-f32/golden.json")) }

  static func load(threads: Int = 1) throws -> LoadedModel { try LoadedModel(path: path, threads: threads) }

  static func generator(_ loaded: LoadedModel, context: Int? = nil, maximumBatch: Int = 64, promptChunk: Int = 512) throws -> Generator {
    var time = 0.0
    return try Generator(
      engine: loaded.engine, tokenizer: loaded.tokenizer, context: context, maximumBatch: maximumBatch, promptChunk: promptChunk
    ) {
      time += 1
      return time
    }
  }

  /// Requests that differ in all that may differ.
  static func requests(_ loaded: LoadedModel) throws -> [GenerationRequest] {
    let weights = try loaded.adapter(path: adapterPath), matcher = loaded.matcher(JSONGrammar())
    let golden = try golden()
    return (0..<9).map { index in
      var request = GenerationRequest(prompt: Array(golden.ids.dropFirst(index * 3).prefix(5 + index * 2)))
      request.maximumTokens = 6 + index * 2
      request.ignoresEnd = true
      request.sampling.temperature = index % 3 == 0 ? 0 : 0.9
      (request.sampling.seed, request.sampling.topLogProbabilities) = (UInt64(index % 2), 2)
      if index % 2 == 1 { request.adapters = [AppliedAdapter(weights, scale: Float(index))] }
      if index == 4 { request.grammar = matcher }
      if index == 5 {
        request.mixture = .init(experts: [.init(name: "base", adapters: []), .init(name: "a", adapters: [AppliedAdapter(weights)])], priors: [1, 3])
      }
      if index == 7 { request.count = 3 }
      return request
    }
  }
}

/// What came of a request.
struct Outcome: Equatable {
  var tokens: [Int: [Int32]] = [:]
  var logProbabilities: [Int: [UInt32]] = [:]
  var streamed: [Int: String] = [:]
  var texts: [Int: String] = [:]
  var reasons: [Int: FinishReason] = [:]
  var failures: [Int: GenerationError] = [:]
  var responsibilities: [Int: [[Double]]] = [:]
  var cached = 0

  static func of(_ request: GenerationRequest, _ generator: Generator, cache: PromptCache? = nil) throws -> Outcome {
    let collector = Collector()
    try generator.add(request, cache: cache, handler: collector.take)
    try generator.run()
    return collector.outcome
  }
}

final class Collector {
  var outcome = Outcome()

  func take(_ event: GenerationEvent) {
    switch event {
    case .token(let token):
      outcome.tokens[token.index, default: []].append(token.token)
      if let value = token.logProbability { outcome.logProbabilities[token.index, default: []].append(value.bitPattern) }
      outcome.streamed[token.index, default: ""] += token.text
      if let weights = token.responsibilities { outcome.responsibilities[token.index, default: []].append(weights) }
    case .finished(let result):
      outcome.streamed[result.index, default: ""] += result.rest
      outcome.texts[result.index] = result.text
      outcome.reasons[result.index] = result.reason
      outcome.cached = result.usage.cachedTokens
    case .failed(let index, let error): outcome.failures[index] = error
    }
  }
}
