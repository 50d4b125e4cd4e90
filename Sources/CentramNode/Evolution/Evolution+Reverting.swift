internal import CentramNumerics
public import CentramStore

extension Evolution {
  /// Takes the last merge back: the model is bit for bit what it was before.
  /// - Returns: what was taken back; nil where there is nothing.
  public static func revert(in store: GenomeStore, now: Int64) throws(GenomePackageError) -> EvolutionState.Entry? {
    guard let last = try EvolutionState.current(in: store).history.last else { return nil }
    try rollBack(to: last.number, reasons: [last.genome: "taken back by the operator"], in: store, now: now)
    return last
  }

  public func revert() throws(GenomePackageError) -> EvolutionState.Entry? { try Self.revert(in: store, now: library.now()) }

  /// Takes back every merge from the first on that a revoked genome is part of. Others that came later are open to be tried again.
  /// - Returns: the genomes that are no longer part of the model, oldest first.
  public static func didRevoke(_ ids: [String], in store: GenomeStore, now: Int64) throws(GenomePackageError) -> [String] {
    let revoked = Set(ids), history = try EvolutionState.current(in: store).history
    var first: EvolutionState.Entry?
    for entry in history where first == nil {
      for genome in [entry.genome] + entry.after.genomes where first == nil {
        let ancestors = try GenomePackageError.storing { () throws(StoreError) in try store.ancestors(of: genome) }
        if revoked.contains(genome) || !revoked.isDisjoint(with: ancestors) { first = entry }
      }
    }
    guard let first else { return [] }
    try rollBack(to: first.number, reasons: Dictionary(uniqueKeysWithValues: revoked.map { ($0, "revoked by its author") }), in: store, now: now)
    return history.filter { $0.number >= first.number }.map(\.genome)
  }

  public func didRevoke(_ ids: [String]) throws(GenomePackageError) -> [String] { try Self.didRevoke(ids, in: store, now: library.now()) }

  /// Judges the merges whose shadow period runs: one with a fault that only the genome makes, or after which live requests became worse, is taken back with
  /// those that came after it; one whose time or requests are over is proved.
  /// - Returns: the genomes that are no longer part of the model.
  public func checkShadow() throws(GenomePackageError) -> [String] {
    let history = try EvolutionState.current(in: store).history
    var proved = Set<Int>()
    for entry in history where !entry.isProved {
      let name = LiveState.name(entry.genome)
      let bytes = try GenomePackageError.storing { () throws(StoreError) in try store.state(name) }
      guard let bytes else { continue }
      let live: LiveState = try GenomePackageError.storing { () throws(StoreError) in try StateDocument.decode(bytes, name) }
      var reason: String?
      if live.faults > 0 { reason = "\(live.faults) of \(live.requests) shadow requests have a fault that only the genome makes" }
      if live.before.count >= EvolutionSettings.judgedRequests {
        let gains = zip(live.before, live.after).map { $0 - $1 }
        let upper = Bootstrap([gains], resamples: settings.resamples, seed: UInt64(entry.number)).upperBound(confidence: settings.confidence)
        if upper < 0 { reason = "live fitness fell after the merge, by the bootstrap's bound over \(gains.count) requests" }
      }
      if let reason {
        try Self.rollBack(to: entry.number, reasons: [entry.genome: reason], in: store, now: library.now())
        return history.filter { $0.number >= entry.number }.map(\.genome)
      }
      let hours = Double(library.now() - live.beganMilliseconds) / 3_600_000
      if hours >= settings.shadowHours || live.requests >= settings.shadowRequests { proved.insert(entry.number) }
    }
    guard !proved.isEmpty else { return [] }
    try Self.change(in: store) { (state, _) throws(StoreError) in
      for index in state.history.indices where proved.contains(state.history[index].number) { state.history[index].isProved = true }
      return [:]
    }
    return []
  }

  /// Puts back the model before a merge.
  private static func rollBack(to number: Int, reasons: [String: String], in store: GenomeStore, now time: Int64) throws(GenomePackageError) {
    try change(in: store) { (state, events) throws(StoreError) in
      guard let place = state.history.firstIndex(where: { $0.number == number }) else {
        throw StoreError(.conflict, "the merge \(number) was taken back by another process meanwhile")
      }
      var others: [String: [UInt8]] = [:]
      for entry in state.history[place...].reversed() {
        others[LiveState.name(entry.genome)] = []
        events.append(RoyaltyEvent(number: 0, kind: .revert, madeMilliseconds: time, genome: nil, parents: [], reverts: entry.number))
      }
      state.model = state.history[place].before
      state.history.removeSubrange(place...)
      for (genome, reason) in reasons.sorted(by: { $0.key < $1.key }) { state.decide(.init(genome: genome, reason: reason, against: nil, madeMilliseconds: time)) }
      return others
    }
  }

  /// Records what a mixture's answer rests on.
  /// - Parameter responsibilities: mean weight of each genome over the tokens; the base's part is left out.
  public static func recordUse(_ responsibilities: [String: Double], tokens: Int, in store: GenomeStore, now: Int64) throws(GenomePackageError) {
    var shares: [RoyaltyEvent.Share] = []
    for (genome, weight) in responsibilities.sorted(by: { $0.key < $1.key }) {
      let author = try GenomePackageError.storing { () throws(StoreError) in try store.genome(genome).author }
      shares.append(.init(genome: genome, author: author, basisPoints: Int(max(0, min(1, weight)) * 10_000 + 1e-6)))
    }
    try GenomePackageError.storing { () throws(StoreError) in
      // Another process may append at the same time; then the number is another's.
      for attempt in 1...8 {
        let count = try EvolutionState.decode(try store.state(EvolutionState.name)).royalties
        do throws(StoreError) {
          return try store.updateStates([EvolutionState.name, RoyaltyLog.name(count + 1)]) { (known) throws(StoreError) in
            var state = try EvolutionState.decode(known[EvolutionState.name])
            guard state.royalties == count else { throw StoreError(.conflict, "another process recorded a use meanwhile; try again") }
            let (name, content) = try RoyaltyLog.append(
              RoyaltyEvent(number: 0, kind: .use, madeMilliseconds: now, genome: nil, parents: shares, tokens: tokens), &state, known)
            return [name: content, EvolutionState.name: try StateDocument.encode(state)]
          }
        } catch { if error.code != .conflict || attempt == 8 { throw error } }
      }
    }
  }

  /// The royalty events after a number, oldest first.
  public static func royalties(in store: GenomeStore, after: Int = 0, limit: Int = .max) throws(GenomePackageError) -> [RoyaltyEvent] {
    try GenomePackageError.storing { () throws(StoreError) in try RoyaltyLog.events(in: store, after: after, limit: limit) }
  }
}
