public import CentramPluginAPI

/// A multiplexer as a transport's connection. When the last reference to it and to its streams goes, it closes.
public final class MultiplexedConnection: TransportConnection, Sendable {
  public let peer: PeerID
  public let channelBinding: [UInt8]
  public let multiplexer: Multiplexer

  public init(_ multiplexer: Multiplexer, peer: PeerID, channelBinding: [UInt8]) {
    (self.multiplexer, self.peer, self.channelBinding) = (multiplexer, peer, channelBinding)
  }

  deinit { multiplexer.close(code: 0, reason: "let go") }

  public func openStream() async throws(PluginError) -> any TransportStream { MultiplexedStream(try await multiplexer.open(), self) }
  public func acceptStream() async throws(PluginError) -> any TransportStream { MultiplexedStream(try await multiplexer.accepted.next(), self) }
  public func close(code: UInt64, reason: String) async { multiplexer.close(code: code, reason: reason) }
}

/// A stream as its user holds it. Let go before it was finished, it is reset, so that it does not take up room at the peer.
final class MultiplexedStream: TransportStream, Sendable {
  private let state: MuxStream
  private let connection: MultiplexedConnection
  init(_ state: MuxStream, _ connection: MultiplexedConnection) { (self.state, self.connection) = (state, connection) }

  deinit { connection.multiplexer.letGo(state) }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) { try await connection.multiplexer.send(bytes, on: state) }
  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int { try await connection.multiplexer.receive(into: buffer, on: state) }
  func finish() async throws(PluginError) { try connection.multiplexer.finish(state) }
  func reset(code: UInt64) async { connection.multiplexer.reset(state, code: code) }
}

extension Multiplexer {
  /// Nobody holds the stream any more. What was finished still goes out; else it is reset.
  func letGo(_ stream: MuxStream) {
    let finished = locked {
      guard stream.failure == nil, stream.finishWanted else { return stream.failure != nil }
      let unread = stream.received.count
      stream.isAbandoned = true
      stream.received.removeAll()
      grant(unread, of: stream)
      return true
    }
    if !finished { reset(stream, code: 0) }
  }
}
