/// What a step of evolution did, genome by genome.
public struct EvolutionReport: Sendable, Codable, Equatable {
  public enum Outcome: String, Sendable, Codable {
    /// Part of the model now.
    case kept
    /// Measured, and the model is bit for bit what it was.
    case reverted
    /// Not measured.
    case skipped
  }

  public struct Line: Sendable, Codable, Equatable {
    public var genome: String, author: String, domain: String
    public var outcome: Outcome
    /// A sentence.
    public var reason: String
    /// `merge`, `mixture` or `own`.
    public var way: String?
    /// Factor of the genome's update, or its prior in a mixture.
    public var weight: Double?
    public var isExact: Bool?
    /// Nat a byte on the hold-out, before and after: mean over domains, and the node's own domain.
    public var generalistBefore: Double?, generalistAfter: Double?, ownBefore: Double?, ownAfter: Double?
    public var lift: Double?, lowerBound: Double?
    /// By domain, nat a byte.
    public var gains: [String: Double]?
    /// The model's genome after a merge that was kept.
    public var result: String?

    init(genome: String, author: String, domain: String, outcome: Outcome, reason: String) {
      (self.genome, self.author, self.domain, self.outcome, self.reason) = (genome, author, domain, outcome, reason)
    }
  }

  public var lines: [Line] = []
  public var model: EvolvedModel
  /// The node's own; nil where the hold-out has none of its name.
  public var ownDomain: String?
}

/// Losses of two models on one hold-out.
struct Comparison: Sendable {
  /// By domain in the order of their names.
  let domains: [String]
  let before: [[Double]], after: [[Double]]

  var gains: [[Double]] { zip(before, after).map { zip($0, $1).map { $0 - $1 } } }
  var lift: Double { Self.mean(gains.map(Self.mean)) }
  /// Of the domain that loses most; below 0 where all gain.
  var worstFall: Double { gains.map { -Self.mean($0) }.max() ?? 0 }
  func gain(_ domain: String?) -> Double? { domain.flatMap { domains.firstIndex(of: $0) }.map { Self.mean(gains[$0]) } }

  func describe(_ line: inout EvolutionReport.Line, own: String?) {
    (line.generalistBefore, line.generalistAfter, line.lift) = (Self.mean(before.map(Self.mean)), Self.mean(after.map(Self.mean)), lift)
    if let place = own.flatMap({ domains.firstIndex(of: $0) }) { (line.ownBefore, line.ownAfter) = (Self.mean(before[place]), Self.mean(after[place])) }
    line.gains = Dictionary(uniqueKeysWithValues: zip(domains, gains.map(Self.mean)))
  }

  static func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }
}
