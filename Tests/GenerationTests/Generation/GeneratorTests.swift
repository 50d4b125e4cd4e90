import CentramModel
import CentramNode
import Testing

@Suite struct GeneratorTests {
  @Test func greedyTokensAreThoseOfTransformers() throws {
    let golden = try Tiny.golden(), loaded = try Tiny.load()
    var request = GenerationRequest(prompt: golden.ids)
    (request.maximumTokens, request.ignoresEnd) = (golden.greedy.count - golden.ids.count, true)
    let outcome = try Outcome.of(request, Tiny.generator(loaded))
    #expect(golden.ids + outcome.tokens[0]! == golden.greedy)
    #expect(outcome.reasons[0] == .length)
    #expect(outcome.streamed[0] == outcome.texts[0])
  }

  /// Alone and among others that join and leave, with prompts read at once or in pieces, in one thread and in two.
  @Test func answersDoNotDependOnTheOthers() throws {
    let loaded = try Tiny.load()
    let alone = try Tiny.requests(loaded).map { try Outcome.of($0, Tiny.generator(loaded)) }
    #expect(alone.allSatisfy { $0.failures.isEmpty })
    for (threads, batch, chunk) in [(1, 64, 512), (2, 3, 4), (1, 1, 1)] {
      let loaded = try Tiny.load(threads: threads), generator = try Tiny.generator(loaded, maximumBatch: batch, promptChunk: chunk)
      let collectors = alone.map { _ in Collector() }
      for (index, request) in try Tiny.requests(loaded).enumerated() {
        try generator.add(request, handler: collectors[index].take)
        try generator.step()
        if index % 2 == 0 { try generator.step() }
      }
      try generator.run()
      for index in alone.indices { #expect(collectors[index].outcome == alone[index], "request \(index), \(threads) threads, batches of \(batch)") }
    }
  }

  @Test func answersToOnePromptAreThoseOfTheirSampleNumbers() throws {
    let loaded = try Tiny.load(), generator = try Tiny.generator(loaded)
    var request = GenerationRequest(prompt: try Tiny.golden().ids)
    (request.maximumTokens, request.sampling.temperature, request.count) = (12, 1, 3)
    let together = try Outcome.of(request, generator)
    request.count = 1
    for sample in 0..<3 {
      request.sampling.sample = sample
      #expect(try Outcome.of(request, generator).tokens[0] == together.tokens[sample])
    }
    #expect(together.tokens[0] != together.tokens[1])
  }

  @Test func aConversationReadsOnlyWhatIsNew() throws {
    let loaded = try Tiny.load(), generator = try Tiny.generator(loaded), cache = PromptCache()
    let ids = try Tiny.golden().ids
    var request = GenerationRequest(prompt: Array(ids.prefix(20)))
    (request.maximumTokens, request.ignoresEnd) = (8, true)
    let first = try Outcome.of(request, generator, cache: cache)
    #expect(first.cached == 0)
    // The last token that was written has not been read.
    #expect(cache.count == 27)
    request.prompt += first.tokens[0]! + ids.suffix(5)
    let fresh = try Outcome.of(request, generator)
    var second = try Outcome.of(request, generator, cache: cache)
    #expect(second.cached == 27)
    second.cached = 0
    #expect(second == fresh)
    // A prompt that differs early, and one that is a beginning of what was read.
    for prompt in [Array(ids.prefix(6) + ids.suffix(4)), Array(ids.prefix(9))] {
      request.prompt = prompt
      var again = try Outcome.of(request, generator, cache: cache)
      let expected = try Outcome.of(request, generator)
      #expect(again.cached == (prompt.count == 9 ? 6 : 6))
      again.cached = 0
      #expect(again == expected)
    }
    // Another adapter has other keys.
    request.adapters = [AppliedAdapter(try loaded.adapter(path: Tiny.adapterPath))]
    #expect(try Outcome.of(request, generator, cache: cache).cached == 0)
  }

  @Test func endsAtStopStringsAndDoesNotShowThem() throws {
    let loaded = try Tiny.load(), golden = try Tiny.golden()
    var request = GenerationRequest(prompt: golden.ids)
    (request.maximumTokens, request.ignoresEnd) = (16, true)
    let all = try Outcome.of(request, Tiny.generator(loaded))
    let text = try #require(all.texts[0])
    // A stop string that lies across tokens of the text.
    let stop = String(text.unicodeScalars.dropFirst(2).prefix(3).map(Character.init))
    request.stops = ["never there", stop]
    let stopped = try Outcome.of(request, Tiny.generator(loaded))
    #expect(stopped.reasons[0] == .stop)
    #expect(stopped.texts[0] == String(text[..<text.range(of: stop)!.lowerBound]))
    #expect(stopped.streamed[0] == stopped.texts[0])
  }

  @Test func endsAtEndTokensUnlessTold() throws {
    let loaded = try Tiny.load(), golden = try Tiny.golden()
    let third = golden.greedy[golden.ids.count + 2]
    var time = 0.0
    let generator = try Generator(
      engine: loaded.engine, tokenizer: loaded.tokenizer, endTokens: [third],
      clock: {
        time += 1; return time
      })
    var request = GenerationRequest(prompt: golden.ids)
    request.maximumTokens = 16
    let ended = try Outcome.of(request, generator)
    #expect(ended.reasons[0] == .end && ended.tokens[0] == Array(golden.greedy[golden.ids.count..<golden.ids.count + 2]))
    request.ignoresEnd = true
    #expect(try Outcome.of(request, generator).tokens[0]?.count == 16)
  }

  @Test func goesOnToTheEndOfTheContext() throws {
    let loaded = try Tiny.load()
    var request = GenerationRequest(prompt: try Tiny.golden().ids)
    request.ignoresEnd = true
    let outcome = try Outcome.of(request, Tiny.generator(loaded, context: 50))
    #expect(outcome.tokens[0]?.count == 50 - request.prompt.count && outcome.reasons[0] == .length)
    let error = #expect(throws: GenerationError.self) { _ = try Outcome.of(request, Tiny.generator(loaded, context: request.prompt.count)) }
    #expect(error?.code == .context)
  }

  @Test func cancellingEndsOneAndNotTheOthers() throws {
    let loaded = try Tiny.load(), generator = try Tiny.generator(loaded)
    let collectors = [Collector(), Collector(), Collector()]
    let handles = try Tiny.requests(loaded).prefix(3).enumerated().map { index, request in try generator.add(request, handler: collectors[index].take) }
    try generator.step()
    try generator.step()
    generator.cancel(handles[1])
    try generator.run()
    #expect(collectors[1].outcome.reasons == [0: .cancelled] && collectors[1].outcome.tokens[0]?.count == 2)
    #expect(collectors[0].outcome.reasons == [0: .length] && collectors[2].outcome.reasons == [0: .length])
    // One that has not begun.
    let late = Collector()
    generator.cancel(try generator.add(Tiny.requests(loaded)[0], handler: late.take))
    try generator.run()
    #expect(late.outcome.reasons == [0: .cancelled] && late.outcome.tokens.isEmpty)
  }

  @Test func anAnswerThatCannotGoOnLeavesTheOthers() throws {
    let loaded = try Tiny.load(), generator = try Tiny.generator(loaded)
    var stuck = GenerationRequest(prompt: try Tiny.golden().ids)
    stuck.sampling.logitBias = Dictionary(uniqueKeysWithValues: (0..<Int32(512)).map { ($0, -Float.infinity) })
    let failing = Collector(), working = Collector()
    try generator.add(stuck, handler: failing.take)
    try generator.add(Tiny.requests(loaded)[0], handler: working.take)
    try generator.run()
    #expect(failing.outcome.failures[0]?.code == .deadEnd)
    #expect(working.outcome.reasons[0] == .length)
  }

  @Test func everyAnswerUnderASchemaIsValid() throws {
    let loaded = try Tiny.load(), generator = try Tiny.generator(loaded)
    let schema =
      #"{"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":0,"maximum":99},"tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":3}},"required":["name","age","tags"],"additionalProperties":false}"#
    var request = GenerationRequest(prompt: try Tiny.golden().ids)
    request.grammar = loaded.matcher(try JSONGrammar(schema: Array(schema.utf8)))
    (request.sampling.temperature, request.count) = (1.5, 12)
    let outcome = try Outcome.of(request, generator), document = try JSON(schema)
    #expect(outcome.texts.count == 12)
    for (index, text) in outcome.texts {
      #expect(outcome.reasons[index] == .end)
      #expect(Validator(document: document).accepts(try JSON(text), document), "\(text)")
    }
  }

  @Test func refusesRequestsThatCannotBe() throws {
    let generator = try Tiny.generator(Tiny.load())
    let changes: [(inout GenerationRequest) -> Void] = [
      { $0.prompt = [] }, { $0.prompt = [512] }, { $0.prompt = [-1] }, { $0.maximumTokens = 0 }, { $0.count = 2 }, { $0.count = 0 }, { $0.stops = [""] },
      { $0.sampling.topP = 2 }, { $0.mixture = .init(experts: []) }, { $0.mixture = .init(experts: [.init(name: "a", adapters: [])], priors: [0]) },
    ]
    for (index, change) in changes.enumerated() {
      var request = GenerationRequest(prompt: [1, 2])
      change(&request)
      #expect(throws: GenerationError.self, "change \(index)") { try generator.add(request) { _ in } }
    }
    #expect(generator.isIdle)
  }
}
