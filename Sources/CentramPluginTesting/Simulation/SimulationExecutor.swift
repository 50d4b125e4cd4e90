internal import Foundation
internal import Synchronization

/// Runs the jobs of tasks one after another on the thread that drives it, in the order in which they became ready. Tasks that prefer it, their child
/// tasks and the default actors that they call run nowhere else, so a program without other threads does the same in every run.
public final class SimulationExecutor: TaskExecutor, SerialExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var head = 0
    var thread: Thread?
    var strays = 0
  }
  private let state = Mutex(State())

  public init() {}

  /// Jobs that came from other threads while the simulation ran. Their order is chance, so a run with any proves nothing.
  public var strays: Int { state.withLock { $0.strays } }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { state in
      state.jobs.append(job)
      if let thread = state.thread, thread !== Thread.current { state.strays += 1 }
    }
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  /// Runs one job.
  /// - Returns: whether there was one.
  func step() -> Bool {
    let job: UnownedJob? = state.withLock { state in
      state.thread = Thread.current
      guard state.head < state.jobs.count else { return nil }
      let job = state.jobs[state.head]
      state.head += 1
      if state.head > 1024, state.head * 2 > state.jobs.count {
        state.jobs.removeFirst(state.head)
        state.head = 0
      }
      return job
    }
    guard let job else { return false }
    job.runSynchronously(on: asUnownedTaskExecutor())
    return true
  }

  func leave() { state.withLock { $0.thread = nil } }
}
