internal import CentramGenome
internal import CentramModel
internal import CentramPluginAPI
internal import CentramStore

/// Adapters that run beside one model, each with its scale.
struct Voice: Sendable {
  let key: String
  let model: LanguageModel
  let adapters: [AppliedAdapter]
}

extension NodeEvaluation: ModelMeasuring {
  public func losses(of measured: MeasuredModel, domain: String) async throws(GenomePackageError) -> [Double] {
    let state = try state()
    let bytes = try holdOut(domain, state).bytes
    return zip(try await tokenLosses(measured, domain, state), bytes).map { $0.reduce(0, +) / Double(max(1, $1)) }
  }

  /// Nats of each token but the first, a list a sequence.
  func tokenLosses(_ measured: MeasuredModel, _ domain: String, _ state: EvaluationState) async throws(GenomePackageError) -> [[Double]] {
    switch measured {
    case .sum(let terms): return try await tokenLosses(terms, domain, state)
    case .mixture(let experts):
      var all: [[[Double]]] = []
      for expert in experts { all.append(try await tokenLosses(expert.terms, domain, state)) }
      return try Self.mixed(all, priors: experts.map(\.prior))
    }
  }

  /// A causal mixture that begins anew with each sequence.
  /// - Parameter experts: losses by expert, sequence and token.
  static func mixed(_ experts: [[[Double]]], priors: [Double]) throws(GenomePackageError) -> [[Double]] {
    do throws(GenerationError) {
      let fresh = try MixtureState(experts: experts.count, priors: priors)
      return experts[0].indices.map { sequence in
        var state = fresh
        return experts[0][sequence].indices.map { token in -state.observe(experts.map { -$0[sequence][token] }) }
      }
    } catch { throw GenomePackageError(.usage, error.message) }
  }

  private func tokenLosses(_ terms: [MeasuredModel.Term], _ domain: String, _ state: EvaluationState) async throws(GenomePackageError) -> [[Double]] {
    let voice = try voice(terms)
    let key = "\(voice.key)|\(domain)|\(state.refreshes)"
    if let known = memory.withLock({ $0.losses.first { $0.key == key }?.values }) { return known }
    let values = try await nats(voice, try holdOut(domain, state).sequences)
    memory.withLock { memory in
      memory.losses.removeAll { $0.key == key }
      memory.losses.append((key, values))
      if memory.losses.count > Memory.keptLosses { memory.losses.removeFirst() }
    }
    return values
  }

  /// Runs the sequences anew.
  func nats(_ voice: Voice, _ sequences: [[Int32]]) async throws(GenomePackageError) -> [[Double]] {
    try await run {
      try await self.pool.map(sequences, model: voice.model) { engine, tokens in
        try engine.losses(tokens, cache: KeyValueCache(model: engine.model, capacity: tokens.count), adapters: voice.adapters)
      }
    }
  }

  func run<Value>(_ body: () async throws -> Value) async throws(GenomePackageError) -> Value {
    do { return try await body() } catch {
      if let known = error as? GenomePackageError { throw known }
      if error is CancellationError { throw GenomePackageError(.cancelled, "cancelled while the model was measured") }
      throw GenomePackageError(.malformed, (error as? ModelFileError)?.message ?? "\(error)")
    }
  }

  /// Loads what a sum needs.
  func voice(_ terms: [MeasuredModel.Term]) throws(GenomePackageError) -> Voice {
    let terms = terms.filter { $0.weight != 0 }
    let key = terms.map { "\($0.update.key)*\($0.weight)" }.joined(separator: "+")
    if let known = memory.withLock({ memory in memory.voices.first { $0.key == key }?.voice }) { return known }
    let voice = try loaded(terms, key)
    memory.withLock { memory in
      memory.voices.removeAll { $0.key == key }
      memory.voices.append((key, voice))
      if memory.voices.count > Memory.keptVoices { memory.voices.removeFirst() }
    }
    return voice
  }

  private func loaded(_ terms: [MeasuredModel.Term], _ key: String) throws(GenomePackageError) -> Voice {
    var model = model, low: [(adapter: LowRank, weight: Double)] = []
    var deltas: [DeltaWeights.Part] = []
    for term in terms {
      switch term.update {
      case .adapter(let adapter, let name):
        low.append((.stored(adapter, "memory|\(name)"), term.weight))
      case .genome(let id):
        if let adapter = try adapter(id) {
          low.append((.stored(adapter, id), term.weight))
        } else {
          deltas.append(.init(file: try store.delta(of: try record(id)), weight: term.weight, seed: nil))
        }
      case .random(let id, let seed):
        guard let adapter = try adapter(id) else {
          deltas.append(.init(file: try store.delta(of: try record(id)), weight: term.weight, seed: seed))
          continue
        }
        do throws(ModelFileError) { low.append((.contents(try RandomUpdate.like(adapter, seed: seed), "random|\(id.prefix(16))"), term.weight)) } catch {
          throw GenomePackageError(.malformed, error.message)
        }
      }
    }
    do throws(ModelFileError) {
      if !deltas.isEmpty { model = try LanguageModel(configuration: model.configuration, weights: DeltaWeights(weights, parts: deltas)) }
      var adapters: [AppliedAdapter] = []
      for (adapter, weight) in low { adapters.append(AppliedAdapter(try adapter.weights(model), scale: Float(weight))) }
      return Voice(key: key, model: model, adapters: adapters)
    } catch { throw GenomePackageError(.malformed, error.message) }
  }

  private enum LowRank {
    case stored(Adapter, String), contents(AdapterContents, String)
    func weights(_ model: LanguageModel) throws(ModelFileError) -> AdapterWeights {
      switch self {
      case .stored(let adapter, _): try AdapterWeights(adapter, model: model)
      case .contents(let contents, let name): try AdapterWeights(contents, name: name, model: model)
      }
    }
  }

  /// A candidate's adapter; nil where it is a full difference.
  private func adapter(_ id: String) throws(GenomePackageError) -> Adapter? {
    if let update = GateContext.current?.transient?.updates[id] { return update.adapter }
    let record = try record(id)
    return record.kind == GenomeKind.adapter.rawValue ? try store.adapter(of: record) : nil
  }

  /// - Throws: `.notFound`; `.usage` for a genome of another base.
  func record(_ id: String) throws(GenomePackageError) -> GenomeRecord {
    let record = try GenomePackageError.storing { () throws(StoreError) in try store.genome(id) }
    guard record.base == base else { throw GenomePackageError(.usage, "\(id): its base is \(record.base), and this node measures on \(base)") }
    guard store.hasFiles(record) else { throw GenomePackageError(.notFound, "\(id): its files are not here; fetch or import it again") }
    return record
  }
}
