public import CentramModel

/// Answers requests in one batch: requests join and leave between steps, and what one gets does not depend on the others. Used by one thread
/// at a time; the engine is its own while it works.
public final class Generator {
  public typealias Handler = (GenerationEvent) -> Void
  /// Names a request.
  public struct Handle: Hashable, Sendable { let number: Int }

  public let engine: Engine
  public let tokenizer: Tokenizer
  public let endTokens: Set<Int32>
  /// Most positions of a request.
  public let context: Int
  /// Sequences that a step advances; others wait.
  public let maximumBatch: Int
  /// Prompt tokens that a request reads in a step, so that the others are not held up.
  public let promptChunk: Int
  private let clock: () -> Double
  private var nextNumber = 0
  private var waiting: [Waiting] = []
  private var active: [Active] = []
  private var cancelled: Set<Handle> = []

  private struct Waiting {
    let handle: Handle, request: GenerationRequest, cache: PromptCache?, start: Double, handler: Handler
  }
  private struct Active {
    let handle: Handle, answer: GenerationAnswer, cache: PromptCache?, handler: Handler
    /// Answers to make of this one once the prompt is read.
    var copies: Int
  }

  /// - Parameters:
  ///   - endTokens: nil for those that model and tokenizer name.
  ///   - context: nil for the model's.
  ///   - clock: seconds from any moment.
  public init(
    engine: Engine, tokenizer: Tokenizer, endTokens: Set<Int32>? = nil, context: Int? = nil, maximumBatch: Int = 64, promptChunk: Int = 512,
    clock: @escaping () -> Double
  ) throws(GenerationError) {
    let most = engine.model.configuration.usableContext
    guard (1...most).contains(context ?? most) else {
      throw GenerationError(.context, "a context of \(context ?? most): the model has from 1 to \(most)")
    }
    (self.engine, self.tokenizer, self.clock) = (engine, tokenizer, clock)
    self.endTokens = endTokens ?? Set(engine.model.configuration.endTokens + tokenizer.endTokens)
    (self.context, self.maximumBatch, self.promptChunk) = (context ?? most, min(max(1, maximumBatch), Engine.maximumBatch), max(1, promptChunk))
  }

  /// Adds a request; its events come from `step`.
  /// - Parameters:
  ///   - cache: of the conversation that the request goes on with; taken when the request begins, and given back when it ends. Not used for
  ///     mixtures.
  /// - Throws: for parameters outside their limits, and for a prompt that does not fit.
  @discardableResult public func add(_ request: GenerationRequest, cache: PromptCache? = nil, handler: @escaping Handler) throws(GenerationError) -> Handle {
    guard !request.prompt.isEmpty else { throw GenerationError(.parameter, "the prompt is empty: at least one token") }
    guard request.prompt.count < context else {
      throw GenerationError(.context, "the prompt has \(request.prompt.count) tokens, and the context \(context): shorten it, or give a larger context")
    }
    let vocabulary = engine.model.configuration.vocabulary
    for token in request.prompt where token < 0 || Int(token) >= vocabulary {
      throw GenerationError(.parameter, "the prompt's token \(token) is not in the model's vocabulary of \(vocabulary)")
    }
    if let most = request.maximumTokens, most < 1 { throw GenerationError(.parameter, "at most \(most) tokens: at least 1") }
    guard (1...128).contains(request.count) else { throw GenerationError(.parameter, "\(request.count) answers: from 1 to 128") }
    if request.count > 1, request.sampling.temperature == 0 {
      throw GenerationError(.parameter, "\(request.count) answers at temperature 0 are all the same: give a temperature")
    }
    _ = try Sampler(request.sampling)
    _ = try StopDetector(request.stops)
    if let mixture = request.mixture { _ = try MixtureState(experts: mixture.experts.count, priors: mixture.priors) }
    let handle = Handle(number: nextNumber)
    nextNumber += 1
    waiting.append(Waiting(handle: handle, request: request, cache: cache, start: clock(), handler: handler))
    return handle
  }

  /// Ends a request before its next token; its handler gets `.cancelled` in the next step.
  public func cancel(_ handle: Handle) { cancelled.insert(handle) }

  public var isIdle: Bool { waiting.isEmpty && active.isEmpty }

  /// Works until all requests are answered.
  public func run() throws { while !isIdle { try step() } }

  /// Gives each answer under way its next token, or reads on in its prompt.
  /// - Throws: what the engine throws; what concerns one answer goes to its handler.
  public func step() throws {
    try admit()
    endCancelled()
    var inputs: [StepInput] = []
    for entry in active { inputs += try prepare(entry.answer) }
    guard !inputs.isEmpty else { return }
    let logits = try engine.step(inputs)
    var place = 0, going: [Active] = [], fresh: [Active] = []
    for var entry in active {
      let answer = entry.answer
      let count = min(answer.pending.count, promptChunk)
      answer.pending = answer.pending.dropFirst(count)
      let voices = voices(of: answer)
      defer { place += voices.count }
      guard answer.pending.isEmpty else {
        going.append(entry)
        continue
      }
      var rows = [UnsafeBufferPointer<Float>](repeating: UnsafeBufferPointer(start: nil, count: 0), count: answer.voices.count)
      for (offset, voice) in voices.enumerated() { rows[voice] = UnsafeBufferPointer(logits.last(of: place + offset)) }
      let copies = try (0..<entry.copies).map { try answer.copy(index: $0 + 1) }
      entry.copies = 0
      for one in [entry] + copies.map({ Active(handle: entry.handle, answer: $0, cache: nil, handler: entry.handler, copies: 0) }) where advance(one, rows) {
        fresh.append(one)
      }
    }
    active = going + fresh
  }

