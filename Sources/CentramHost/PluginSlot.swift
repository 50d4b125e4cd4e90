internal import Synchronization

/// Holds the version of a plugin that is in use, and lets another take its place while calls run.
///
/// A call keeps the instance that it began with; calls that begin after `swap` returned get the new one. The old instance
/// goes when its last call ends; its library stays.
public final class PluginSlot<Instance: Sendable>: Sendable {
  private let state: Mutex<(instance: Instance, swaps: Int)>

  public init(_ instance: Instance) { state = Mutex((instance, 0)) }

  /// The instance for one call; ask again for the next.
  public var current: Instance { state.withLock { $0.instance } }

  /// How often another version took over.
  public var swapCount: Int { state.withLock { $0.swaps } }

  /// Makes one call with the instance that is in use when it begins.
  public func withCurrent<Result, Failure: Error>(_ body: (Instance) throws(Failure) -> Result) throws(Failure) -> Result {
    try body(current)
  }

  /// Makes one asynchronous call with the instance that is in use when it begins.
  public func withCurrent<Result: Sendable, Failure: Error>(
    _ body: @Sendable (Instance) async throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    try await body(current)
  }

  /// Puts another instance in the place of the current one.
  /// - Returns: the one before, so that its own work can be brought to an end.
  @discardableResult public func swap(to instance: Instance) -> Instance {
    state.withLock { state in
      let old = state.instance
      state = (instance, state.swaps + 1)
      return old
    }
  }
}
