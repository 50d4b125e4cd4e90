internal import CentramPluginAPI
internal import CentramTransportSupport
internal import Synchronization

/// A circuit's stream at one of its ends, as the pipe under a secure channel.
final class CircuitPipe: BytePipe, Sendable {
  private static let limit = 256 << 10
  private let stream: any TransportStream
  private struct State {
    var queue: [[UInt8]] = []
    /// Queued, or with the stream.
    var bytes = 0
    var isClosing = false, isOver = false
    var writer: CheckedContinuation<Void, Never>?
    var secured: SecuredPipe?
  }
  private let state = Mutex(State())

  init(_ stream: any TransportStream) { self.stream = stream }

  /// What reads the bytes and is told of the end; kept until `run` returns.
  func attach(_ secured: SecuredPipe) { state.withLock { $0.secured = secured } }

  var room: Int { state.withLock { max(0, Self.limit - $0.bytes) } }

  func write(_ bytes: [UInt8]) {
    wake { state in
      guard !state.isClosing, !state.isOver else { return }
      state.queue.append(bytes)
      state.bytes += bytes.count
    }
  }

  func close() { wake { $0.isClosing = true } }
  func abort() { wake { $0.isOver = true } }

  private func wake(_ change: (inout State) -> Void) {
    let writer = state.withLock { state in
      change(&state)
      defer { state.writer = nil }
      return state.writer
    }
    writer?.resume()
  }

  /// Carries bytes both ways until the stream ends or the pipe is closed.
  func run(_ clock: any NodeClock) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        await self.writeAll()
        // The other end may still speak, for a moment.
        if !self.state.withLock({ $0.isOver }) { try? await clock.sleep(milliseconds: 2_000) }
        await self.stream.reset(code: 0)
      }
      let end = await self.readAll()
      self.state.withLock { $0.secured }?.pipeClosed(end)
      self.abort()
      group.cancelAll()
    }
    state.withLock { $0.secured = nil }
  }

  private func readAll() async -> PluginError {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      do throws(PluginError) {
        let count = try await stream.receive(into: buffer)
        guard count > 0 else { return PluginError(.closed, "the circuit through the relay ended") }
        state.withLock { $0.secured }?.received(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      } catch { return PluginError(.closed, "the circuit through the relay ended: \(error.message)") }
    }
  }

  private func writeAll() async {
    while let bytes = await next() {
      guard (try? await stream.send(bytes)) != nil else { return abort() }
      let hadNoRoom = state.withLock { state in
        let full = state.bytes >= Self.limit
        state.bytes -= bytes.count
        return full
      }
      if hadNoRoom { state.withLock { $0.secured }?.pipeHasRoom() }
    }
    if !state.withLock({ $0.isOver }) { try? await stream.finish() }
  }

  /// - Returns: nil where nothing more is to be written.
  private func next() async -> [UInt8]? {
    while true {
      let (piece, ended): ([UInt8]?, Bool) = state.withLock { state in
        if state.isOver { return (nil, true) }
        if state.queue.isEmpty { return (nil, state.isClosing) }
        return (state.queue.removeFirst(), false)
      }
      if let piece { return piece }
      if ended { return nil }
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.isOver || state.isClosing || !state.queue.isEmpty { return true }
          state.writer = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }
}
