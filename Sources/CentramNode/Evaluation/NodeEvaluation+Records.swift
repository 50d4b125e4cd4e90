internal import CentramGenome
internal import CentramStore
internal import Foundation
internal import Synchronization

/// What the node does after verdicts and merges, so that the services answer by it.
extension NodeEvaluation {
  /// Takes the fitness layer's verdict of a judgement: counts the test, remembers the score that the author was told, and replaces a quarter of the
  /// hold-out when its tests are used up. Called once after each judgement; one that did not reach that layer changes nothing.
  public func didJudge(_ report: GateReport) throws(GenomePackageError) {
    guard let verdict = report.verdicts.first(where: { $0.layer == "gate.fitness" }),
      let text = verdict.evidence.first(where: { $0.name == "measure.ladder.released" })?.value, let score = Double(text), score.isFinite
    else { return }
    let author = try GenomePackageError.storing { () throws(StoreError) in try store.genome(report.contentHash).author }
    try countTest { $0.release(score, to: author) }
  }

  /// Takes the judgement of an update that is no genome: it used the hold-out as one does, and no score of it is remembered.
  func didJudgeTransient(_ report: GateReport) throws(GenomePackageError) {
    if report.verdicts.contains(where: { $0.layer == "gate.fitness" && $0.evidence.contains { $0.name == "measure.ladder.released" } }) { try countTest { _ in } }
  }

  private func countTest(_ body: (inout EvaluationState) -> Void) throws(GenomePackageError) {
    var didRefresh = false
    try update { state in
      state.tests += 1
      body(&state)
      if state.tests >= settings.tests {
        (state.tests, state.refreshes) = (0, state.refreshes + 1)
        didRefresh = true
      }
    }
    if didRefresh { memory.withLock { $0.losses.removeAll() } }
  }

  /// Forgets what authors were told, since it was of a former model. Evolution does it in the step that changes the model; whoever merges otherwise calls it.
  public func didMerge() throws(GenomePackageError) { try update { $0.released = [:] } }

  private func update(_ body: (inout EvaluationState) -> Void) throws(GenomePackageError) {
    try GenomePackageError.storing { () throws(StoreError) in
      try store.updateStates([EvaluationState.name]) { (known) throws(StoreError) in
        guard let bytes = known[EvaluationState.name] else { throw StoreError(.notFound, "the state \(EvaluationState.name) is gone; restart the node") }
        var state: EvaluationState = try StateDocument.decode(bytes, EvaluationState.name)
        body(&state)
        return [EvaluationState.name: try StateDocument.encode(state)]
      }
    }
  }

  func liveState(_ genome: String) throws(GenomePackageError) -> LiveState? {
    try GenomePackageError.storing { () throws(StoreError) in
      let name = LiveState.name(genome)
      return try store.state(name).map { (bytes) throws(StoreError) in try StateDocument.decode(bytes, name) }
    }
  }

  /// Records one live request since a genome was merged.
  /// - Parameters:
  ///   - before: loss in nat a byte of the model without it, and `after` with it.
  ///   - isFault: whether the output had a fault by the node's checks, and only with the genome.
  /// - Throws: `.notFound` for a genome that is not merged.
  public func recordLive(_ genome: String, before: Double, after: Double, isFault: Bool = false) throws(GenomePackageError) {
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

  /// Measures fresh text with the models before and after a merge, and records each sequence as a live request.
  /// - Returns: how many sequences there were.
  public func recordLive(_ genome: String, before: MeasuredModel, after: MeasuredModel, text: String) async throws(GenomePackageError) -> Int {
    let prefix = tokenizer.prefix, tokens = tokenizer.encode(text), step = max(2, length - prefix.count)
    let sequences = stride(from: 0, to: tokens.count, by: step).map { prefix + tokens[$0..<min($0 + step, tokens.count)] }.filter { $0.count > prefix.count + 1 }
    let one = try await perByte(before, sequences), two = try await perByte(after, sequences)
    for (before, after) in zip(one, two) { try recordLive(genome, before: before, after: after, isFault: !after.isFinite) }
    return sequences.count
  }

  private func perByte(_ measured: MeasuredModel, _ sequences: [[Int32]]) async throws(GenomePackageError) -> [Double] {
    var all: [[[Double]]] = [], priors: [Double] = []
    switch measured {
    case .sum(let terms): (all, priors) = ([try await nats(try voice(terms), sequences)], [1])
    case .mixture(let experts):
      for expert in experts {
        all.append(try await nats(try voice(expert.terms), sequences))
        priors.append(expert.prior)
      }
    }
    let nats = all.count == 1 ? all[0] : try Self.mixed(all, priors: priors)
    return zip(nats, sequences).map { losses, tokens in losses.reduce(0, +) / Double(max(1, tokens.dropFirst().reduce(0) { $0 + tokenizer.bytes(of: $1).count })) }
  }
}
