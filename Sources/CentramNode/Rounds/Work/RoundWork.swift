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
  /// What an aggregate gains on this node's own validation data, in nats a byte; 0 where it has none.
  func lift(_ aggregate: Data) async -> Double
}

/// What local steps made; the update is in the store.
public struct LocalResult: Sendable, Equatable {
  /// SHA-256.
  public var hash: Data
  public var size: UInt64
  public var localSteps: UInt32, tokens: UInt64
  public var norm: Double, loss: Double
  public init(hash: Data, size: UInt64, localSteps: UInt32, tokens: UInt64, norm: Double, loss: Double) {
    (self.hash, self.size, self.localSteps, self.tokens, self.norm, self.loss) = (hash, size, localSteps, tokens, norm, loss)
  }
}
