internal import CentramPluginAPI
internal import Synchronization

func cancelled(_ what: String) -> PluginError { PluginError(.cancelled, "\(what) was cancelled while it waited") }

/// Handles that a plugin gives out one by one: a listener's connections, a connection's streams. Where a caller is cancelled its operation
/// goes on, for a plugin cannot be told; who asks next gets what it ends with.
final class HandleQueue: Sendable {
  typealias Answer = Result<Int64, PluginError>
  private typealias Waiter = (number: Int, continuation: CheckedContinuation<Answer, Never>)

  private struct State {
    /// Operations that the plugin has not completed.
    var begun = 0
    var ready: [Int64] = []
    var nextNumber = 0
    var waiting: [Waiter] = []
  }
  private let state = Mutex(State())

  /// - Parameter begin: starts an operation of the plugin's and hands its completion on.
  func next(_ begin: (@escaping Completions.Completion) -> Void) async throws(PluginError) -> Int64 {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    let answer: Answer = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // Asked under the lock, so that a cancellation is either seen here or finds the waiter.
        let (answer, begins) = state.withLock { state -> (Answer?, Bool) in
          if !state.ready.isEmpty { return (.success(state.ready.removeFirst()), false) }
          if Task.isCancelled { return (.failure(cancelled("an accept")), false) }
          state.waiting.append((number, continuation))
          guard state.begun < state.waiting.count else { return (nil, false) }
          state.begun += 1
          return (nil, true)
        }
        if let answer { continuation.resume(returning: answer) }
        if begins { begin { [self] in complete($0) } }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
      }
      waiter?.continuation.resume(returning: .failure(cancelled("an accept")))
    }
    return try answer.get()
  }

  private func complete(_ answer: Answer) {
    let waiter: Waiter? = state.withLock { state in
      state.begun -= 1
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      // A failure that nobody waits for says nothing that the next operation would not say.
      if case .success(let handle) = answer { state.ready.append(handle) }
      return nil
    }
    waiter?.continuation.resume(returning: answer)
  }

  /// What came for callers that had gone, and is nobody's now.
  func drain() -> [Int64] {
    state.withLock { state in
      defer { state.ready = [] }
      return state.ready
    }
  }
}
