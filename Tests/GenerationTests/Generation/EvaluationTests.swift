import CentramModel
import CentramNode
import Foundation
import Testing

@Suite struct EvaluationTests {
  private let text = String(repeating: "Measure twice, cut once; then 42 more words. ", count: 5)

  private func evaluation(_ loaded: LoadedModel, window: Int, skip: Int = 1) throws -> Evaluation {
    try Evaluation(engine: loaded.engine, tokenizer: loaded.tokenizer, voices: [.init(name: "base", adapters: [])], window: window, skip: skip)
  }

  @Test(arguments: [(2, 1), (7, 1), (16, 9), (40, 20), (256, 1)]) func scoresEachWindowByTheDefinition(window: Int, skip: Int) throws {
    let loaded = try Tiny.load()
    var evaluation = try evaluation(loaded, window: window, skip: skip)
    #expect(try evaluation.add(evaluation.windows(text)))
    let tokens = loaded.tokenizer.encode(text)
    var nats = 0.0, count = 0, bytes = 0
    for start in stride(from: 0, to: tokens.count, by: window) {
      let part = Array(tokens[start..<min(start + window, tokens.count)])
      for place in part.indices where place >= skip {
        let logits = try loaded.engine.step([StepInput(tokens: Array(part[..<place]), cache: KeyValueCache(model: loaded.model, capacity: 256))])
        let row = logits.last(of: 0).map { Double($0) }
        nats += log(row.reduce(0) { $0 + exp($1) }) - row[Int(part[place])]
        count += 1
        bytes += loaded.tokenizer.bytes(of: part[place]).count
      }
    }
    let score = evaluation.scores[0]
    #expect(score.tokens == count && score.bytes == bytes)
    #expect(abs(score.nats - nats) < 1e-4 * Double(count))
    #expect(abs(score.perplexity - exp(nats / Double(count))) < 1e-3 * score.perplexity)
  }

  @Test func textsAddUp() throws {
    let loaded = try Tiny.load()
    var both = try evaluation(loaded, window: 30), one = try evaluation(loaded, window: 30), other = try evaluation(loaded, window: 30)
    for text in [text, "short"] { #expect(try both.add(both.windows(text))) }
    #expect(try one.add(one.windows(text)))
    #expect(try other.add(other.windows("short")))
    #expect(both.scores[0].tokens == one.scores[0].tokens + other.scores[0].tokens)
    #expect(abs(both.scores[0].nats - one.scores[0].nats - other.scores[0].nats) < 1e-9)
  }

  @Test func aCancelledTextIsNotCounted() throws {
    var evaluation = try evaluation(Tiny.load(), window: 10)
    var asked = 0
    let isWhole = try evaluation.add(evaluation.windows(text)) { _ in
    } isCancelled: {
      asked += 1
      return asked > 2
    }
    #expect(!isWhole && evaluation.scores[0].tokens == 0)
  }

  @Test func refusesWindowsThatCannotBe() throws {
    let loaded = try Tiny.load()
    for (window, skip) in [(1, 1), (257, 1), (10, 0), (10, 10)] { #expect(throws: GenerationError.self) { _ = try evaluation(loaded, window: window, skip: skip) } }
  }
}
