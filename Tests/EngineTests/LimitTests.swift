import CentramModel
import Testing

/// Every limit and one more; and configurations made to do harm.
@Suite struct LimitTests {
  func random(context: Int = 640) -> RandomModel {
    var configuration = ModelConfiguration.small()
    configuration.contextLength = context
    return RandomModel(configuration)
  }

  func code(_ body: () throws -> Void) -> ModelFileError.Code? {
    do { try body() } catch { return (error as? ModelFileError)?.code }
    return nil
  }

  @Test func aContextTakesItsLengthAndNoMore() throws {
    let model = try random(context: 20).model()
    let engine = try Engine(model: model)
    let cache = try KeyValueCache(model: model)
    #expect(cache.capacity == 20)
    _ = try engine.step([StepInput(tokens: Array(repeating: 1, count: 19), cache: cache)])
    #expect(code { _ = try engine.step([StepInput(tokens: [1, 2], cache: cache)]) } == .limit)
    #expect(cache.count == 19)
    _ = try engine.step([StepInput(tokens: [1], cache: cache)])
    let error = #expect(throws: ModelFileError.self) { try engine.step([StepInput(tokens: [1], cache: cache)]) }
    #expect(error?.code == .limit && error?.message.contains("20 positions and 1 more exceed the session's 20") == true)
    #expect(code { _ = try KeyValueCache(model: model, capacity: 21) } == .limit)
    #expect(code { _ = try KeyValueCache(model: model, capacity: 0) } == .limit)
    #expect(code { _ = try engine.embed([1, 2], at: 19) } == .limit)
    #expect(try engine.embed([1], at: 19).rows == 1)
  }

  @Test func aCacheTakesItsCapacityAndNoMore() throws {
    let model = try random().model()
    let engine = try Engine(model: model, chunkSize: 4)
    let cache = try KeyValueCache(model: model, capacity: 9)
    #expect(code { _ = try engine.step([StepInput(tokens: Array(repeating: 1, count: 10), cache: cache)]) } == .limit)
    #expect(cache.count == 0)
    _ = try engine.step([StepInput(tokens: Array(repeating: 1, count: 9), cache: cache)])
    #expect(cache.count == 9)
  }

  @Test func aBatchTakesItsSessionsAndNoMore() throws {
    let model = try random().model()
    let engine = try Engine(model: model)
    func inputs(_ count: Int) throws -> [StepInput] { try (0..<count).map { _ in StepInput(tokens: [1], cache: try KeyValueCache(model: model, capacity: 1)) } }
    #expect(try engine.step(inputs(Engine.maximumBatch)).count == Engine.maximumBatch)
    #expect(code { _ = try engine.step(inputs(Engine.maximumBatch + 1)) } == .limit)
    #expect(code { _ = try engine.step([]) } == .limit)
  }

  @Test func threadsAndChunksHaveLimits() throws {
    let model = try random().model()
    for threads in [0, -1, Engine.maximumThreads + 1, .max] { #expect(code { _ = try Engine(model: model, threads: threads) } == .limit) }
    for chunk in [0, -1, 65_537, .max] { #expect(code { _ = try Engine(model: model, chunkSize: chunk) } == .limit) }
    _ = try Engine(model: model, threads: 1, chunkSize: 65_536)
  }

  @Test func refusesTokensOutsideTheVocabulary() throws {
    let model = try random().model()
    let engine = try Engine(model: model)
    let cache = try KeyValueCache(model: model)
    for token: Int32 in [-1, 96, .min, .max] {
      #expect(code { _ = try engine.step([StepInput(tokens: [1, token], cache: cache)]) } == .invalid)
      #expect(code { _ = try engine.losses([1, token], cache: cache) } == .invalid)
      #expect(code { _ = try engine.embed([token], at: 0) } == .invalid)
    }
    #expect(code { _ = try engine.step([StepInput(tokens: [], cache: cache)]) } == .invalid)
    #expect(cache.count == 0)
    _ = try engine.step([StepInput(tokens: [0, 95], cache: cache)])
  }

  @Test func refusesCachesThatDoNotFit() throws {
    let model = try random().model()
    let engine = try Engine(model: model)
    let toy = try RandomModel(.smallToy).model()
    #expect(code { _ = try engine.step([StepInput(tokens: [1], cache: try KeyValueCache(model: toy))]) } == .invalid)
    #expect(code { _ = try engine.step([StepInput(tokens: [1], cache: try KeyValueCache(model: model, layers: 0..<2))]) } == .invalid)
    #expect(code { _ = try KeyValueCache(model: model, layers: 2..<4) } == .invalid)
    #expect(code { _ = try KeyValueCache(model: model, layers: 1..<1) } == .invalid)
    let cache = try KeyValueCache(model: model)
    #expect(code { _ = try engine.step([StepInput(tokens: [1], cache: cache), StepInput(tokens: [2], cache: cache)]) } == .invalid)
  }

  @Test func refusesLayersAndRowsThatAreNotThere() throws {
    let random = random()
    let middle = try Engine(model: random.model(layers: 1..<2))
    let cache = try KeyValueCache(model: middle.model)
    #expect(code { _ = try random.model(layers: 1..<4) } == .invalid)
    #expect(code { _ = try random.model(layers: 1..<1) } == .invalid)
    #expect(code { _ = try middle.embed([1], at: 0) } == .invalid)
    #expect(code { _ = try middle.step([StepInput(tokens: [1], cache: cache)]) } == .invalid)
    var hidden = HiddenStates(width: 64, values: Array(repeating: 0.5, count: 128))
    #expect(code { _ = try middle.head(hidden) } == .invalid)
    for layers in [0..<1, 0..<2, 1..<3, 2..<3, 1..<1] { #expect(code { try middle.run(layers, [LayerInput(rows: 2, cache: cache)], &hidden) } == .invalid) }
    for rows in [0, -1, 1, 3, .max, .min] { #expect(code { try middle.run(1..<2, [LayerInput(rows: rows, cache: cache)], &hidden) } == .invalid) }
    var narrow = HiddenStates(width: 32, values: Array(repeating: 0.5, count: 64))
    #expect(code { try middle.run(1..<2, [LayerInput(rows: 2, cache: cache)], &narrow) } == .invalid)
    #expect(cache.count == 0)
    try middle.run(1..<2, [LayerInput(rows: 2, cache: cache)], &hidden)
    #expect(cache.count == 2)
    let last = try Engine(model: random.model(layers: 2..<3))
    for rows in [1..<3, -1..<1] { #expect(code { _ = try last.head(hidden, rows: rows) } == .invalid) }
    #expect(try last.head(hidden, rows: 1..<2).count == 1)
  }

  @Test func aSessionThatIsFartherInSomeLayersIsRefused() throws {
    let model = try random().model()
    let engine = try Engine(model: model)
    let cache = try KeyValueCache(model: model)
    var hidden = try engine.embed([1, 2], at: 0)
    try engine.run(0..<2, [LayerInput(rows: 2, cache: cache)], &hidden)
    #expect(cache.count == 0)
    #expect(code { _ = try engine.step([StepInput(tokens: [1], cache: cache)]) } == .invalid)
    cache.truncate(to: 0)
    _ = try engine.step([StepInput(tokens: [1], cache: cache)])
  }
}
