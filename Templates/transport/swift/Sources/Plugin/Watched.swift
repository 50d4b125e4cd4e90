// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

/// State behind a lock, which operations change and wait on.
final class Watched<State: Sendable>: Sendable {
  private struct Contents {
    var state: State
    var version = 0
    var nextWaiter = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
  }
  private let contents: Mutex<Contents>

  init(_ state: State) { contents = Mutex(Contents(state: state)) }

  /// Looks at the state, and wakes nobody.
  func read<Value: Sendable>(_ body: (State) -> Value) -> Value { contents.withLock { body($0.state) } }

  /// Changes the state and wakes who waits on it.
  func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
    let (value, woken) = contents.withLock { contents in
      let value = body(&contents.state)
      contents.version += 1
      defer { contents.waiting = [:] }
      return (value, contents.waiting)
    }
    // Not under the lock: what is woken may ask for it at once.
    for continuation in woken.values { continuation.resume() }
    return value
  }

  /// Tries `body` until it gives something, again after each change.
  /// - Throws: what `body` gives as a failure; `.cancelled` where the task is cancelled before.
  func wait<Value: Sendable>(_ body: (inout State) -> Result<Value, PluginError>?) async throws(PluginError) -> Value {
    while true {
      let (found, version) = contents.withLock { (body(&$0.state), $0.version) }
      if let found {
        change { _ in }  // it may have changed something
        return try found.get()
      }
      if Task.isCancelled { throw PluginError(.cancelled, "the operation was cancelled while it waited") }
      await park(since: version)
    }
  }

  /// Waits for a change after `version`, or to be cancelled.
  private func park(since version: Int) async {
    let number = contents.withLock { contents in
      contents.nextWaiter += 1
      return contents.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // Asked under the lock, so that a cancellation is either seen here or finds the waiter.
        let waits = contents.withLock { contents in
          guard contents.version == version, !Task.isCancelled else { return false }
          contents.waiting[number] = continuation
          return true
        }
        if !waits { continuation.resume() }
      }
    } onCancel: {
      contents.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
    }
  }
}
