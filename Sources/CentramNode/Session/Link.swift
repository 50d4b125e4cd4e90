internal import CentramPluginAPI
internal import CentramWire
internal import Synchronization

/// One connection under a session: its control stream and the frames that wait for it.
final class Link: Sendable {
  let connection: any TransportConnection
  let control: any TransportStream
  let queue = FrameQueue()
  /// The peer sends nothing more on the control stream.
  let readerEnded = Signal()
  private struct State {
    var lastReceived: UInt64
    var lastProgress: UInt64
    /// Since when each stream has had a part of a frame.
    var partial: [Int: (since: UInt64, bytes: Int)] = [:]
    var partialBytes = 0
    var openStreams = 0
    var end: SessionError?
  }
  private let state: Mutex<State>

  init(connection: any TransportConnection, control: any TransportStream, now: UInt64) {
    (self.connection, self.control) = (connection, control)
    state = Mutex(State(lastReceived: now, lastProgress: now))
  }

  /// Why it ended; nil while it lives.
  var end: SessionError? { state.withLock { $0.end } }
  var lastReceived: UInt64 { state.withLock { $0.lastReceived } }

  /// Notes why the connection ends. Only the first reason stays.
  /// - Returns: whether this was the first.
  @discardableResult func fail(_ error: SessionError) -> Bool {
    state.withLock { state in
      guard state.end == nil else { return false }
      state.end = error
      return true
    }
  }

  /// Ends the connection at once. Frames that wait are not sent.
  func close(_ error: SessionError) async {
    fail(error)
    queue.abandon()
    await connection.close(code: error.code == .closed ? 0 : 1, reason: error.message)
  }

  func didReceive(_ stream: Int, partial bytes: Int, now: UInt64) {
    state.withLock { state in
      state.lastReceived = now
      let known = state.partial[stream]
      state.partialBytes += bytes - (known?.bytes ?? 0)
      // A frame that became whole begins a new time for the next.
      if bytes == 0 { state.partial[stream] = nil } else { state.partial[stream] = (bytes > known?.bytes ?? 0 ? known?.since ?? now : now, bytes) }
    }
  }

  func streamEnded(_ stream: Int) {
    state.withLock { state in
      state.partialBytes -= state.partial.removeValue(forKey: stream)?.bytes ?? 0
      state.openStreams -= 1
    }
  }

  /// - Returns: whether the peer may have one more stream.
  func streamOpened(limit: Int) -> Bool {
    state.withLock { state in
      guard state.openStreams < limit else { return false }
      state.openStreams += 1
      return true
    }
  }

  /// Bytes of frames that are not whole yet.
  var partialBytes: Int { state.withLock { $0.partialBytes } }

  /// Counts a time in which this node could neither read nor write as none.
  func excuse(_ nanoseconds: UInt64) {
    state.withLock { state in
      state.lastReceived += nanoseconds
      state.lastProgress += nanoseconds
      for stream in state.partial.keys { state.partial[stream]?.since += nanoseconds }
    }
  }

  func didWrite(now: UInt64) { state.withLock { $0.lastProgress = now } }

  /// Since when a frame has been on its way, in or out.
  func stalledSince(now: UInt64) -> UInt64? {
    let waits = queue.bytes > 0
    return state.withLock { state in
      let oldest = state.partial.values.map(\.since).min()
      return waits ? min(oldest ?? .max, state.lastProgress) : oldest
    }
  }

  /// What waits was added just now.
  func didQueue(now: UInt64) { if queue.bytes == 0 { didWrite(now: now) } }
}
