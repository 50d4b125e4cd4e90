public import CentramPluginAPI

/// The clock that the network part of a node lives by. The simulator has one of its own.
public protocol NodeClock: ClockService {
  /// Waits until `monotonicNanoseconds` has come there.
  /// - Throws: `CancellationError` when the task is cancelled.
  func sleep(until nanoseconds: UInt64) async throws
}

extension NodeClock {
  func sleep(milliseconds: Int) async throws { try await sleep(until: monotonicNanoseconds + UInt64(max(0, milliseconds)) * 1_000_000) }

  /// Runs `body`, and `expire` if it takes longer; `expire` must make `body` end.
  func withDeadline<Result: Sendable>(
    milliseconds: Int, expire: @escaping @Sendable () async -> Void, _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    let end = monotonicNanoseconds + UInt64(max(0, milliseconds)) * 1_000_000
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        guard (try? await self.sleep(until: end)) != nil else { return }
        await expire()
      }
      defer { group.cancelAll() }
      return try await body()
    }
  }
}
