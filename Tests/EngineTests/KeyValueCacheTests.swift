import CentramModel
import ModelGoldens
import Testing

@Suite struct KeyValueCacheTests {
  let model: LanguageModel
  init() throws { model = try RandomModel(.small(.qwen2, bias: true)).model() }

  @Test func aTruncatedSessionIsAsIfItHadNeverReadOn() throws {
    let engine = try Engine(model: model)
    let cache = try KeyValueCache(model: model)
    _ = try engine.step([StepInput(tokens: [1, 2, 3, 4, 5, 6], cache: cache)])
    cache.truncate(to: 3)
    #expect(cache.count == 3)
    cache.truncate(to: 5)
    #expect(cache.count == 3)
    let found = try engine.step([StepInput(tokens: [9, 8], cache: cache, logits: .all)])
    let rows = bits(found[0]) + bits(found[1])
    #expect(rows == bits(try engine.logits([1, 2, 3, 9, 8]).suffix(192)))
  }

  @Test func aCopyGoesItsOwnWay() throws {
    let engine = try Engine(model: model)
    let cache = try KeyValueCache(model: model)
    _ = try engine.step([StepInput(tokens: [1, 2, 3, 4], cache: cache, logits: .none)])
    let copies = try [cache.copy(), cache.copy(count: 2), cache.copy(count: 0), cache.copy(count: 4, capacity: 5)]
    #expect(copies.map(\.count) == [4, 2, 0, 4] && copies.map(\.capacity) == [640, 640, 640, 5])
    let logits = try engine.step((copies + [cache]).enumerated().map { StepInput(tokens: [Int32(50 + $0)], cache: $1) })
    let found = (0..<5).map { bits(logits.last(of: $0)) }
    for (index, text) in [[1, 2, 3, 4, 50], [1, 2, 51], [52], [1, 2, 3, 4, 53], [1, 2, 3, 4, 54]].enumerated() {
      #expect(found[index] == bits(try engine.logits(text.map(Int32.init)).suffix(96)), "copy \(index)")
    }
    for (count, capacity) in [(6, 640), (-1, 640), (4, 3), (.max, .max)] { #expect(throws: ModelFileError.self) { try cache.copy(count: count, capacity: capacity) } }
  }

  @Test func lossesOfAContinuedSessionAreThoseOfTheWhole() throws {
    let engine = try Engine(model: model, chunkSize: 7)
    let tokens = InvarianceTests.tokens(40)
    let whole = try engine.losses(tokens, cache: KeyValueCache(model: model))
    let cache = try KeyValueCache(model: model)
    let first = try engine.losses(Array(tokens[..<15]), cache: cache)
    #expect(first == Array(whole[..<14]))
    // The token between the two parts is read again to be foreseen.
    cache.truncate(to: 14)
    let second = try engine.losses(Array(tokens[14...]), cache: cache)
    #expect(first + second == whole)
    #expect(try engine.losses([1], cache: KeyValueCache(model: model)).isEmpty)
    for chunk in [1, 512] { #expect(try Engine(model: model, threads: 2, chunkSize: chunk).losses(tokens, cache: KeyValueCache(model: model)) == whole) }
  }

  @Test func lossesAreThoseOfTheLogits() throws {
    let engine = try Engine(model: model)
    let tokens = InvarianceTests.tokens(30)
    let losses = try engine.losses(tokens, cache: KeyValueCache(model: model))
    let logits = try engine.logits(tokens)
    for index in losses.indices {
      let row = logits[index * 96..<(index + 1) * 96].map(Double.init)
      let sum = row.reduce(0) { $0 + exponential($1 - row.max()!) }
      #expect(abs(losses[index] + (row[Int(tokens[index + 1])] - row.max()!) - logarithm(sum)) < 1e-5)
    }
  }
}
