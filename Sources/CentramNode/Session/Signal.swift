internal import Synchronization

/// Something that happens once, and that tasks wait for.
final class Signal: Sendable {
  private struct State {
    var hasHappened = false
    var nextID: UInt64 = 0
    /// In the order of their coming.
    var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  var hasHappened: Bool { state.withLock { $0.hasHappened } }

  func send() {
    let waiting = state.withLock { state in
      defer { (state.hasHappened, state.waiting) = (true, []) }
      return state.waiting
    }
    for waiter in waiting { waiter.continuation.resume() }
  }

  /// Suspends until it happens, or the task is cancelled.
  func wait() async {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.hasHappened || Task.isCancelled { return true }
          state.waiting.append((id, continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
      }
      waiter?.continuation.resume()
    }
  }
}
