internal import CentramGenome
internal import CentramModel
public import CentramPluginAPI
public import CentramStore
internal import Foundation
internal import Synchronization

/// Measures candidates on the node's own model and its secret hold-out, for the layers `gate.fitness` and `gate.behaviour`, and models for evolution.
///
/// The model in use is the base with what evolution made of accepted genomes (`EvolutionState`). Candidates are found by their content hash among the
/// genomes of the store, whatever their state. Losses are kept as long as the hold-out stays, so those of the model in use cost once for all candidates.
public final class NodeEvaluation: Sendable {
  public let settings: EvaluationSettings
  /// SHA-256 of the base model.
  public let base: String
  /// Of the hold-out, sorted.
  public let domains: [String]
  let store: GenomeStore
  let model: LanguageModel
  let weights: any WeightSource
  let tokenizer: Tokenizer
  let texts: [String: DomainText]
  let canaries: [Canary]
  let pool: EnginePool
  /// Tokens of a sequence.
  let length: Int
  let now: @Sendable () -> Int64
  let memory = Mutex(Memory())

  /// What is computed once.
  struct Memory {
    static let keptLosses = 64, keptVoices = 24
    /// Nats of each sequence's tokens, by `voice|domain|refreshes`, oldest first.
    var losses: [(key: String, values: [[Double]])] = []
    var voices: [(key: String, voice: Voice)] = []
    /// Canaries' losses of voices.
    var ranks: [(key: String, ranks: [Int])] = []
  }

  /// - Parameters:
  ///   - path: the base model.
  ///   - random: makes the hold-out's secret, once.
  ///   - now: the node's clock, in Unix milliseconds.
  ///   - hashCache: a file that remembers hashes of files that did not change; nil: none.
  /// - Throws: `.usage`, `.notFound` and `.malformed` for settings and texts, `.storage`.
  public init(
    store: GenomeStore, model path: String, settings: EvaluationSettings, random: any RandomService, hashCache: String? = nil, now: @escaping @Sendable () -> Int64
  ) throws(GenomePackageError) {
    guard !settings.domains.isEmpty else {
      throw GenomePackageError(.usage, "there is no text to measure on; name some with evaluation.domains, such as {\"prose\": \"~/texts/prose\"}")
    }
    base = try BaseModelHash.of(path, cache: hashCache)
    do throws(ModelFileError) {
      let files = try ModelFiles(path: path)
      (model, weights, tokenizer) = (try LanguageModel(configuration: files.configuration, weights: files.weights), files.weights, try files.tokenizer())
    } catch { throw GenomePackageError(.malformed, error.message) }
    length = min(settings.length, model.configuration.usableContext)
    let secret = try Self.state(in: store, random: random).secretBytes
    var texts: [String: DomainText] = [:]
    for (name, folder) in settings.domains.sorted(by: { $0.key < $1.key }) {
      texts[name] = try DomainText(name, path: folder, tokenizer: tokenizer, length: length, holdOut: settings.sequences, secret: secret)
    }
    if let file = settings.canaries { canaries = try Canary.read(file, tokenizer: tokenizer, room: length, secret: secret) } else { canaries = [] }
    pool = EnginePool(workers: settings.threads ?? ProcessInfo.processInfo.activeProcessorCount)
    (self.store, self.settings, self.texts, self.now) = (store, settings, texts, now)
    domains = texts.keys.sorted()
  }

  /// Sequences that a model was run on since this was made.
  public var forwardPasses: Int { pool.forwardPasses }

  /// The state, made where there is none.
  static func state(in store: GenomeStore, random: any RandomService) throws(GenomePackageError) -> EvaluationState {
    var secret = [UInt8](repeating: 0, count: 32)
    secret.withUnsafeMutableBytes { random.fill($0) }
    var state = EvaluationState(secret: Hexadecimal.text(secret))
    try GenomePackageError.storing { () throws(StoreError) in
      try store.updateStates([EvaluationState.name]) { (known) throws(StoreError) in
        if let bytes = known[EvaluationState.name] {
          state = try StateDocument.decode(bytes, EvaluationState.name)
          return [:]
        }
        return [EvaluationState.name: try StateDocument.encode(state)]
      }
    }
    return state
  }

  func state() throws(GenomePackageError) -> EvaluationState {
    try GenomePackageError.storing { () throws(StoreError) in
      guard let bytes = try store.state(EvaluationState.name) else { throw StoreError(.notFound, "the state \(EvaluationState.name) is gone; restart the node") }
      return try StateDocument.decode(bytes, EvaluationState.name)
    }
  }

  /// The domain's hold-out as it is now.
  func holdOut(_ domain: String, _ state: EvaluationState) throws(GenomePackageError) -> (sequences: [[Int32]], bytes: [Int]) {
    guard let text = texts[domain] else { throw GenomePackageError(.notFound, "the hold-out has no domain \(domain.prefix(100)); it has \(domains.joined(separator: ", "))") }
    let places = text.holdOut(settings.sequences, refreshes: state.refreshes)
    return (places.map { text.sequences[$0] }, places.map { text.bytes[$0] })
  }

  /// The model in use; while a step of a round is judged, what the step began with.
  func current() throws(GenomePackageError) -> MeasuredModel {
    guard let step = GateContext.current?.transient else { return try EvolutionState.current(in: store).model.measured }
    return .sum(step.start.map { [.init(.adapter($0.adapter, key: $0.key))] } ?? [])
  }
}
