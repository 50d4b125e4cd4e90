internal import CentramGenome
internal import CentramModel
public import CentramStore

/// Counts the requests that the evolved model answers for the merges whose shadow period runs.
///
/// What is measured is the beginning of the text that somebody wrote, with the models before and after each such merge. Answers are not measured: a model
/// foretells best what it wrote itself.
public struct LiveRequests {
  /// Merges that a request counts for, oldest first. What a request costs is that, and one, times `EvolutionSettings.shadowTokens`.
  public static let maximumMerges = 4

  private let store: GenomeStore
  private let loaded: LoadedModel
  /// Called once there is a merge to count for: it may read a whole model.
  private let base: () throws(GenomePackageError) -> String
  private let tokens: Int

  /// - Parameters:
  ///   - loaded: the node's base model.
  ///   - base: its hash, as manifests name it.
  ///   - tokens: of a text, how many are measured at most; 0: nothing is counted.
  public init(store: GenomeStore, loaded: LoadedModel, base: @escaping () throws(GenomePackageError) -> String, tokens: Int) {
    (self.store, self.loaded, self.base, self.tokens) = (store, loaded, base, tokens)
  }

  /// Counts one request.
  /// - Parameter text: what was asked; a text of less than two tokens says nothing and is not counted.
  /// - Returns: how many merges it was counted for.
  /// - Throws: `.usage` where the model is not the base that was merged on.
  public func record(_ text: String) throws(GenomePackageError) -> Int {
    let merges = try EvolutionState.current(in: store).history.filter { !$0.isProved }.prefix(Self.maximumMerges)
    let prefix = loaded.tokenizer.prefix, room = min(tokens, loaded.model.configuration.usableContext - prefix.count)
    guard !merges.isEmpty, room > 0 else { return 0 }
    let sequence = prefix + loaded.tokenizer.encode(text).prefix(room)
    guard sequence.count >= prefix.count + 2 else { return 0 }
    let base = try base()
    var known: [(model: EvolvedModel, loss: Double)] = [], count = 0
    func loss(_ model: EvolvedModel) throws(GenomePackageError) -> Double {
      if let found = known.first(where: { $0.model == model }) { return found.loss }
      known.append((model, try self.loss(sequence, model)))
      return known[known.count - 1].loss
    }
    for merge in merges {
      let of = try GenomePackageError.storing { () throws(StoreError) in try store.genome(merge.genome).base }
      guard of == base else { throw GenomePackageError(.usage, "the node's merges are on the base \(of), and this model is \(base)") }
      let before = try loss(merge.before), after = try loss(merge.after)
      do throws(GenomePackageError) {
        try Evolution.recordLive(merge.genome, before: before, after: after, isFault: before.isFinite && !after.isFinite, in: store)
        count += 1
      } catch {
        // Another process took the merge back meanwhile.
        guard error.code == .notFound else { throw error }
      }
    }
    return count
  }

  /// Nat a byte.
  private func loss(_ sequence: [Int32], _ model: EvolvedModel) throws(GenomePackageError) -> Double {
    var experts: [[AppliedAdapter]] = [], priors: [Double] = [1]
    switch try loaded.voices(of: model, store) {
    case .adapters(let adapters): experts = [adapters]
    case .mixture(let known, let weights): (experts, priors) = (known.map(\.adapters), weights)
    }
    var all: [[[Double]]] = []
    do throws(ModelFileError) {
      for adapters in experts { all.append([try loaded.engine.losses(sequence, cache: KeyValueCache(model: loaded.model, capacity: sequence.count), adapters: adapters)]) }
    } catch { throw GenomePackageError(.malformed, error.message) }
    let nats = all.count == 1 ? all[0][0] : try NodeEvaluation.mixed(all, priors: priors)[0]
    return nats.reduce(0, +) / Double(max(1, sequence.dropFirst().reduce(0) { $0 + loaded.tokenizer.bytes(of: $1).count }))
  }
}

extension Evolution {
  /// Records one live request since a genome was merged.
  /// - Parameters:
  ///   - before: loss in nat a byte of the model without it, and `after` with it.
  ///   - isFault: whether the output had a fault by the node's checks, and only with the genome.
  /// - Throws: `.notFound` for a genome that is not merged.
  public static func recordLive(_ genome: String, before: Double, after: Double, isFault: Bool = false, in store: GenomeStore) throws(GenomePackageError) {
    let name = LiveState.name(genome)
    try GenomePackageError.storing { () throws(StoreError) in
      try store.updateStates([name]) { (known) throws(StoreError) in
        guard let bytes = known[name] else { throw StoreError(.notFound, "\(genome): it is not merged, so no live request can be counted for it") }
        var state: LiveState = try StateDocument.decode(bytes, name)
        state.add(before: before, after: after, isFault: isFault)
        return [name: try StateDocument.encode(state)]
      }
    }
  }

  /// Requests since a genome was merged; nil for one that is not.
  public static func liveRequests(_ genome: String, in store: GenomeStore) throws(GenomePackageError) -> Int? {
    let name = LiveState.name(genome)
    return try GenomePackageError.storing { () throws(StoreError) in
      try store.state(name).map { (bytes) throws(StoreError) in try StateDocument.decode(bytes, name) as LiveState }?.requests
    }
  }
}
