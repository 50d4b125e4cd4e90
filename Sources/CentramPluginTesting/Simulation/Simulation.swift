/// A program of tasks in virtual time on one thread. With the same seed it does the same in every run and on every machine, as long as it takes
/// clock, randomness and network from here.
public final class Simulation: Sendable {
  public let seed: UInt64
  public let executor = SimulationExecutor()
  public let clock = SimulationClock()
  public let random: SimulationRandom

  public init(seed: UInt64) {
    self.seed = seed
    random = SimulationRandom(seed: seed)
  }

  /// Runs `body` to its end and returns what it returned.
  /// - Parameter limit: nanoseconds of virtual time after which it is given up.
  /// - Throws: what `body` threw; `SimulationError` where it did not end.
  public func run<Result: Sendable>(limit: UInt64 = 3_600_000_000_000, _ body: @escaping @Sendable () async throws -> Result) throws -> Result {
    let outcome = Outcome<Result>()
    let task = Task(executorPreference: executor) {
      do { outcome.value = .success(try await body()) } catch { outcome.value = .failure(error) }
    }
    defer { executor.leave() }
    let end = clock.monotonicNanoseconds + limit
    while outcome.value == nil {
      if executor.step() || clock.advance(until: end) { continue }
      task.cancel()
      while executor.step() {}
      throw SimulationError(
        message: clock.monotonicNanoseconds >= end
          ? "seed \(seed): not done after \(limit / 1_000_000) ms of virtual time" : "seed \(seed): every task waits for something that will not come")
    }
    // Cancelled tasks end, so that nothing of this run goes on in another.
    while executor.step() {}
    return try outcome.value!.get()
  }

  /// Only touched by the thread that drives.
  private final class Outcome<Value: Sendable>: @unchecked Sendable {
    var value: Swift.Result<Value, any Error>?
  }
}

/// Why a simulation came to no result.
public struct SimulationError: Error, Sendable, CustomStringConvertible {
  /// Names the seed.
  public let message: String
  public var description: String { message }
}
