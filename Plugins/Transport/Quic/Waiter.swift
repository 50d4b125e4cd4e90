import CentramPluginAPI

/// A call that waits for the loop. Used by the loop alone.
final class Waiter<Value>: @unchecked Sendable {
  private var continuation: UnsafeContinuation<Result<Value, PluginError>, Never>?
  private(set) var isCancelled = false

  func resume(_ result: Result<Value, PluginError>) {
    nonisolated(unsafe) let result = result
    continuation?.resume(returning: result)
    continuation = nil
  }

  /// Waits until `start`, which runs as the loop, or something after it resumes. `cancel` runs as the loop when the task is cancelled; it
  /// must resume.
  static func wait(
    on loop: EventLoop, _ start: @escaping (Waiter<Value>) -> Void, cancel: @escaping (Waiter<Value>) -> Void
  ) async throws(PluginError) -> Value {
    let waiter = Waiter()
    nonisolated(unsafe) let (start, cancel) = (start, cancel)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        loop.submit {
          waiter.continuation = continuation
          if waiter.isCancelled { waiter.resume(.failure(.cancelledByCaller)) } else { start(waiter) }
        }
      }
    } onCancel: {
      loop.submit {
        waiter.isCancelled = true
        if waiter.continuation != nil { cancel(waiter) }
      }
    }
    return try result.get()
  }
}

extension PluginError {
  static var cancelledByCaller: PluginError { PluginError(.cancelled, "the task was cancelled") }
}