  // MARK: steps

  private func admit() throws {
    while let next = waiting.first, active.reduce(0, { $0 + $1.answer.voices.count * (1 + $1.copies) }) < maximumBatch {
      waiting.removeFirst()
      if cancelled.contains(next.handle) {
        let result = GenerationResult(
          index: 0, reason: .cancelled, stop: nil, rest: "", text: "", tokens: [], usage: GenerationUsage(), responsibilities: nil)
        next.handler(.finished(result))
        continue
      }
      do throws(GenerationError) {
        let answer = try begin(next)
        active.append(Active(handle: next.handle, answer: answer, cache: next.cache, handler: next.handler, copies: next.request.count - 1))
      } catch {
        next.handler(.failed(index: 0, error))
      }
    }
  }

  private func begin(_ entry: Waiting) throws(GenerationError) -> GenerationAnswer {
    let request = entry.request
    let most = min(request.maximumTokens ?? .max, context - request.prompt.count)
    // A conversation goes on, so its cache has room for all of the context.
    let capacity = entry.cache == nil ? request.prompt.count + most : context
    func fresh() throws(GenerationError) -> KeyValueCache {
      do throws(ModelFileError) { return try KeyValueCache(model: engine.model, capacity: capacity) } catch { throw GenerationError(.context, error.message) }
    }
    var voices: [GenerationAnswer.Voice] = [], mixture: MixtureState?, read = 0
    if let options = request.mixture {
      mixture = try MixtureState(experts: options.experts.count, priors: options.priors)
      for expert in options.experts { voices.append(.init(cache: try fresh(), adapters: expert.adapters)) }
    } else {
      let kept = entry.cache?.take(request.prompt, adapters: request.adapters, capacity: capacity)
      let cache = if let kept { kept } else { try fresh() }
      read = cache.count
      voices = [.init(cache: cache, adapters: request.adapters)]
    }
    return try GenerationAnswer(
      id: entry.handle.number, index: 0, request: request, voices: voices, mixture: mixture, read: read, tokenizer: tokenizer, endTokens: endTokens, most: most,
      start: entry.start)
  }

  private func endCancelled() {
    guard !cancelled.isEmpty else { return }
    active.removeAll { entry in
      guard cancelled.contains(entry.handle) else { return false }
      finish(entry, .cancelled)
      return true
    }
    cancelled.removeAll()
  }

  /// The voices that still speak.
  private func voices(of answer: GenerationAnswer) -> [Int] { answer.mixture?.active ?? [0] }

  private func prepare(_ answer: GenerationAnswer) throws -> [StepInput] {
    if answer.mixture != nil, answer.voices[0].cache.count == 0 { try readPrompt(answer) }
    let tokens = Array(answer.pending.prefix(promptChunk))
    let isLast = tokens.count == answer.pending.count
    return voices(of: answer).map { voice in
      StepInput(tokens: tokens, cache: answer.voices[voice].cache, adapters: answer.voices[voice].adapters, logits: isLast ? .last : .none)
    }
  }

  /// A mixture weighs its experts by what they make of the prompt, so all of its tokens' losses are needed.
  private func readPrompt(_ answer: GenerationAnswer) throws {
    let prompt = answer.request.prompt
    guard prompt.count > 1 else { return }
    var losses: [[Double]] = []
    for voice in answer.voices {
      losses.append(try engine.losses(prompt, cache: voice.cache, adapters: voice.adapters))
      voice.cache.truncate(to: prompt.count - 1)
    }
    for position in losses[0].indices { answer.mixture!.observe(losses.map { -$0[position] }) }
    answer.pending = prompt.suffix(1)
  }

  /// Gives an answer its token; false where it ends.
  private func advance(_ entry: Active, _ rows: [UnsafeBufferPointer<Float>]) -> Bool {
    do throws(GenerationError) {
      let (event, reason) = try entry.answer.advance(rows, now: clock())
      if let event { entry.handler(.token(event)) }
      guard let reason else { return true }
      finish(entry, reason)
    } catch {
      entry.handler(.failed(index: entry.answer.index, error))
    }
    return false
  }

  private func finish(_ entry: Active, _ reason: FinishReason) {
    let answer = entry.answer
    if answer.request.mixture == nil { entry.cache?.put(answer.voices[0].cache, answer.readTokens, adapters: answer.voices[0].adapters) }
    entry.handler(.finished(answer.result(reason, now: clock())))
  }
}
