internal import Foundation
internal import Synchronization

/// Threads that take turns at numbered pieces of work. The caller is one of them.
///
/// Merging is arithmetic on blocks, so it runs on threads of its own and not on the tasks of Swift's concurrency, which
/// must not block.
public final class WorkerPool: Sendable {
  public let workers: Int
  private let state: State

  private final class State: @unchecked Sendable {
    let condition = NSCondition()
    // All guarded by `condition`.
    var generation = 0
    var running = 0
    var isStopping = false
    /// The run's work, on the stack of who called `run`: the threads keep no reference that could outlive the run.
    var body: UnsafePointer<@Sendable (Int) -> Void>?
  }

  /// - Parameter workers: threads, the caller's included; at least 1.
  public init(workers: Int) {
    self.workers = max(1, workers)
    let state = State()
    self.state = state
    for index in 1..<max(1, workers) {
      let thread = Thread {
        var seen = 0
        while true {
          state.condition.lock()
          while state.generation == seen && !state.isStopping { state.condition.wait() }
          if state.isStopping {
            state.condition.unlock()
            return
          }
          seen = state.generation
          let body = state.body
          state.condition.unlock()
          body?.pointee(index)
          state.condition.lock()
          state.running -= 1
          if state.running == 0 { state.condition.broadcast() }
          state.condition.unlock()
        }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  deinit {
    state.condition.lock()
    state.isStopping = true
    state.condition.broadcast()
    state.condition.unlock()
  }

  /// Calls `body(piece, worker)` once for each piece in 0..<pieces, and returns when all are done. One run at a time.
  func run(pieces: Int, _ body: @Sendable (_ piece: Int, _ worker: Int) -> Void) {
    guard pieces > 1, workers > 1 else {
      for piece in 0..<pieces { body(piece, 0) }
      return
    }
    let next = Counter()
    withoutActuallyEscaping(body) { body in
      let work: @Sendable (Int) -> Void = { worker in
        while true {
          let piece = next.take()
          if piece >= pieces { return }
          body(piece, worker)
        }
      }
      withUnsafePointer(to: work) { pointer in
        state.condition.lock()
        state.body = pointer
        state.running = workers - 1
        state.generation += 1
        state.condition.broadcast()
        state.condition.unlock()
        pointer.pointee(0)
        state.condition.lock()
        while state.running > 0 { state.condition.wait() }
        state.body = nil
        state.condition.unlock()
      }
    }
  }

  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
  }
}
