internal import CentramGenome
internal import CentramPluginAPI
internal import CentramStore

extension Evolution {
  /// Makes a trial the model in use.
  func keep(_ trial: Trial, _ candidate: Candidate, _ state: EvolutionState, bound: Double, own: String?) throws(GenomePackageError) -> EvolutionState.Entry {
    let model: EvolvedModel, shares: [RoyaltyEvent.Share]
    options.reached?(.merged)
    switch trial.result {
    case .genome(let record):
      model = .merged(genome: record.id)
      shares = [.init(genome: record.id, author: record.author, basisPoints: Manifest.wholeWeight)]
    case .merge(let files, let parents, let recipe):
      let metrics = [("generalist_lift", trial.comparison.lift), ("own_lift", trial.comparison.gain(own))].compactMap { name, value in value.map { Manifest.Metric(name, $0) } }
      let record = try library.keep(
        files, kind: .adapter, base: base, parents: parents, recipe: trial.isExact || !isCompressed(recipe) ? try Self.manifest(recipe) : nil,
        domain: own ?? candidate.record.domain, metrics: metrics, operatorID: recipe.operatorID, operatorVersion: recipe.operatorVersion, agent: options.agent)
      model = .merged(genome: record.id)
      shares = parents.map { .init(genome: $0.record.id, author: $0.record.author, basisPoints: $0.basisPoints) }
    case .mixture(let experts):
      model = .mixture(experts)
      shares = try self.shares(experts)
    }
    options.reached?(.genomeKept)
    let time = library.now(), record = candidate.record
    var kept: EvolutionState.Entry?
    try Self.change(in: store) { (state, events) throws(StoreError) in
      state.merges += 1
      let entry = EvolutionState.Entry(
        number: state.merges, genome: record.id, author: record.author, domain: record.domain, before: state.model, after: model, weight: trial.weight,
        lift: trial.comparison.lift, lowerBound: bound, ownLift: trial.comparison.gain(own), isExact: trial.isExact, keptMilliseconds: time,
        isProved: candidate.isOwn || (settings.shadowHours == 0 || settings.shadowRequests == 0))
      state.model = model
      state.history.append(entry)
      state.decisions.removeAll { $0.genome == record.id }
      if state.history.count > EvolutionState.maximumHistory { state.history.removeFirst(state.history.count - EvolutionState.maximumHistory) }
      kept = entry
      var genome: String?
      if case .merged(let id) = model { genome = id }
      events.append(RoyaltyEvent(number: 0, kind: .merge, madeMilliseconds: time, genome: genome, parents: shares, lift: trial.comparison.lift))
      return [LiveState.name(record.id): try StateDocument.encode(LiveState(beganMilliseconds: time))]
    } expecting: {
      state.model
    }
    options.reached?(.switched)
    return kept!
  }

  private func isCompressed(_ recipe: MergeRecipe) -> Bool { recipe.operatorID == EvolutionSettings.compressingOperator }

  private static func manifest(_ recipe: MergeRecipe) throws(GenomePackageError) -> Manifest.Recipe {
    do throws(GenomeError) {
      guard case .object(let members) = try JSONValue(parsing: Array(recipe.parametersJSON.utf8), name: "recipe") else {
        throw GenomeError(.wrongType, "a recipe's parameters are an object")
      }
      return Manifest.Recipe(operator: recipe.operatorID, version: recipe.operatorVersion, parameters: members)
    } catch { throw GenomePackageError(error, in: "recipe") }
  }

  /// By prior; the base's part belongs to nobody.
  private func shares(_ experts: [EvolvedModel.Expert]) throws(GenomePackageError) -> [RoyaltyEvent.Share] {
    let total = experts.reduce(0) { $0 + $1.prior }
    var shares: [RoyaltyEvent.Share] = []
    for expert in experts {
      guard let genome = expert.genome else { continue }
      let author = try GenomePackageError.storing { () throws(StoreError) in try store.genome(genome).author }
      shares.append(.init(genome: genome, author: author, basisPoints: Int(expert.prior / total * Double(Manifest.wholeWeight) + 1e-6)))
    }
    return shares
  }

  func decide(_ decision: EvolutionState.Decision) throws(GenomePackageError) {
    try Self.change(in: store) { (state, _) throws(StoreError) in
      state.decide(decision)
      return [:]
    }
  }

  /// Changes the state, and what goes with it, in one transaction.
  /// - Parameters:
  ///   - body: may append royalty events, which get their numbers then; returns other states to write.
  ///   - expecting: the model that the change was made for; nil: any.
  /// - Throws: `.conflict` where another process changed the model meanwhile.
  static func change(
    in store: GenomeStore, _ body: (inout EvolutionState, inout [RoyaltyEvent]) throws(StoreError) -> [String: [UInt8]], expecting: (() -> EvolvedModel)? = nil
  ) throws(GenomePackageError) {
    let count = try EvolutionState.current(in: store).royalties
    // Events go into the state of the next number; a change makes few of them, so the one after it is enough.
    let names = [EvolutionState.name, EvaluationState.name, RoyaltyLog.name(count + 1), RoyaltyLog.name(count + RoyaltyLog.perState)]
    try GenomePackageError.storing { () throws(StoreError) in
      try store.updateStates(names) { (known) throws(StoreError) in
        var state = try EvolutionState.decode(known[EvolutionState.name])
        let former = state.model
        if let expected = expecting?(), state.model != expected {
          throw StoreError(.conflict, "another process changed the node's model meanwhile; try again")
        }
        guard state.royalties == count else { throw StoreError(.conflict, "another process changed the node's model meanwhile; try again") }
        var events: [RoyaltyEvent] = []
        var written = try body(&state, &events)
        for event in events {
          let (name, content) = try RoyaltyLog.append(event, &state, known.merging(written) { $1 })
          written[name] = content
        }
        written[EvolutionState.name] = try StateDocument.encode(state)
        // What authors were told was of the former model.
        if state.model != former, let bytes = known[EvaluationState.name] {
          var evaluation: EvaluationState = try StateDocument.decode(bytes, EvaluationState.name)
          evaluation.released = [:]
          written[EvaluationState.name] = try StateDocument.encode(evaluation)
        }
        return written
      }
    }
  }
}
