import CentramGateStatistics
import CentramGateSupport
import CentramNumerics
import CentramPluginAPI

/// Losses with λ times the update for λ of 1, ½, ¼ and ⅛, against those without it; in nat a byte. Goes on until one λ holds the bound of the lift and the
/// margin of every domain, and halving it does not lift more.
struct LineSearch {
  static let factors = [1, 0.5, 0.25, 0.125]

  /// One λ.
  struct Point {
    /// Of `factors`.
    var step: Double
    /// Times what layers before asked for.
    var lambda: Double
    /// Loss without less loss with the update, a group a domain.
    var gains: [[Double]]
    /// Lower bound of the lift.
    var lower = -Double.infinity
    var lift: Double { LineSearch.mean(gains.map(LineSearch.mean)) }
    var isFinite: Bool { gains.allSatisfy { $0.allSatisfy(\.isFinite) } }
    /// Of the domain that falls most.
    var largestFall: Double { -(gains.map(LineSearch.mean).min() ?? 0) }
  }

  let candidateHash: [UInt8]
  let evaluation: any EvaluationService
  let controls: any FitnessService
  let policy: LayerPolicy
  let seed: UInt64
  /// Sorted.
  let domains: [String]
  private(set) var points: [Point] = []
  /// Sequences that a model was run on.
  private(set) var forwardPasses = 0
  private var bytesPerToken: [Double] = []
  private var baseline: [[Double]] = []

  init(
    _ candidate: GenomeCandidate, _ evaluation: any EvaluationService, _ controls: any FitnessService, policy: LayerPolicy, seed: UInt64
  ) async throws(PluginError) {
    (candidateHash, self.evaluation, self.controls, self.policy, self.seed) = (candidate.contentHash, evaluation, controls, policy, seed)
    domains = evaluation.domains.sorted()
    guard !domains.isEmpty else { throw PluginError(.unavailable, "gate.fitness: the node holds no hold-out; give it text of a domain at least") }
    for domain in domains {
      let bytes = try await controls.bytesPerToken(domain: domain)
      guard bytes > 0, bytes.isFinite else { throw PluginError(.invalid, "gate.fitness: \(bytes) bytes a token in \(domain) is not above 0") }
      bytesPerToken.append(bytes)
      let losses = try await evaluation.losses(domain: domain, candidateHash: nil, scale: 0)
      let least = policy.integer("sequences")
      guard losses.count >= least else {
        throw PluginError(.unavailable, "gate.fitness: the hold-out of \(domain) has \(losses.count) sequences, and \(least) are needed")
      }
      forwardPasses += losses.count
      baseline.append(losses)
    }
  }

  /// The λ that was found, with the largest lift among those that hold bound and margin, or among all where none does; run first.
  var best: Point {
    let holding = points.filter(holds)
    return (holding.isEmpty ? points : holding).max { $0.lift < $1.lift || ($0.lift == $1.lift && $0.lambda < $1.lambda) }!
  }

  private func holds(_ point: Point) -> Bool { point.isFinite && point.lower > 0 && point.largestFall <= policy.number("fall") }

  /// Along a line the loss has one valley as far as updates are small, so nothing is looked for behind a λ that holds and is worse than the one before.
  mutating func run() async throws(PluginError) {
    for step in Self.factors {
      let lambda = step * policy.number("scale")
      let gains = try await gains { [evaluation, candidateHash] (domain) throws(PluginError) in
        try await evaluation.losses(domain: domain, candidateHash: candidateHash, scale: lambda)
      }
      var point = Point(step: step, lambda: lambda, gains: gains)
      if point.isFinite { point.lower = Bootstrap(gains, resamples: policy.integer("resamples"), seed: seed).lowerBound(confidence: policy.number("confidence")) }
      points.append(point)
      if points.contains(where: holds), points.count > 1, points[points.count - 1].lift < points[points.count - 2].lift { break }
    }
  }

  /// As `Point.gains`, with a random update of the candidate's norms in its place.
  mutating func randomGains(lambda: Double) async throws(PluginError) -> [[Double]] {
    try await gains { [controls, candidateHash, seed] (domain) throws(PluginError) in
      try await controls.randomUpdateLosses(domain: domain, candidateHash: candidateHash, scale: lambda, seed: seed)
    }
  }

  /// Loss of a domain without the candidate, in nat a byte.
  func loss(_ domain: Int) -> Double { Self.mean(baseline[domain]) / bytesPerToken[domain] }

  /// Loss without the candidate and gain with it on text without any meaning, in nat a byte.
  mutating func randomText(lambda: Double) async throws(PluginError) -> (loss: Double, gain: Double) {
    let count = policy.integer("sequences")
    let before = try await controls.randomTextLosses(candidateHash: nil, scale: 0, count: count, seed: seed)
    let after = try await controls.randomTextLosses(candidateHash: candidateHash, scale: lambda, count: count, seed: seed)
    guard before.count == count, after.count == count else {
      throw PluginError(.shapeMismatch, "gate.fitness: \(count) sequences of random text were asked for, and \(before.count) and \(after.count) came")
    }
    forwardPasses += 2 * count
    return (Self.mean(before), Self.mean(before) - Self.mean(after))
  }

  private mutating func gains(_ losses: (String) async throws(PluginError) -> [Double]) async throws(PluginError) -> [[Double]] {
    var result: [[Double]] = []
    for (index, domain) in domains.enumerated() {
      let found = try await losses(domain)
      guard found.count == baseline[index].count else {
        throw PluginError(.shapeMismatch, "gate.fitness: \(found.count) losses of \(domain) do not pair with \(baseline[index].count)")
      }
      forwardPasses += found.count
      result.append(zip(baseline[index], found).map { ($0 - $1) / bytesPerToken[index] })
    }
    return result
  }

  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
