public import CentramPluginAPI

/// A driver that can leave all work on a stretch of blocks to another process: reading the inputs, which lie in files, the operator's own
/// work, and encoding the output. Only encoded bytes come back.
public protocol DrivesParts: MergeDriver {
  /// What another process needs to know for a pass; nil where it cannot be left to one: then `run` does it.
  /// - Throws: where the pass itself cannot be.
  func plan(_ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool) throws(PluginError) -> PartPlan?
  /// Calls `body` in several threads at once, until there are no parts left. Each gets parts one after another from `next`, and nil when there are no more,
  /// or a call of `body` threw; parts cover the tensor once, and those of one stripe go to one thread, in order. Throws the first error.
  /// - Parameter elements: of a part; it has at least one block, and a stripe's last part may be shorter.
  func run(_ plan: PartPlan, elements: Int, _ body: @Sendable (_ next: @escaping () throws(PluginError) -> StripePart?) throws(PluginError) -> Void) throws(PluginError)
}

/// One pass over a tensor.
public struct PartPlan: Sendable {
  public let granularity: BlockGranularity
  /// Elements a block; a stripe's last block may be shorter.
  public let length: Int
  /// One an input; nil where it is not read.
  public let inputs: [StoredTensor?]
  /// For each input whether NaN and infinity end the pass.
  public let checking: [Bool]
  /// Of the output; nil where there is none.
  public let encoding: OutputEncoding?
  /// That `run` has for it.
  public let threads: Int

  public init(granularity: BlockGranularity, length: Int, inputs: [StoredTensor?], checking: [Bool], encoding: OutputEncoding?, threads: Int) {
    (self.granularity, self.length, self.inputs, self.checking, self.encoding, self.threads) = (granularity, length, inputs, checking, encoding, threads)
  }
}

/// What ended a part, as another process says.
public enum PartFinding: Equatable, Sendable {
  /// An input holds what it may not hold.
  case nonFinite(BlockLoop.NonFinite)
  /// The output's format cannot hold this result.
  case unfit(element: Int, value: Float)
}

/// Neighbouring blocks of one stripe.
public struct StripePart {
  public let stripe: Int
  /// Of the first element.
  public let offset: Int
  public let count: Int
  /// Takes the output's next bytes, whole elements from the given one on.
  public let take: (_ offset: Int, _ bytes: UnsafeRawBufferPointer) throws(PluginError) -> Void
  /// The error that a finding means; nil where the finding is not true.
  public let error: (PartFinding) -> PluginError?

  public init(
    stripe: Int, offset: Int, count: Int, take: @escaping (_ offset: Int, _ bytes: UnsafeRawBufferPointer) throws(PluginError) -> Void,
    error: @escaping (PartFinding) -> PluginError?
  ) {
    (self.stripe, self.offset, self.count, self.take, self.error) = (stripe, offset, count, take, error)
  }
}
