/// All that one judgement changes.
public struct GateDecision: Sendable, Equatable {
  /// What the layer of admission let in.
  public struct Admission: Sendable, Equatable {
    /// The branch of invitations that the author stands in; empty for who came without one.
    public var branch: String
    /// Influence in (0, 1].
    public var weight: Double
    public init(branch: String, weight: Double) { (self.branch, self.weight) = (branch, weight) }
  }

  /// What the genome's state must still be; nil: whatever it is.
  public var from: GenomeState?
  /// Nil: as it is.
  public var state: GenomeState?
  public var verdicts: [VerdictRecord]
  /// Finite; a name that was there gets the new value.
  public var metrics: [String: Double]
  /// Whether the entry now counts as the last of its author's log.
  public var advancesLog: Bool
  public var admission: Admission?
  /// By which copies of it are found.
  public var sketch: [Float]?
  /// Id of another entry of the author at the same place, whose signature was checked like this one's: the author is frozen.
  public var fork: String?

  public init(
    from: GenomeState? = nil, state: GenomeState? = nil, verdicts: [VerdictRecord] = [], metrics: [String: Double] = [:], advancesLog: Bool = false, admission: Admission? = nil, sketch: [Float]? = nil,
    fork: String? = nil
  ) {
    (self.from, self.state, self.verdicts, self.metrics, self.advancesLog) = (from, state, verdicts, metrics, advancesLog)
    (self.admission, self.sketch, self.fork) = (admission, sketch, fork)
  }
}
