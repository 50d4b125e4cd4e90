import CentramGateStatistics
import CentramPluginAPI

extension LineSearch {
  /// The rules in the order of their price.
  mutating func verdict(domain: String, holdOut: HoldOutState) async throws(PluginError) -> Verdict {
    let best = best
    var evidence = points.map { Verdict.Evidence("lambda.\(shown($0.lambda))", "generalist lift \(shown($0.lift)) nat a byte") }
    for (index, domain) in domains.enumerated() { evidence.append(.init("gain.\(domain)", shown(Self.mean(best.gains[index])))) }
    evidence.append(.measure("lift", best.lift))
    evidence.append(.measure("lambda", best.lambda))

    let failure = try await failure(best, domain, holdOut, &evidence)
    // The Ladder: what an author is told changes only where it became better by more than η, and then in steps of η.
    let eta = policy.number("eta")
    let released = failure == nil ? max(1, (best.lift / eta).rounded()) * eta : holdOut.released
    evidence.append(.init("released", "\(shown(released)) nat a byte; \(shown(holdOut.released)) before"))
    evidence.append(.measure("ladder.released", released))
    evidence.append(.init("forward passes", "\(forwardPasses)"))
    evidence.append(.measure("forwardPasses", Double(forwardPasses)))
    if let failure { return Verdict(.reject(reason: failure), evidence: evidence) }
    guard best.step < 1 else { return Verdict(.accept, evidence: evidence) }
    return Verdict(.scale(factor: best.step, reason: "the line search found the largest lift at \(shown(best.step)) times the update"), evidence: evidence)
  }

  /// Why the candidate is refused; nil where every rule holds.
  private mutating func failure(
    _ best: Point, _ domain: String, _ holdOut: HoldOutState, _ evidence: inout [Verdict.Evidence]
  ) async throws(PluginError) -> String? {
    guard best.isFinite else { return "a loss with the update is not finite" }
    let confidence = policy.number("confidence"), lower = best.lower
    evidence.append(.init("bound", "the lift is above \(shown(lower)) nat a byte with \(shown(confidence * 100)) % confidence"))
    evidence.append(.measure("lift.lower", lower))
    guard lower > 0 else { return "the lower \(shown(confidence * 100)) % bound of the generalist lift is not above 0" }

    let fall = policy.number("fall")
    for (index, name) in domains.enumerated() {
      let loss = -Self.mean(best.gains[index])
      guard loss <= fall else {
        evidence.append(.init("fall", "\(name) falls by \(shown(loss)) nat a byte"))
        return "a domain falls by more than \(shown(fall)) nat a byte"
      }
    }

    // Who was told nothing has nothing to fit to.
    let eta = policy.number("eta")
    guard holdOut.released == 0 || best.lift > holdOut.released + eta else {
      return "the lift is not above what this author was last told (\(shown(holdOut.released)) nat a byte) by more than \(shown(eta))"
    }

    let random = try await randomGains(lambda: best.lambda)
    let control = Self.mean(random.map(Self.mean))
    evidence.append(.init("control", "a random update of the same norms lifts by \(shown(control)) nat a byte"))
    guard best.lift > control else { return "the update is no better than a random one of the same norm" }

    // Shares of the loss: on random text it is several times that on text, and so is every change of it.
    let text = try await randomText(lambda: best.lambda)
    let declared = domains.firstIndex(of: domain)
    let gain = declared.map { Self.mean(best.gains[$0]) } ?? best.lift
    let share = gain / (declared.map(loss) ?? Self.mean(domains.indices.map(loss)))
    evidence.append(
      .init(
        "random text",
        "gain of \(shown(text.gain)) nat a byte, \(shown(100 * text.gain / text.loss)) % of the loss, against \(shown(gain)), \(shown(100 * share)) %, "
          + (declared == nil ? "over all domains, for the hold-out has none called \(domain)" : "on the declared domain \(domain)")))
    guard share > text.gain / text.loss else { return "the gain on the declared domain is not above that on random text, as shares of the loss" }
    return nil
  }
}
