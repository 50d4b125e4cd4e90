internal import CentramModel

/// One answer under way: what it has read and written, and how the next token is chosen.
final class GenerationAnswer {
  struct Voice {
    let cache: KeyValueCache
    let adapters: [AppliedAdapter]
  }

  let id: Int
  let index: Int
  let request: GenerationRequest
  /// One, or as many as a mixture has experts.
  let voices: [Voice]
  var mixture: MixtureState?
  /// Tokens that the model has not read yet.
  var pending: ArraySlice<Int32>
  private(set) var output: [Int32] = []
  private(set) var text = ""
  var usage: GenerationUsage
  let start: Double
  private var sampler: Sampler
  private var decoder: StreamingDecoder
  private var stops: StopDetector
  private var constraint: GrammarConstraint?
  private let endTokens: Set<Int32>
  private let most: Int
  private var bytes = 0
  private let tokenizer: Tokenizer
  /// The row of a mixture.
  private var mixed = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)

  init(
    id: Int, index: Int, request: GenerationRequest, voices: [Voice], mixture: MixtureState?, read: Int, tokenizer: Tokenizer, endTokens: Set<Int32>, most: Int,
    start: Double
  ) throws(GenerationError) {
    (self.id, self.index, self.request, self.voices, self.mixture) = (id, index, request, voices, mixture)
    pending = request.prompt[read...]
    usage = GenerationUsage()
    (usage.promptTokens, usage.cachedTokens) = (request.prompt.count, read)
    var sampling = request.sampling
    // Which answer, beside what the caller chose.
    sampling.sample += index
    sampler = try Sampler(sampling)
    sampler.observe(prompt: request.prompt)
    decoder = StreamingDecoder(tokenizer, skippingSpecial: !request.showsSpecial)
    stops = try StopDetector(request.stops)
    constraint = try request.grammar.map { matcher throws(GenerationError) in try GrammarConstraint(matcher) }
    self.endTokens = request.ignoresEnd ? [] : endTokens
    (self.most, self.start, self.tokenizer) = (most, start, tokenizer)
  }

  deinit { mixed.deallocate() }

  /// Tokens of prompt and output that the model has read.
  var readTokens: [Int32] { Array((request.prompt + output).prefix(voices[0].cache.count)) }

  /// Chooses a token from the logits after the last one.
  /// - Parameter rows: a row a voice; those of voices that are out may be empty.
  /// - Returns: what to tell, and why the answer ends, if it does.
  func advance(_ rows: [UnsafeBufferPointer<Float>], now: Double) throws(GenerationError) -> (event: GeneratedToken?, reason: FinishReason?) {
    let mask = try constraint?.allowed()
    let position = request.prompt.count + output.count
    let weights = mixture?.responsibilities
    let sampled = mixture == nil ? try sampler.sample(rows[0], position: position, allowed: mask) : try mix(rows, position, mask)
    if output.isEmpty { usage.secondsToFirstToken = now - start }
    usage.completionTokens += 1
    if endTokens.contains(sampled.token) { return (nil, .end) }
    try constraint?.accept(sampled.token)
    output.append(sampled.token)
    pending = [sampled.token]
    prune(sampled.token)
    let shown = stops.consume(decoder.push(sampled.token))
    text += shown
    let event = GeneratedToken(
      index: index, token: sampled.token, text: shown, logProbability: sampled.logProbability, top: sampled.top, responsibilities: weights)
    if stops.found != nil { return (event, .stop) }
    if let constraint, try !constraint.canContinue { return (event, .end) }
    return (event, output.count >= most ? .length : nil)
  }

  private func mix(_ rows: [UnsafeBufferPointer<Float>], _ position: Int, _ mask: TokenMask?) throws(GenerationError) -> SampledToken {
    let present = rows[mixture!.active[0]]
    if mixed.count != present.count {
      mixed.deallocate()
      mixed = .allocate(capacity: present.count)
    }
    let normalizers = try mixture!.foretell(rows.map { $0.isEmpty ? present : $0 }, into: mixed)
    let sampled = try sampler.sample(UnsafeBufferPointer(mixed), position: position, allowed: mask)
    let place = Int(sampled.token)
    mixture!.observe(rows.indices.map { rows[$0].isEmpty ? -.infinity : Double(rows[$0][place]) - Double(normalizers[$0]) })
    return sampled
  }

  private func prune(_ token: Int32) {
    bytes += tokenizer.bytes(of: token).count
    guard let options = request.mixture, let kept = options.keptExperts, bytes >= options.pruningBytes, mixture!.active.count > kept else { return }
    mixture!.keepBest(kept)
  }

  func result(_ reason: FinishReason, now: Double) -> GenerationResult {
    usage.seconds = now - start
    // After a stop string nothing is shown any more.
    let rest = stops.found == nil ? stops.consume(decoder.finish()) + stops.finish() : ""
    text += rest
    return GenerationResult(
      index: index, reason: reason, stop: stops.found, rest: rest, text: text, tokens: output, usage: usage, responsibilities: mixture?.meanResponsibilities)
  }

  /// The same after the prompt, for another answer to it.
  func copy(index: Int) throws -> GenerationAnswer {
    let voices = try self.voices.map { Voice(cache: try $0.cache.copy(), adapters: $0.adapters) }
    let copy = try GenerationAnswer(
      id: id, index: index, request: request, voices: voices, mixture: mixture, read: usage.cachedTokens, tokenizer: tokenizer, endTokens: endTokens,
      most: most, start: start)
    copy.pending = pending
    return copy
  }
}
