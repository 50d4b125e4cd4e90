internal import Synchronization

/// Tasks that belong together and end together. What it starts are child tasks of `run`, so they run where `run` runs.
public final class TaskScope: Sendable {
  public typealias Work = @Sendable () async -> Void
  private let work: AsyncStream<Work>
  private let queue: AsyncStream<Work>.Continuation
  private let isCancelled = Mutex(false)

  public init() { (work, queue) = AsyncStream.makeStream() }

  /// Starts work, once `run` runs. Work that comes after the end is not done.
  public func start(_ work: @escaping Work) { queue.yield(work) }

  /// Takes no more work, and lets `run` return once all has ended.
  public func finish() { queue.finish() }

  /// Cancels all work, too.
  public func cancel() {
    isCancelled.withLock { $0 = true }
    queue.finish()
  }

  /// Returns when `finish` or `cancel` was called, or the task was cancelled, and all work ended.
  public func run() async {
    await withDiscardingTaskGroup { group in
      for await next in work { group.addTask(operation: next) }
      if isCancelled.withLock({ $0 }) || Task.isCancelled { group.cancelAll() }
    }
  }
}
