internal import Dispatch
internal import Foundation
internal import Synchronization

/// Runs C code that blocks for long on a thread of its own: the threads of Swift's tasks are as few as the cores.
package enum OwnThread {
  package static func run<Value: Sendable>(_ name: String, _ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      let thread = Thread { continuation.resume(returning: body()) }
      (thread.name, thread.stackSize) = (name, 8 << 20)
      thread.start()
    }
  }

  /// Blocks this thread, which must be one of its own, until asynchronous work is done.
  package static func wait<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
    let result = Box<Value>(), done = DispatchSemaphore(value: 0)
    Task.detached {
      let value = await body()
      result.value.withLock { $0 = value }
      done.signal()
    }
    done.wait()
    guard let value = result.value.withLock({ $0 }) else { preconditionFailure("a task ended without its result") }
    return value
  }

  private final class Box<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }
}
