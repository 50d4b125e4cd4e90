internal import CentramPluginAPI

/// A transport in another process, which alone of all kinds may open sockets. Bytes go over the line in parts, each taken before the next.
struct IsolatedTransport: Transport {
  let info: TransportInfo
  private let instance: RemoteInstance

  init(_ process: IsolatedProcess, _ environment: PluginEnvironment) throws(PluginError) {
    instance = RemoteInstance(process, configurationJSON: environment.configurationJSON)
    info = try instance.create { (it) throws(ChannelError) in
      TransportInfo(scheme: try it.text(limit: 64), features: TransportFeatures(rawValue: try it.number()))
    }
  }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let end = try end()
    var writer = MessageWriter()
    writer.add(address)
    let (handle, actual) = try await end.ask(.listen, writer) { (it) throws(ChannelError) in (try it.number(UInt64.self), try it.text(limit: 4096)) }
    return IsolatedListener(address: actual, remote: RemoteObject(handle, end))
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let end = try end()
    var writer = MessageWriter()
    writer.add(address)
    writer.add(optional: expected) { $0.add($1.bytes) }
    let connection = try await end.connection(.dial, writer)
    // The process is not believed where its caller can look.
    guard expected == nil || connection.peer == expected else { throw PluginError(.internalFailure, "the transport connected to another peer than it was asked for") }
    return connection
  }

  private func end() throws(PluginError) -> TransportEnd {
    let (child, id) = try instance.bind()
    return TransportEnd(line: try child.line(), instance: id, owner: instance)
  }
}

/// A line and the instance that calls on it are for. The instance lives as long as anything that came from it.
private struct TransportEnd: Sendable {
  static let partSize = 256 << 10

  let line: CallLine
  let instance: UInt32
  let owner: RemoteInstance

  func ask<Value>(
    _ operation: Operation, _ writer: MessageWriter, _ read: (inout MessageReader) throws(ChannelError) -> Value
  ) async throws(PluginError) -> Value {
    try line.child.decode(try await line.call(operation, instance: instance, writer.bytes), read)
  }

  func connection(_ operation: Operation, _ writer: MessageWriter) async throws(PluginError) -> any TransportConnection {
    let (handle, key, binding, hasDatagrams) = try await ask(operation, writer) { (it) throws(ChannelError) in
      (try it.number(UInt64.self), try it.list(limit: 32), try it.list(limit: 256), try it.flag())
    }
    guard let peer = PeerID(key) else { throw PluginError(.internalFailure, "the transport gave a peer's key of \(key.count) bytes") }
    let connection = IsolatedConnection(peer: peer, channelBinding: binding, remote: RemoteObject(handle, self))
    return hasDatagrams ? IsolatedDatagrams(base: connection) : connection
  }
}

/// Something that lives in the process until nobody needs it here.
private final class RemoteObject: Sendable {
  let handle: UInt64
  let end: TransportEnd

  init(_ handle: UInt64, _ end: TransportEnd) { (self.handle, self.end) = (handle, end) }

  deinit {
    var writer = MessageWriter()
    writer.add(handle)
    end.line.tell(.release, writer.bytes)
  }

  /// A payload that begins with the handle.
  var writer: MessageWriter {
    var writer = MessageWriter()
    writer.add(handle)
    return writer
  }

  func ask(_ operation: Operation, _ writer: MessageWriter? = nil) async throws(PluginError) {
    try await end.ask(operation, writer ?? self.writer) { (_) throws(ChannelError) in }
  }

  /// Receives at most what `buffer` holds.
  func receive(_ operation: Operation, into buffer: UnsafeMutableRawBufferPointer, atMost limit: Int) async throws(PluginError) -> Int {
    var writer = writer
    let size = min(buffer.count, limit)
    writer.add(UInt64(size))
    let bytes = try await end.ask(operation, writer) { (it) throws(ChannelError) in try it.list(limit: size) }
    buffer.copyBytes(from: bytes)
    return bytes.count
  }
}

private struct IsolatedListener: TransportListener {
  let address: String
  let remote: RemoteObject

  func accept() async throws(PluginError) -> any TransportConnection { try await remote.end.connection(.accept, remote.writer) }
  func close() async { try? await remote.ask(.closeListener) }
}

private struct IsolatedConnection: TransportConnection {
  let peer: PeerID
  let channelBinding: [UInt8]
  let remote: RemoteObject

  func openStream() async throws(PluginError) -> any TransportStream { try await stream(.openStream) }
  func acceptStream() async throws(PluginError) -> any TransportStream { try await stream(.acceptStream) }

  private func stream(_ operation: Operation) async throws(PluginError) -> any TransportStream {
    let handle = try await remote.end.ask(operation, remote.writer) { (it) throws(ChannelError) in try it.number(UInt64.self) }
    return IsolatedStream(remote: RemoteObject(handle, remote.end), connection: remote)
  }

  func close(code: UInt64, reason: String) async {
    var writer = remote.writer
    writer.add(code)
    writer.add(String(reason.prefix(1024)))
    try? await remote.ask(.closeConnection, writer)
  }
}

private struct IsolatedDatagrams: DatagramConnection {
  let base: IsolatedConnection
  var peer: PeerID { base.peer }
  var channelBinding: [UInt8] { base.channelBinding }
  func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
  func acceptStream() async throws(PluginError) -> any TransportStream { try await base.acceptStream() }
  func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }

  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    guard bytes.count <= 1 << 20 else { throw PluginError(.limitExceeded, "a datagram of \(bytes.count) bytes; the limit is \(1 << 20)") }
    var writer = base.remote.writer
    writer.add(raw: bytes)
    try await base.remote.ask(.sendDatagram, writer)
  }

  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    try await base.remote.receive(.receiveDatagram, into: buffer, atMost: 1 << 20)
  }
}

private struct IsolatedStream: TransportStream {
  let remote: RemoteObject
  /// A connection stays open as long as it has a stream.
  let connection: RemoteObject

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    var start = 0
    repeat {
      let end = min(start + TransportEnd.partSize, bytes.count)
      var writer = remote.writer
      writer.add(raw: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      try await remote.ask(.send, writer)
      start = end
    } while start < bytes.count
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    try await remote.receive(.receive, into: buffer, atMost: TransportEnd.partSize)
  }

  func finish() async throws(PluginError) { try await remote.ask(.finish) }

  func reset(code: UInt64) async {
    var writer = remote.writer
    writer.add(code)
    try? await remote.ask(.reset, writer)
  }
}
