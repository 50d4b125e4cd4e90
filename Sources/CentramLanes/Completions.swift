internal import CentramPluginAPI
internal import Synchronization

/// Waits for operations that a C plugin completes later, from any thread.
///
/// The plugin gets a number, never a pointer: a second or late completion finds no entry, is counted, and touches nothing.
package final class Completions: Sendable {
  package static let shared = Completions()

  typealias Completion = @Sendable (Result<Int64, PluginError>) -> Void

  private struct State {
    var next: UInt = 1
    var open: [UInt: Completion] = [:]
    var superfluous = 0
  }
  private let state = Mutex(State())

  /// Operations that have not been completed.
  package var openCount: Int { state.withLock { $0.open.count } }
  /// Completions that nobody waited for, in the life of the process: a plugin's fault.
  package var superfluousCount: Int { state.withLock { $0.superfluous } }

  /// Starts an operation and waits until the plugin says that it is done.
  /// - Parameter start: nil where the plugin has no such function.
  /// - Returns: the operation's value.
  static func wait(_ start: (_ done: @escaping centram_done_fn, _ token: UnsafeMutableRawPointer?) -> Void?) async throws(PluginError) -> Int64 {
    let result = await withCheckedContinuation { continuation in
      Self.start(start) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Starts an operation. `completion` is called once, from any thread, also before this returns.
  static func start(_ start: (_ done: @escaping centram_done_fn, _ token: UnsafeMutableRawPointer?) -> Void?, _ completion: @escaping Completion) {
    let token = shared.open(completion)
    let started: Void? = start(
      { token, status, value, message in
        let text = message.map { String(cString: $0) } ?? ""
        let error = PluginError(.init(rawValue: status), text.isEmpty ? "the operation ended with \(status) and no reason" : text)
        Completions.shared.finish(UInt(bitPattern: token), status == 0 ? .success(value) : .failure(error))
      }, UnsafeMutableRawPointer(bitPattern: token))
    if started == nil { shared.finish(token, .failure(PluginError(.unsupported, "the plugin has no such function"))) }
  }

  private func open(_ completion: @escaping Completion) -> UInt {
    state.withLock { state in
      defer { state.next += 1 }
      state.open[state.next] = completion
      return state.next
    }
  }

  private func finish(_ token: UInt, _ result: Result<Int64, PluginError>) {
    let completion = state.withLock { state in
      let completion = state.open.removeValue(forKey: token)
      if completion == nil { state.superfluous += 1 }
      return completion
    }
    completion?(result)
  }
}
