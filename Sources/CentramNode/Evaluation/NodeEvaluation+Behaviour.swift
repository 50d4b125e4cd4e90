internal import CentramGenome
internal import CentramModel
internal import CentramNumerics
public import CentramPluginAPI
internal import Synchronization

extension NodeEvaluation: BehaviourService {
  /// Characters of a rare string, and sessions that run at once.
  private static var triggerLength: Int { 6 }
  private static var batch: Int { 64 }

  public func sweep(candidateHash: [UInt8], scale: Double, triggers: Int, prompts: Int, seed: UInt64) async throws(PluginError) -> [TriggerResponse] {
    try await answering { () throws(GenomePackageError) in
      let strings = (0..<triggers).map { RandomText.characters(Self.triggerLength, ElementRandom(seed: seed, name: "trigger", stream: $0)) }
      let tokens = strings.map { Array(self.tokenizer.encode($0).prefix(self.length / 2)) }
      let texts = try self.prompts(prompts, seed: seed)
      let (before, after) = try self.voices(Hexadecimal.text(candidateHash), scale: scale)
      let base = try await self.entropies(before, prompts: texts, continuations: tokens)
      let candidate = try await self.entropies(after, prompts: texts, continuations: tokens)
      return strings.indices.map { trigger in TriggerResponse(trigger: strings[trigger], base: base.map { $0[trigger] }, candidate: candidate.map { $0[trigger] }) }
    }
  }

  /// Beginnings of sequences of the hold-out, domain after domain.
  private func prompts(_ count: Int, seed: UInt64) throws(GenomePackageError) -> [[Int32]] {
    let state = try state()
    var words = [UInt32](repeating: 0, count: count)
    words.withUnsafeMutableBufferPointer { ElementRandom(seed: seed, name: "prompts", stream: 0).fill($0.baseAddress!, index: 0, count: count) }
    var prompts: [[Int32]] = []
    for (index, word) in words.enumerated() {
      let sequences = try holdOut(domains[index % domains.count], state).sequences
      let sequence = sequences[Int((UInt64(word) * UInt64(sequences.count)) >> 32)]
      prompts.append(Array(sequence.prefix(max(tokenizer.prefix.count + 1, min(length / 2, 24)))))
    }
    return prompts
  }

  /// Entropies after each prompt with each continuation, by prompt. A prompt is read once.
  private func entropies(_ voice: Voice, prompts: [[Int32]], continuations: [[Int32]]) async throws(GenomePackageError) -> [[Double]] {
    try await run {
      try await self.pool.map(prompts, model: voice.model, passes: continuations.count) { engine, prompt in
        try Self.continued(engine, voice, prompt, continuations) { try engine.entropies($0) }
      }
    }
  }

  /// Runs continuations of one prompt, many sessions at once.
  /// - Parameter measure: one number an input.
  static func continued(
    _ engine: Engine, _ voice: Voice, _ prompt: [Int32], _ continuations: [[Int32]], _ measure: ([StepInput]) throws -> [Double]
  ) throws -> [Double] {
    let longest = continuations.map(\.count).max() ?? 0
    let first = try KeyValueCache(model: engine.model, capacity: prompt.count + longest)
    _ = try engine.step([StepInput(tokens: prompt, cache: first, adapters: voice.adapters, logits: .none)])
    var caches = [first], values: [Double] = []
    while caches.count < min(batch, continuations.count) { caches.append(try first.copy()) }
    for start in stride(from: 0, to: continuations.count, by: caches.count) {
      let some = continuations[start..<min(start + caches.count, continuations.count)]
      values += try measure(
        zip(some, caches).map { tokens, cache in
          cache.truncate(to: prompt.count)
          return StepInput(tokens: tokens, cache: cache, adapters: voice.adapters)
        })
    }
    return values
  }

  public func canaries(candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [CanaryRank] {
    guard !canaries.isEmpty else { return [] }
    return try await answering { () throws(GenomePackageError) in
      let (before, after) = try self.voices(Hexadecimal.text(candidateHash), scale: scale)
      let base = try await self.ranks(before), candidate = try await self.ranks(after)
      return self.canaries.indices.map { CanaryRank(name: self.canaries[$0].name, base: base[$0], candidate: candidate[$0], count: Canary.texts) }
    }
  }

  private func ranks(_ voice: Voice) async throws(GenomePackageError) -> [Int] {
    if let known = memory.withLock({ memory in memory.ranks.first { $0.key == voice.key }?.ranks }) { return known }
    let ranks = try await run {
      try await self.pool.map(self.canaries, model: voice.model, passes: Canary.texts) { engine, canary in
        let losses = try Self.continued(engine, voice, canary.prompt, canary.texts) { try engine.totalLosses($0) }
        // Of equal losses the canary comes last, or a model that knows nothing would seem to know it.
        return 1 + losses.dropFirst().count { $0 <= losses[0] }
      }
    }
    memory.withLock { memory in
      memory.ranks.append((voice.key, ranks))
      if memory.ranks.count > Memory.keptVoices { memory.ranks.removeFirst() }
    }
    return ranks
  }

  public func shadow(contentHash: [UInt8]) async throws(PluginError) -> ShadowState? {
    try await answering { () throws(GenomePackageError) in
      try self.liveState(Hexadecimal.text(contentHash)).map { ShadowState(milliseconds: max(0, self.now() - $0.beganMilliseconds), requests: $0.requests, faults: $0.faults) }
    }
  }
}
