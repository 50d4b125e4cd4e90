import CQuic
import CentramPluginAPI

/// A stream as the loop sees it. `QuicStream` is what a caller holds.
final class Stream: @unchecked Sendable {
  let connection: Connection
  private var pointer: OpaquePointer?
  private var reader: (buffer: UnsafeMutableRawBufferPointer, waiter: Waiter<Int>)?
  private var writer: (rest: UnsafeRawBufferPointer, waiter: Waiter<Void>)?

  init(_ pointer: OpaquePointer, _ connection: Connection) {
    (self.pointer, self.connection) = (pointer, connection)
    cquic_stream_set_user(pointer, Unmanaged.passUnretained(self).toOpaque())
  }

  private var isGone: Bool { pointer == nil || connection.endpoint.quic == nil }

  private func error(_ code: Int64) -> PluginError {
    switch code {
    case Int64(CQUIC_RESET): PluginError(.closed, "the stream was reset with code \(pointer.map { cquic_stream_error_code($0) } ?? 0)")
    case Int64(CQUIC_FINISHED): PluginError(.closed, "the stream was finished here")
    case Int64(CQUIC_NO_MEMORY): PluginError(.limitExceeded, "no memory for what is to be sent")
    default: connection.closedError
    }
  }

  /// Bytes that are there, 0 at the end, nil where the call has to wait.
  func readNow(_ buffer: UnsafeMutableRawBufferPointer) -> Result<Int, PluginError>? {
    guard let pointer, !isGone else { return .failure(connection.closedError) }
    guard reader == nil else { return .failure(PluginError(.invalid, "another call receives from the stream")) }
    let count = cquic_stream_read(pointer, buffer.baseAddress, buffer.count, false)
    if count >= 0 { return .success(Int(count)) }
    return count == Int64(CQUIC_AGAIN) ? nil : .failure(error(count))
  }

  func read(_ buffer: UnsafeMutableRawBufferPointer, _ waiter: Waiter<Int>) {
    guard let pointer, !isGone else { return waiter.resume(.failure(connection.closedError)) }
    guard reader == nil else { return waiter.resume(.failure(PluginError(.invalid, "another call receives from the stream"))) }
    let count = cquic_stream_read(pointer, buffer.baseAddress, buffer.count, true)
    if count >= 0 { return waiter.resume(.success(Int(count))) }
    if count == Int64(CQUIC_AGAIN) { reader = (buffer, waiter) } else { waiter.resume(.failure(error(count))) }
  }

  func isReadable() {
    guard let (buffer, waiter) = reader else { return }
    reader = nil
    read(buffer, waiter)
  }

  /// What came into the buffer before the cancellation is given to the caller: it would be lost.
  func cancelRead(_ waiter: Waiter<Int>) {
    guard let current = reader, current.waiter === waiter else { return waiter.resume(.failure(.cancelledByCaller)) }
    reader = nil
    guard let pointer, !isGone else { return waiter.resume(.failure(.cancelledByCaller)) }
    let count = cquic_stream_read(pointer, current.buffer.baseAddress, current.buffer.count, false)
    waiter.resume(count > 0 ? .success(Int(count)) : .failure(.cancelledByCaller))
  }

  /// How many bytes were taken.
  func writeNow(_ bytes: UnsafeRawBufferPointer) -> Result<Int, PluginError> {
    guard let pointer, !isGone else { return .failure(connection.closedError) }
    guard writer == nil else { return .failure(PluginError(.invalid, "another call sends on the stream")) }
    let count = cquic_stream_write(pointer, bytes.baseAddress, bytes.count)
    return count >= 0 ? .success(Int(count)) : .failure(error(count))
  }

  func write(_ bytes: UnsafeRawBufferPointer, _ waiter: Waiter<Void>) {
    switch writeNow(bytes) {
    case .failure(let error): waiter.resume(.failure(error))
    case .success(bytes.count): waiter.resume(.success(()))
    case .success(let count): writer = (UnsafeRawBufferPointer(rebasing: bytes[count...]), waiter)
    }
  }

  func isWritable() {
    guard let (rest, waiter) = writer else { return }
    writer = nil
    write(rest, waiter)
  }

  func cancelWrite(_ waiter: Waiter<Void>) {
    if writer?.waiter === waiter { writer = nil }
    waiter.resume(.failure(.cancelledByCaller))
  }

  func finish() -> Result<Void, PluginError> {
    guard let pointer, !isGone else { return .failure(connection.closedError) }
    let result = cquic_stream_finish(pointer)
    return result == 0 ? .success(()) : .failure(error(Int64(result)))
  }

  func reset(code: UInt64) {
    guard let pointer, !isGone else { return }
    cquic_stream_reset(pointer, min(code, 1 << 62 - 1))
    // Those who wait here learn at once: the library tells only those of the other end.
    isReadable()
    isWritable()
  }

  func release() {
    guard let pointer, !isGone else { return }
    cquic_stream_set_user(pointer, nil)
    cquic_stream_release(pointer)
    self.pointer = nil
  }
}
