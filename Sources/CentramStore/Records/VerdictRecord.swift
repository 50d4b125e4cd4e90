/// What a layer of the gate said of a genome, as it is kept.
public struct VerdictRecord: Sendable, Equatable {
  public enum Direction: String, Sendable, CaseIterable { case inbound, outbound }
  public enum Decision: String, Sendable, CaseIterable { case accept, scale, quarantine, reject }

  public struct Evidence: Sendable, Equatable, Codable {
    public var name: String, value: String
    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// The content hash of what was judged.
  public var genome: String
  public var direction: Direction
  public var layer: String, layerVersion: String
  public var decision: Decision
  /// With `scale`.
  public var factor: Double?
  public var reason: String
  public var evidence: [Evidence]
  public var timeMilliseconds: Int64
  /// Whether a layer was taken out of the gate that judged.
  public var isIncomplete: Bool

  public init(
    genome: String, direction: Direction, layer: String, layerVersion: String, decision: Decision, factor: Double? = nil, reason: String = "",
    evidence: [Evidence] = [], timeMilliseconds: Int64, isIncomplete: Bool = false
  ) {
    (self.genome, self.direction, self.layer, self.layerVersion) = (genome, direction, layer, layerVersion)
    (self.decision, self.factor, self.reason, self.evidence) = (decision, factor, reason, evidence)
    (self.timeMilliseconds, self.isIncomplete) = (timeMilliseconds, isIncomplete)
  }
}
