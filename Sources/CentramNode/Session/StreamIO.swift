internal import CentramPluginAPI
internal import CentramWire

extension TransportStream {
  /// Sends all of them.
  func send(_ bytes: [UInt8]) async throws(PluginError) {
    guard !bytes.isEmpty else { return }
    // The buffer must stay where it is while the call waits.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await send(UnsafeRawBufferPointer(buffer))
  }

  func send(_ bulk: Bulk) async throws(PluginError) {
    try await send(bulk.bytes)
    withExtendedLifetime(bulk) {}
  }

  /// Drops what still comes, up to the end of the peer's direction.
  func waitForEnd() async throws(PluginError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
    defer { buffer.deallocate() }
    while try await receive(into: buffer) > 0 {}
  }
}

/// Reads frames from a stream. One task at a time uses it.
final class FrameReader: @unchecked Sendable {
  private let stream: any TransportStream
  private let buffer: UnsafeMutableRawBufferPointer
  private var decoder = FrameDecoder(readsBulk: true)

  init(_ stream: any TransportStream, bufferBytes: Int = 16 << 10) {
    self.stream = stream
    buffer = .allocate(byteCount: bufferBytes, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// - Parameter onBytes: is told after each piece how many bytes of a frame wait for its rest.
  /// - Returns: nil at the stream's end.
  /// - Throws: a `WireError` for bytes that are no frame, a `PluginError` of the transport.
  func next(onBytes: (Int) -> Void = { _ in }) async throws -> Frame? {
    while true {
      if let frame = try decoder.next() {
        onBytes(decoder.count)
        return frame
      }
      let room = decoder.roomForBulk()
      let count = try await stream.receive(into: room ?? buffer)
      guard count > 0 else { return nil }
      if room == nil { decoder.append(UnsafeRawBufferPointer(rebasing: buffer[0..<count])) } else { decoder.didReceiveBulk(count) }
      onBytes(decoder.count)
    }
  }

  func reset() async { await stream.reset(code: 2) }
}
