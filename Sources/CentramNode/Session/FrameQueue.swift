internal import Synchronization

/// Frames that wait for the transport to take them, in order. One writer takes, anybody adds.
final class FrameQueue: Sendable {
  private struct State {
    var frames: [[UInt8]] = []
    var bytes = 0
    var isClosed = false
    var writer: CheckedContinuation<Void, Never>?
    var waitingForRoom: [CheckedContinuation<Void, Never>] = [], waitingForEmpty: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  /// Bytes that wait here or are being taken.
  var bytes: Int { state.withLock { $0.bytes } }

  /// - Returns: false where the queue is closed.
  @discardableResult func push(_ frame: [UInt8]) -> Bool {
    let (isOpen, writer) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
      guard !state.isClosed else { return (false, nil) }
      state.frames.append(frame)
      state.bytes += frame.count
      defer { state.writer = nil }
      return (true, state.writer)
    }
    writer?.resume()
    return isOpen
  }

  /// Counts bytes that go another way and end with `didSend` too.
  func addElsewhere(_ bytes: Int) { state.withLock { $0.bytes += bytes } }

  /// Suspends until everything was sent. With a closed queue only: others add.
  func waitUntilEmpty() async {
    while state.withLock({ $0.bytes > 0 }) {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.bytes == 0 { return true }
          state.waitingForEmpty.append(continuation)
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }

  /// Takes what waits; suspends while nothing does.
  /// - Returns: nil where the queue is closed and empty.
  func take() async -> [[UInt8]]? {
    while true {
      let (frames, isClosed) = state.withLock { state -> ([[UInt8]], Bool) in
        defer { state.frames = [] }
        return (state.frames, state.isClosed)
      }
      if !frames.isEmpty { return frames }
      if isClosed { return nil }
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.isClosed || !state.frames.isEmpty { return true }
          state.writer = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }

  /// The transport took so many bytes.
  func didSend(_ bytes: Int) {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.bytes -= bytes
      defer { state.waitingForRoom = [] }
      guard state.bytes == 0 else { return state.waitingForRoom }
      defer { state.waitingForEmpty = [] }
      return state.waitingForRoom + state.waitingForEmpty
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Suspends until fewer than `limit` bytes wait, or the queue is closed.
  /// - Returns: whether it had to wait.
  func waitForRoom(_ limit: Int) async -> Bool {
    var waited = false
    while true {
      let hasRoom = state.withLock { $0.isClosed || $0.bytes < limit }
      if hasRoom { return waited }
      waited = true
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.isClosed || state.bytes < limit { return true }
          state.waitingForRoom.append(continuation)
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }

  /// Nothing will be sent any more: nobody waits for it.
  func abandon() {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      (state.frames, state.bytes) = ([], 0)
      defer { state.waitingForEmpty = [] }
      return state.waitingForEmpty
    }
    for continuation in waiting { continuation.resume() }
    close()
  }

  /// Nothing more is added; what waits can be taken still.
  func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { (state.writer, state.waitingForRoom) = (nil, []) }
      return state.waitingForRoom + (state.writer.map { [$0] } ?? [])
    }
    for continuation in waiting { continuation.resume() }
  }
}
