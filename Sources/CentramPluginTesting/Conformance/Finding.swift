// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// What a check throws to say what it found.
struct Finding: Error {
  let outcome: ConformanceResult.Outcome
  static func skipped(_ why: String) -> Finding { Finding(outcome: .skipped(why)) }
  static func failed(_ expected: String, _ seen: String) -> Finding { Finding(outcome: .failed(expected: expected, seen: seen)) }
}

func require(_ condition: Bool, _ expected: @autoclosure () -> String, _ seen: @autoclosure () -> String) throws {
  guard condition else { throw Finding.failed(expected(), seen()) }
}

/// Runs `body` and gives up on it after a while: a plugin that never answers must not hold up the suite. What was given up on is
/// cancelled and left behind.
///
/// The limit is waited for in steps: where this process's tasks have to wait for each other, so does each step, and a plugin is not blamed
/// for what it did not do.
func promptly<Value: Sendable>(_ what: String, within limit: Duration, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
  let first = First<Result<Value, any Error>>()
  let work = Task {
    do { first.offer(.success(try await body())) } catch { first.offer(.failure(error)) }
  }
  let clock = Task {
    for _ in 0..<25 { do { try await Task.sleep(for: limit / 25) } catch { return } }
    first.offer(.failure(Finding.failed("\(what) within \(limit)", "it had not happened by then")))
    work.cancel()
  }
  defer { clock.cancel() }
  return try await first.value.get()
}

/// The first of several offers.
final class First<Value: Sendable>: Sendable {
  private enum State { case open, waiting(CheckedContinuation<Value, Never>), done(Value), taken }
  private let state = Mutex(State.open)

  func offer(_ value: Value) {
    let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
      switch state {
      case .open:
        state = .done(value)
        return nil
      case .waiting(let continuation):
        state = .taken
        return continuation
      case .done, .taken: return nil
      }
    }
    waiting?.resume(returning: value)
  }

  /// Asked for once.
  var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let ready: Value? = state.withLock { state in
          if case .done(let value) = state { return value }
          state = .waiting(continuation)
          return nil
        }
        if let ready { continuation.resume(returning: ready) }
      }
    }
  }
}

/// Runs code that may block for long, or for ever, on a thread of its own: the threads of tasks are as few as the cores.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result { try body() }) }
    thread.stackSize = 8 << 20
    thread.start()
  }
}
