public import CentramPluginAPI

/// One layer's verdict as it is kept.
public struct GateVerdict: Sendable, Equatable {
  /// SHA-256 of what was judged, hexadecimal digits.
  public var contentHash: String
  public var direction: GateDirection
  public var layer: String
  /// Empty where the layer is missing.
  public var version: String
  public var decision: Verdict.Decision
  public var evidence: [Verdict.Evidence]
  /// Unix milliseconds.
  public var decidedMilliseconds: Int64
  /// What was switched off; nil for a whole gate.
  public var warning: String?

  public init(
    contentHash: String, direction: GateDirection, layer: String, version: String, decision: Verdict.Decision, evidence: [Verdict.Evidence] = [], decidedMilliseconds: Int64,
    warning: String? = nil
  ) {
    (self.contentHash, self.direction, self.layer, self.version) = (contentHash, direction, layer, version)
    (self.decision, self.evidence, self.decidedMilliseconds, self.warning) = (decision, evidence, decidedMilliseconds, warning)
  }
}

/// What the layers said together.
public struct GateReport: Sendable, Equatable {
  public enum Outcome: Sendable, Equatable {
    /// Merge it with its update times this, in (0, 1].
    case accepted(factor: Double)
    case quarantined(layer: String, reason: String)
    case rejected(layer: String, reason: String)
  }

  public var contentHash: String
  public var direction: GateDirection
  public var outcome: Outcome
  /// Of the layers that judged, in their order; the last one refused unless all passed.
  public var verdicts: [GateVerdict]
  public var warning: String?
  /// Whether the refusal says nothing of the genome: a layer, or a service that it needs, is missing here.
  public var isNodesFault: Bool

  public init(contentHash: String, direction: GateDirection, outcome: Outcome, verdicts: [GateVerdict], warning: String? = nil, isNodesFault: Bool = false) {
    (self.contentHash, self.direction, self.outcome) = (contentHash, direction, outcome)
    (self.verdicts, self.warning, self.isNodesFault) = (verdicts, warning, isNodesFault)
  }

  public var isAccepted: Bool { if case .accepted = outcome { true } else { false } }
  /// What a refusal asks of a node that took the genome in before.
  public enum Undo: String, Sendable, Equatable {
    /// Take the merge back: what the model is used for became worse with it.
    case revert
    /// End the shadow run: the candidate made faults that the model in use does not.
    case rollBack
  }

  /// Nil where the refusal asks for neither. Whoever merged, or runs the shadow, acts on it; the genome's state stays.
  public var undo: Undo? {
    guard case .rejected(_, let reason) = outcome else { return nil }
    return reason.hasPrefix("revert") ? .revert : reason.hasPrefix("roll back") ? .rollBack : nil
  }

  /// The layer that refused.
  public var refusingLayer: String? {
    switch outcome {
    case .accepted: nil
    case .quarantined(let layer, _), .rejected(let layer, _): layer
    }
  }
}

/// Keeps verdicts. The store does.
public protocol VerdictStore: Sendable {
  /// Returns when it is safe. Called once a judgement, with all verdicts of it.
  func keep(_ report: GateReport) async throws
}

/// For judgements that are only shown, or kept by whoever asked for them.
public struct UnkeptVerdicts: VerdictStore {
  public init() {}
  public func keep(_ report: GateReport) async throws {}
}
