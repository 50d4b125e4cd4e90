internal import CentramPluginAPI
internal import Synchronization

/// Bytes that a plugin writes to memory of the host's own, so that a caller whose buffer is gone after a cancellation does not matter: the
/// operation goes on, and who asks next gets its bytes. One caller at a time.
final class IncomingBytes: @unchecked Sendable {  // the memory belongs to the plugin while an operation is begun, else to the lock's holder
  typealias Begin = (_ lent: UnsafeMutableRawBufferPointer, _ done: @escaping centram_done_fn, _ token: UnsafeMutableRawPointer?) -> Void?

  private struct State {
    var isBegun = false
    var ready = 0..<0
    var waiting: CheckedContinuation<Result<Int, PluginError>, Never>?
  }
  private let state = Mutex(State())
  private let capacity: Int
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  init(capacity: Int) { self.capacity = capacity }
  deinit { memory.deallocate() }

  /// - Parameters:
  ///   - whole: a message that does not fit the buffer is an error, not the first part of it.
  ///   - begin: starts an operation of the plugin's.
  /// - Returns: bytes written to `buffer`; 0 at the end.
  func next(into buffer: UnsafeMutableRawBufferPointer, whole: Bool, _ begin: Begin) async throws(PluginError) -> Int {
    if let count = try take(into: buffer, whole: whole) { return count }
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<Int, PluginError>, Never>) in
        // Asked under the lock, so that a cancellation is either seen here or finds the waiter.
        let (answer, begins) = state.withLock { state -> (Result<Int, PluginError>?, Bool) in
          if !state.ready.isEmpty { return (.success(state.ready.count), false) }
          if Task.isCancelled { return (.failure(cancelled("a receive")), false) }
          if state.waiting != nil { return (.failure(PluginError(.invalid, "a stream has one receiver at a time")), false) }
          state.waiting = continuation
          defer { state.isBegun = true }
          return (nil, !state.isBegun)
        }
        if let answer { continuation.resume(returning: answer) }
        if begins { start(limit: min(capacity, buffer.count), begin) }
      }
    } onCancel: {
      let waiting = state.withLock { state in
        defer { state.waiting = nil }
        return state.waiting
      }
      waiting?.resume(returning: .failure(cancelled("a receive")))
    }
    guard try answer.get() > 0 else { return 0 }
    // Nothing is left where another caller came between, which there should not be; it is not the end then.
    if let count = try take(into: buffer, whole: whole) { return count }
    return try await next(into: buffer, whole: whole, begin)
  }

  private func start(limit: Int, _ begin: Begin) {
    if memory.count < limit {
      memory.deallocate()
      memory = .allocate(byteCount: limit, alignment: 16)
    }
    let lent = UnsafeMutableRawBufferPointer(rebasing: memory[..<limit])
    Completions.start({ begin(lent, $0, $1) }) { [self] answer in
      let answer: Result<Int, PluginError> = answer.flatMap { count in
        (0...Int64(limit)).contains(count)
          ? .success(Int(count)) : .failure(PluginError(.internalFailure, "the plugin says that it wrote \(count) bytes to a buffer of \(limit)"))
      }
      let waiting = state.withLock { state in
        state.isBegun = false
        // An end or a failure that nobody waits for comes again with the next operation.
        if case .success(let count) = answer { state.ready = 0..<count }
        defer { state.waiting = nil }
        return state.waiting
      }
      waiting?.resume(returning: answer)
    }
  }

  private func take(into buffer: UnsafeMutableRawBufferPointer, whole: Bool) throws(PluginError) -> Int? {
    let result: Result<Int?, PluginError> = state.withLock { state in
      guard !state.ready.isEmpty else { return .success(nil) }
      if whole, state.ready.count > buffer.count {
        return .failure(PluginError(.limitExceeded, "a datagram of \(state.ready.count) bytes does not fit the buffer of \(buffer.count)"))
      }
      let part = state.ready.prefix(buffer.count)
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[part]))
      state.ready = part.upperBound..<state.ready.upperBound
      return .success(part.count)
    }
    return try result.get()
  }
}
