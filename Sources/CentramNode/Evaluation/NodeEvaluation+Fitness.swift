internal import CentramGenome
internal import CentramModel
internal import CentramNumerics
public import CentramPluginAPI
internal import CentramStore

extension NodeEvaluation: EvaluationService {
  public func losses(domain: String, candidateHash: [UInt8]?, scale: Double) async throws(PluginError) -> [Double] {
    try await answering { () throws(GenomePackageError) in
      try await self.means(try self.model(with: candidateHash.map { .genome(Hexadecimal.text($0)) }, scale: scale), domain)
    }
  }

  public func divergences(domain: String, candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [Double] {
    try await answering { () throws(GenomePackageError) in
      let sequences = Array(try self.holdOut(domain, try self.state()).sequences.prefix(self.settings.references))
      let (before, after) = try self.voices(Hexadecimal.text(candidateHash), scale: scale)
      if before.model === after.model {
        return try await self.run {
          try await self.pool.map(sequences, model: before.model, passes: 2) { engine, tokens in
            let values = try engine.divergences(tokens, from: before.adapters, to: after.adapters)
            return values.reduce(0, +) / Double(values.count)
          }
        }
      }
      // A full delta is a model of its own, so the distributions of one are kept while the other runs.
      let rows = try await self.run { try await self.pool.map(sequences, model: before.model) { try $0.scores($1, adapters: before.adapters) } }
      return try await self.run {
        try await self.pool.map(Array(zip(sequences, rows)), model: after.model) { engine, pair in
          let values = try engine.divergences(pair.0, fromScores: pair.1, to: after.adapters)
          return values.reduce(0, +) / Double(values.count)
        }
      }
    }
  }

  /// Mean nats a token of each sequence.
  private func means(_ measured: MeasuredModel, _ domain: String) async throws(GenomePackageError) -> [Double] {
    try await tokenLosses(measured, domain, try state()).map { $0.reduce(0, +) / Double(max(1, $0.count)) }
  }

  /// The model in use, with an update in addition.
  func model(with update: MeasuredModel.Update?, scale: Double) throws(GenomePackageError) -> MeasuredModel {
    let current = try current()
    guard let update else { return current }
    let term = MeasuredModel.Term(update, weight: scale)
    switch current {
    case .sum(let terms): return .sum(terms + [term])
    case .mixture(let experts):
      // A newcomer enters a mixture with a low prior, whatever else is in it.
      let all = experts.reduce(0) { $0 + $1.prior }, prior = EvolutionSettings.standardNewcomerPrior
      return .mixture(experts + [.init([term], prior: all * prior / (1 - prior))])
    }
  }

  /// Single voices for what has no meaning in a mixture: the base alone stands for it then.
  func voices(_ candidate: String, scale: Double) throws(GenomePackageError) -> (before: Voice, after: Voice) {
    var terms: [MeasuredModel.Term] = []
    if case .sum(let used) = try current() { terms = used }
    return (try voice(terms), try voice(terms + [.init(.genome(candidate), weight: scale)]))
  }

  /// In the words of a plugin's service.
  func answering<Value>(_ body: () async throws(GenomePackageError) -> Value) async throws(PluginError) -> Value {
    do throws(GenomePackageError) { return try await body() } catch {
      let code: PluginError.Code = error.code == .cancelled ? .cancelled : error.code == .storage ? .inputOutput : error.code == .notFound ? .unavailable : .invalid
      throw PluginError(code, error.message)
    }
  }
}

extension NodeEvaluation: FitnessService {
  public func bytesPerToken(domain: String) async throws(PluginError) -> Double {
    try await answering { () throws(GenomePackageError) in
      let (sequences, bytes) = try self.holdOut(domain, try self.state())
      let tokens = sequences.reduce(0) { $0 + $1.count - 1 }
      return Double(bytes.reduce(0, +)) / Double(max(1, tokens))
    }
  }

  public func randomUpdateLosses(domain: String, candidateHash: [UInt8], scale: Double, seed: UInt64) async throws(PluginError) -> [Double] {
    try await answering { () throws(GenomePackageError) in
      try await self.means(try self.model(with: .random(like: Hexadecimal.text(candidateHash), seed: seed), scale: scale), domain)
    }
  }

  public func randomTextLosses(candidateHash: [UInt8]?, scale: Double, count: Int, seed: UInt64) async throws(PluginError) -> [Double] {
    try await answering { () throws(GenomePackageError) in
      let (sequences, bytes) = try self.randomText(count, seed: seed)
      // Beside the base alone: a node's own genome makes its model too sure of what it never saw, and whatever is added to it gains there.
      let nats = try await self.nats(try self.voice(candidateHash.map { [.init(.genome(Hexadecimal.text($0)), weight: scale)] } ?? []), sequences)
      return zip(nats, bytes).map { $0.reduce(0, +) / Double(max(1, $1)) }
    }
  }

  /// Sequences of the hold-out's tokens, each drawn by itself, and the bytes that their scored tokens stand for. Tokens are as frequent as in text, and
  /// nothing before foretells them: what a genome gains there is no knowledge of text.
  private func randomText(_ count: Int, seed: UInt64) throws(GenomePackageError) -> (sequences: [[Int32]], bytes: [Int]) {
    let state = try state(), prefix = tokenizer.prefix, step = max(2, length - prefix.count)
    var pool: [Int32] = []
    for domain in domains { for sequence in try holdOut(domain, state).sequences { pool += sequence.dropFirst(prefix.count) } }
    var sequences: [[Int32]] = [], bytes: [Int] = []
    for place in 0..<count {
      var words = [UInt32](repeating: 0, count: step)
      words.withUnsafeMutableBufferPointer { ElementRandom(seed: seed, name: "random-text", stream: place).fill($0.baseAddress!, index: 0, count: step) }
      let sequence = prefix + words.map { pool[Int((UInt64($0) * UInt64(pool.count)) >> 32)] }
      sequences.append(sequence)
      bytes.append(sequence.dropFirst().reduce(0) { $0 + tokenizer.bytes(of: $1).count })
    }
    return (sequences, bytes)
  }

  public func holdOut(author: String) async throws(PluginError) -> HoldOutState {
    try await answering { () throws(GenomePackageError) in
      let state = try self.state()
      // A step of a round judges each participant once, on a model that no earlier answer was about.
      if GateContext.current?.transient != nil { return HoldOutState(released: 0, testsSinceRefresh: state.tests) }
      return HoldOutState(released: state.released[author] ?? 0, testsSinceRefresh: state.tests)
    }
  }

  public func live(contentHash: [UInt8]) async throws(PluginError) -> LiveFitness? {
    try await answering { () throws(GenomePackageError) in try self.liveState(Hexadecimal.text(contentHash)).map { LiveFitness(before: $0.before, after: $0.after) } }
  }
}

enum RandomText {
  /// Printable ASCII.
  static func characters(_ count: Int, _ random: ElementRandom) -> String {
    var words = [UInt32](repeating: 0, count: count)
    words.withUnsafeMutableBufferPointer { random.fill($0.baseAddress!, index: 0, count: count) }
    return String(decoding: words.map { UInt8(32 + (UInt64($0) * 95) >> 32) }, as: UTF8.self)
  }
}
