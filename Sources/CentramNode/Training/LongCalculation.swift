internal import Dispatch

/// One long calculation, or much reading from the disk, on a thread of its own. The threads that tasks share are as many as processors, and while
/// they compute nobody answers peers or looks at the time.
enum LongCalculation {
  static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in DispatchQueue.global(qos: .utility).async { continuation.resume(returning: body()) } }
  }

  /// The same for work that a round may refuse.
  static func attempt<Value: Sendable>(_ body: @escaping @Sendable () throws(RoundError) -> Value) async throws(RoundError) -> Value {
    let result: Result<Value, RoundError> = await run {
      do throws(RoundError) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
