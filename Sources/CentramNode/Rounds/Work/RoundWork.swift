public import CentramWire
public import Foundation

/// The work of a round: training and merging, over blobs that are in the store. State machines and sessions know no more of it than this.
public protocol RoundWork: Sendable {
  /// Takes the local steps of a step, and keeps the update in the store.
  /// - Throws: `.cancelled` where its task was cancelled; it is asked for again then.
  func train(_ work: RoundTraining) async throws(RoundError) -> LocalResult
  /// Checks an update that is in the store.
  /// - Throws: `.update` with why it is refused.
  func check(_ update: Data) async throws(RoundError)
  /// Merges updates that are in the store, and keeps the result there. The same on every node, byte for byte.
  func aggregate(_ work: RoundAggregation) async throws(RoundError) -> RoundAggregate
  /// Judges a step's updates beside each other, as this node's gate judges genomes.
  /// - Parameter own: whose updates need no judgement, but stand beside the others.
  /// - Returns: what it refuses.
  /// - Throws: where the gate itself cannot judge.
  func judge(_ work: RoundAggregation, except own: NodeKey?) async throws(RoundError) -> [RoundRefusal]
  /// What an aggregate gains over what its step began with, on this node's own hold-out, in nats a byte and as the mean of its domains; 0 where it has
  /// none, or none of the round's base.
  func lift(_ aggregate: Data, from start: Data) async throws(RoundError) -> Double
}

/// An update that a node's gate does not let in.
public struct RoundRefusal: Sendable, Equatable {
  /// SHA-256 of the update.
  public var update: Data
  public var layer: String
  /// In the layer's words.
  public var reason: String
  /// Whether it rests on how much this node's own secret text gains, about which nodes may differ. At a voter it is a remark and makes no no.
  public var isLocal: Bool
  /// The layer's verdict, signed by this node.
  public var verdict: WireSigned?
  public init(update: Data, layer: String, reason: String, isLocal: Bool = false, verdict: WireSigned? = nil) {
    (self.update, self.layer, self.reason, self.isLocal, self.verdict) = (update, layer, reason, isLocal, verdict)
  }

  /// For a contribution, a vote and an acknowledgement.
  var sentence: String { "\(layer): \(reason)".prefix(utf8: 256) }
}

/// What local steps made; the update is in the store.
public struct LocalResult: Sendable, Equatable {
  /// SHA-256.
  public var hash: Data
  public var size: UInt64
  public var localSteps: UInt32, tokens: UInt64
  public var norm: Double, loss: Double
  /// Of private local steps: it is counted in the node's account.
  public var privacy: WirePrivacyRecord?
  public init(hash: Data, size: UInt64, localSteps: UInt32, tokens: UInt64, norm: Double, loss: Double, privacy: WirePrivacyRecord? = nil) {
    self.privacy = privacy
    (self.hash, self.size, self.localSteps, self.tokens, self.norm, self.loss) = (hash, size, localSteps, tokens, norm, loss)
  }
}
