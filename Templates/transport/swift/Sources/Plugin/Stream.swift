// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// What the two ends of a stream share: bytes on their way in each direction. Side 0 is the connection's dialler.
final class Pipe: Sendable {
  /// Bytes that one direction holds at most. A sender waits for room: that is the back-pressure.
  static let capacity = 65_536

  struct Direction {
    var bytes: [UInt8] = []
    /// How many of them were received.
    var taken = 0
    var isFinished = false
    var room: Int { Pipe.capacity - (bytes.count - taken) }
    var isDrained: Bool { bytes.count == taken }

    mutating func take(_ count: Int) {
      taken += count
      // What was received is dropped now and then, not at each call.
      guard isDrained || taken >= Pipe.capacity else { return }
      bytes.removeFirst(taken)
      taken = 0
    }
  }

  struct State {
    /// By the sending side.
    var directions = [Direction(), Direction()]
    var end: PluginError?
  }
  let state = Watched(State())

  var isOver: Bool { state.read { state in state.end != nil || state.directions.allSatisfy { $0.isFinished && $0.isDrained } } }

  /// Ends both directions at once; what waits on them ends with the error.
  func stop(_ error: PluginError) { state.change { state in state.end = state.end ?? error } }
}

/// One end.
struct Stream: TransportStream {
  private let pipe: Pipe, side: Int

  init(_ pipe: Pipe, side: Int) { (self.pipe, self.side) = (pipe, side) }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    let side = side
    var sent = 0
    repeat {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
      sent += try await pipe.state.wait { state -> Result<Int, PluginError>? in
        if let end = state.end { return .failure(end) }
        if state.directions[side].isFinished { return .failure(PluginError(.closed, "nothing can be sent after finish")) }
        let count = min(rest.count, state.directions[side].room)
        guard count > 0 || rest.isEmpty else { return nil }
        state.directions[side].bytes.append(contentsOf: rest[..<count])
        return .success(count)
      }
    } while sent < bytes.count
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    guard !buffer.isEmpty else { throw PluginError(.invalid, "receive needs a buffer of at least 1 byte") }
    let other = 1 - side
    return try await pipe.state.wait { state -> Result<Int, PluginError>? in
      if let end = state.end { return .failure(end) }
      let direction = state.directions[other]
      guard !direction.isDrained else { return direction.isFinished ? .success(0) : nil }
      let count = min(buffer.count, direction.bytes.count - direction.taken)
      direction.bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[direction.taken..<direction.taken + count])) }
      state.directions[other].take(count)
      return .success(count)
    }
  }

  func finish() async throws(PluginError) {
    let side = side
    let end = pipe.state.change { state in
      state.directions[side].isFinished = true
      return state.end
    }
    if let end { throw end }
  }

  func reset(code: UInt64) async { pipe.stop(PluginError(.closed, "the stream was reset with code \(code)")) }
}
