public import CentramWire
public import Foundation

/// What a state machine wants done. The machine's state is kept before any of it is done.
public enum RoundEffect: Sendable {
  /// A frame for everybody, to be passed on.
  case announce(Frame)
  /// A frame for everybody that these need.
  case publish(Frame, to: [NodeKey])
  case send(RoundMessage, to: NodeKey)
  /// Fetch an update, check it, and say `checked`.
  case check(RoundUpdate)
  /// Merge updates and say `aggregated`.
  case aggregate(RoundAggregation)
  /// Take the local steps and say `trained`.
  case train(RoundTraining)
  /// Merge what a proposal names and say `recomputed`.
  case recompute(RoundAggregation, proposal: Data, result: Data)
  /// Tell others what a peer did.
  case accuse(WireMisbehaviourProof)
  /// A step's aggregate is final.
  case stepped(RoundResult)
  /// The round is over: with the last result, or given up.
  case ended(RoundResult?, reason: WireRoundAbortReason, message: String)
}

/// A message to one peer.
public enum RoundMessage: Sendable, Equatable {
  case join(WireRoundJoin)
  case welcome(WireRoundWelcome)
  case acknowledge(WireUpdateAck)
  case status(WireRoundStatus)
  case abort(WireRoundAbort)

  var wire: any WireMessage {
    switch self {
    case .join(let message): message
    case .welcome(let message): message
    case .acknowledge(let message): message
    case .status(let message): message
    case .abort(let message): message
    }
  }
}

/// An update that was shown.
public struct RoundUpdate: Sendable, Equatable {
  public var step: UInt32, participant: UInt32
  /// SHA-256.
  public var hash: Data
  public var size: UInt64
  public var from: NodeKey
}

/// What an aggregate is made of.
public struct RoundAggregation: Sendable, Equatable {
  public struct Part: Sendable, Equatable {
    public var hash: Data
    public var size: UInt64
    public var weightBasisPoints: UInt32
    /// Who made it.
    public var from: NodeKey
    /// Of the data behind it: the round's, or what the participant said of its own.
    public var domain = ""
  }
  public var step: UInt32
  /// SHA-256 of what the step started from; empty for none.
  public var start: Data
  public var parts: [Part]
}

/// Local steps to take.
public struct RoundTraining: Sendable, Equatable {
  public var step: UInt32
  public var start: Data
  public var seed: UInt64
  public var participant: UInt32
}

/// What local steps made.
public struct TrainedUpdate: Sendable, Equatable {
  public var hash: Data
  public var size: UInt64
  public var localSteps: UInt32, tokens: UInt64
  public var norm: Double, loss: Double
  /// 32 random bytes.
  public var salt: Data
  /// Of private local steps.
  public var privacy: WirePrivacyRecord?
  public init(hash: Data, size: UInt64, localSteps: UInt32, tokens: UInt64, norm: Double, loss: Double, salt: Data, privacy: WirePrivacyRecord? = nil) {
    (self.hash, self.size, self.localSteps, self.tokens) = (hash, size, localSteps, tokens)
    (self.norm, self.loss, self.salt, self.privacy) = (norm, loss, salt, privacy)
  }
}

/// A merge's outcome.
public struct RoundAggregate: Sendable, Equatable {
  public var hash: Data
  public var size: UInt64
  /// Frobenius norm of the change.
  public var norm: Double
  public init(hash: Data, size: UInt64, norm: Double) { (self.hash, self.size, self.norm) = (hash, size, norm) }
}

/// A final aggregate.
public struct RoundResult: Sendable, Equatable {
  public var step: UInt32
  public var result: Data
  public var isLast: Bool
}
