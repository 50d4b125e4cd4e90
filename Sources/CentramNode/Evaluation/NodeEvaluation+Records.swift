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
}
