/// How to carry out a merge; what to merge stands in the configuration.
public struct MergeOptions: Sendable {
  public var seed: UInt64 = 0
  /// Threads; the result does not depend on it.
  public var threads = 1
  /// Bytes of tensors a file of the output.
  public var shardSize = 5_000_000_000
  public var hash = FileHashAlgorithm.xxh128
  /// A file that remembers the hashes of inputs that did not change; nil: none.
  public var hashCache: String?
  /// A safetensors file of masks (`TENSOR|MODEL`, 1 = keep) that random operators use instead of their own.
  public var masks: String?
  /// Whether an output that no merge wrote may be replaced.
  public var replacesAnything = false
  /// Whether to wait until the weights are on the disk. Always done where an earlier output is replaced.
  public var synchronizes = false
  /// Whether inputs with NaN or infinity are merged all the same.
  public var allowsNonFinite = false
  /// Stated in the lineage.
  public var centramVersion = ""

  public init() {}
}

/// What a merge does while it runs. Called from several threads.
public struct MergeObserver: Sendable {
  /// Bytes of output that were added.
  public var progress: @Sendable (_ bytes: Int) -> Void
  /// A sentence for the user.
  public var warn: @Sendable (String) -> Void
  public var isCancelled: @Sendable () -> Bool

  public init(
    progress: @escaping @Sendable (_ bytes: Int) -> Void = { _ in }, warn: @escaping @Sendable (String) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    (self.progress, self.warn, self.isCancelled) = (progress, warn, isCancelled)
  }
}
