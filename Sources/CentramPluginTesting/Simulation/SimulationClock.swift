public import CentramPluginAPI
internal import Synchronization

/// Time that passes only when nothing else is left to do.
public final class SimulationClock: ClockService {
  fileprivate struct State {
    var now: UInt64 = 0
    var nextID: UInt64 = 0
    /// A binary heap by time and then by id, which is the order of asking.
    var heap: [(time: UInt64, id: UInt64)] = []
    var timers: [UInt64: @Sendable () -> Void] = [:]
  }
  private let state = Mutex(State())
  private let start: Int64

  /// - Parameter start: Unix milliseconds at the beginning.
  public init(start: Int64 = 1_800_000_000_000) { self.start = start }

  public var monotonicNanoseconds: UInt64 { state.withLock { $0.now } }
  public var unixMilliseconds: Int64 { start + Int64(monotonicNanoseconds / 1_000_000) }

  /// Calls `fire` at a time, from the thread that drives the simulation.
  /// - Returns: what `cancel` takes.
  @discardableResult public func at(_ time: UInt64, _ fire: @escaping @Sendable () -> Void) -> UInt64 {
    state.withLock { state in
      state.nextID += 1
      state.timers[state.nextID] = fire
      state.push(max(time, state.now), state.nextID)
      return state.nextID
    }
  }

  /// - Returns: whether the timer had not fired.
  @discardableResult public func cancel(_ id: UInt64) -> Bool { state.withLock { $0.timers.removeValue(forKey: id) != nil } }

  /// Waits until a time has come.
  /// - Throws: `CancellationError`.
  public func sleep(until nanoseconds: UInt64) async throws {
    let cell = Mutex<(id: UInt64, isCancelled: Bool, continuation: CheckedContinuation<Void, any Error>?)>((0, false, nil))
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let goesOn = cell.withLock { cell in
          if cell.isCancelled { return false }
          cell.continuation = continuation
          return true
        }
        guard goesOn else { return continuation.resume(throwing: CancellationError()) }
        let id = at(nanoseconds) {
          let waiting = cell.withLock { cell in
            defer { cell.continuation = nil }
            return cell.continuation
          }
          waiting?.resume()
        }
        cell.withLock { $0.id = id }
      }
    } onCancel: {
      let (id, waiting) = cell.withLock { cell in
        defer { (cell.isCancelled, cell.continuation) = (true, nil) }
        return (cell.id, cell.continuation)
      }
      cancel(id)
      waiting?.resume(throwing: CancellationError())
    }
  }

  /// Turns the clock to the next timer and fires it.
  /// - Returns: whether there was one before `end`; if not, the clock stands at `end`.
  func advance(until end: UInt64) -> Bool {
    let fire: (@Sendable () -> Void)? = state.withLock { state in
      while let next = state.heap.first {
        guard next.time <= end else { break }
        state.pop()
        guard let fire = state.timers.removeValue(forKey: next.id) else { continue }
        state.now = max(state.now, next.time)
        return fire
      }
      if end != .max { state.now = max(state.now, end) }
      return nil
    }
    fire?()
    return fire != nil
  }
}

extension SimulationClock.State {
  private static func isBefore(_ left: (time: UInt64, id: UInt64), _ right: (time: UInt64, id: UInt64)) -> Bool { left < right }

  mutating func push(_ time: UInt64, _ id: UInt64) {
    heap.append((time, id))
    var child = heap.count - 1
    while child > 0, Self.isBefore(heap[child], heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && Self.isBefore(heap[child], heap[least]) { least = child }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
