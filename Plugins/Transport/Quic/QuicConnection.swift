import CQuic
import CentramPluginAPI

/// What a caller holds of a connection. Dropping it, and all its streams, closes it.
final class QuicConnection: DatagramConnection, CustomStringConvertible {
  let core: Connection
  let peer: PeerID
  let channelBinding: [UInt8]
  /// Where the peer was when the connection came to be, as an address to dial: how a node learns whom it may dial back.
  let description: String

  /// - Parameter core: connected.
  init(_ core: Connection) {
    (self.core, peer, channelBinding, description) = (core, core.peer!, core.binding, core.remote)
  }

  deinit { core.endpoint.loop.submit { [core] in core.release() } }

  private var loop: EventLoop { core.endpoint.loop }

  func openStream() async throws(PluginError) -> any TransportStream {
    QuicStream(
      try await Waiter<Stream>.wait(on: loop) { [core] in
        core.openStream($0)
      } cancel: { [core] in
        core.cancel($0)
      }, self)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream {
    QuicStream(
      try await Waiter<Stream>.wait(on: loop) { [core] in
        core.acceptStream($0)
      } cancel: { [core] in
        core.cancel($0)
      }, self)
  }

  func close(code: UInt64, reason: String) async {
    try? await Waiter<Void>.wait(on: loop) { [core] in
      core.close(code: code, reason: reason, $0)
    } cancel: { [core] in
      core.stopWaitingForClose($0)
    }
  }

  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    nonisolated(unsafe) let bytes = bytes
    try await Waiter<Void>.wait(on: loop) { [core] in
      core.sendDatagram(bytes, $0)
    } cancel: { [core] _ in
      core.cancelDatagram(false)
    }
  }

  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    nonisolated(unsafe) let buffer = buffer
    return try await Waiter<Int>.wait(on: loop) { [core] in
      core.receiveDatagram(buffer, $0)
    } cancel: { [core] _ in
      core.cancelDatagram(true)
    }
  }
}

/// What a caller holds of a stream. Dropping it resets what is not finished.
final class QuicStream: TransportStream {
  private let core: Stream
  /// A stream keeps its connection.
  private let connection: QuicConnection

  init(_ core: Stream, _ connection: QuicConnection) { (self.core, self.connection) = (core, connection) }

  deinit { loop.submit { [core] in core.release() } }

  private var loop: EventLoop { core.connection.endpoint.loop }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    guard !bytes.isEmpty else { return }
    var taken = 0
    if let result = loop.tryRun({ core.writeNow(bytes) }) { taken = try result.get() }
    if taken == bytes.count { return }
    nonisolated(unsafe) let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
    try await Waiter<Void>.wait(on: loop) { [core] in
      core.write(rest, $0)
    } cancel: { [core] in
      core.cancelWrite($0)
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    guard !buffer.isEmpty else { throw PluginError(.invalid, "a buffer of 0 bytes; 1 is the least") }
    if let result = loop.tryRun({ core.readNow(buffer) }), let now = result { return try now.get() }
    nonisolated(unsafe) let buffer = buffer
    return try await Waiter<Int>.wait(on: loop) { [core] in
      core.read(buffer, $0)
    } cancel: { [core] in
      core.cancelRead($0)
    }
  }

  func finish() async throws(PluginError) {
    if let result = loop.tryRun({ core.finish() }) { return try result.get() }
    try await Waiter<Void>.wait(on: loop) { [core] in
      $0.resume(core.finish())
    } cancel: {
      $0.resume(.failure(.cancelledByCaller))
    }
  }

  func reset(code: UInt64) async {
    await withUnsafeContinuation { continuation in
      loop.submit { [core] in
        core.reset(code: code)
        continuation.resume()
      }
    }
  }
}
