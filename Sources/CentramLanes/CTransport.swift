internal import CentramPluginAPI

/// `centram.transport/1` as a Swift transport. The table has no way to take an operation back, so a caller that is cancelled leaves what it
/// waits for to the next one, and a cancelled send resets its stream.
struct CTransport: Transport {
  static let functions = [
    "create", "destroy", "listen", "listener_address", "accept", "close_listener", "dial", "peer", "channel_binding", "open_stream",
    "accept_stream", "[send_datagram]", "[receive_datagram]", "close_connection", "send", "receive", "finish", "reset",
  ]

  let info: TransportInfo
  private let core: CTransportCore

  init(_ table: centram_transport_v1_t, _ environment: PluginEnvironment) throws(PluginError) {
    let scheme = table.scheme.map { String(cString: $0) } ?? ""
    guard !scheme.isEmpty else { throw PluginError(.internalFailure, "the plugin names no scheme") }
    info = TransportInfo(scheme: scheme, features: TransportFeatures(rawValue: table.features))
    guard !info.features.contains(.datagrams) || (table.send_datagram != nil && table.receive_datagram != nil) else {
      throw PluginError(.internalFailure, "the plugin says that it carries datagrams, but lacks send_datagram or receive_datagram")
    }
    core = CTransportCore(Lent(table), try CInstance(table.create, table.destroy, environment))
  }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let handle = try await core.handle { (table, instance, done, token) in table.listen?(instance, address, done, token) }
    let actual = try core.text { core.table.value.listener_address?(core.instance.pointer, handle, $0, $1) }
    return CTransportListener(address: actual, handle: handle, core: core)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let key = expected?.bytes
    let handle = try await core.handle { (table, instance, done, token) in
      if let key { table.dial?(instance, address, key, done, token) } else { table.dial?(instance, address, nil, done, token) }
    }
    return try core.connection(handle)
  }
}

/// What a transport and all that came from it share: the instance lives as long as any of them.
private struct CTransportCore: Sendable {
  typealias Start = (centram_transport_v1_t, UnsafeMutableRawPointer, @escaping centram_done_fn, UnsafeMutableRawPointer?) -> Void?

  let table: Lent<centram_transport_v1_t>
  let instance: CInstance

  init(_ table: Lent<centram_transport_v1_t>, _ instance: CInstance) { (self.table, self.instance) = (table, instance) }

  @discardableResult func value(_ start: Start) async throws(PluginError) -> Int64 {
    try await Completions.wait { done, token in start(table.value, instance.pointer, done, token) }
  }

  func handle(_ start: Start) async throws(PluginError) -> Int64 {
    try Self.checked(try await value(start)).get()
  }

  /// The next handle of a queue; `start` asks the plugin for one more.
  func handle(_ queue: HandleQueue, _ start: @escaping @Sendable (centram_transport_v1_t, UnsafeMutableRawPointer, @escaping centram_done_fn, UnsafeMutableRawPointer?) -> Void?)
    async throws(PluginError) -> Int64
  {
    try await queue.next { completion in
      Completions.start({ start(table.value, instance.pointer, $0, $1) }) { [self] answer in
        completion(answer.flatMap { handle in Self.checked(handle) })
        withExtendedLifetime(self) {}
      }
    }
  }

  private static func checked(_ handle: Int64) -> Result<Int64, PluginError> {
    handle > 0 ? .success(handle) : .failure(PluginError(.internalFailure, "the plugin gave the handle \(handle); handles are positive"))
  }

  func text(_ write: (UnsafeMutablePointer<CChar>, Int) -> Int32?) throws(PluginError) -> String {
    var text = ""
    try callingC("listener_address") { buffer, capacity in
      let status = write(buffer, capacity) ?? 0
      buffer[capacity - 1] = 0
      if status == 0 { text = String(cString: buffer) }
      return status
    }
    return text
  }

  func connection(_ handle: Int64) throws(PluginError) -> any TransportConnection {
    var key = [UInt8](repeating: 0, count: 32)
    let status = table.value.peer?(instance.pointer, handle, &key) ?? 0
    guard status == 0, let peer = PeerID(key) else { throw PluginError(.init(rawValue: status), "the plugin does not know the peer of its connection \(handle)") }
    let connection = CTransportConnection(peer: peer, handle: handle, core: self)
    let carriesDatagrams = table.value.features & TransportFeatures.datagrams.rawValue != 0
    return carriesDatagrams ? CDatagramConnection(base: connection) : connection
  }
}

private struct CTransportListener: TransportListener {
  let address: String
  let handle: Int64
  let core: CTransportCore
  private let connections = HandleQueue()

  init(address: String, handle: Int64, core: CTransportCore) { (self.address, self.handle, self.core) = (address, handle, core) }

  func accept() async throws(PluginError) -> any TransportConnection {
    try core.connection(try await core.handle(connections) { [handle] in $0.accept?($1, handle, $2, $3) })
  }

  func close() async {
    _ = try? await core.value { $0.close_listener?($1, handle, $2, $3) }
    for left in connections.drain() { _ = try? await core.value { $0.close_connection?($1, left, 0, "nobody accepted it", $2, $3) } }
  }
}

private struct CTransportConnection: TransportConnection {
  let peer: PeerID
  let handle: Int64
  let core: CTransportCore
  private let streams = HandleQueue()

  init(peer: PeerID, handle: Int64, core: CTransportCore) { (self.peer, self.handle, self.core) = (peer, handle, core) }

  var channelBinding: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
      count = min(256, core.table.value.channel_binding?(core.instance.pointer, handle, buffer.baseAddress, 256) ?? 0)
    }
  }

  func openStream() async throws(PluginError) -> any TransportStream {
    CTransportStream(handle: try await core.handle { $0.open_stream?($1, handle, $2, $3) }, core: core)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream {
    CTransportStream(handle: try await core.handle(streams) { [handle] in $0.accept_stream?($1, handle, $2, $3) }, core: core)
  }

  func close(code: UInt64, reason: String) async {
    _ = try? await core.value { $0.close_connection?($1, handle, code, reason, $2, $3) }
  }
}

private struct CDatagramConnection: DatagramConnection {
  let base: CTransportConnection
  private let datagrams = IncomingBytes(capacity: 65_536)

  init(base: CTransportConnection) { self.base = base }

  var peer: PeerID { base.peer }
  var channelBinding: [UInt8] { base.channelBinding }
  func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
  func acceptStream() async throws(PluginError) -> any TransportStream { try await base.acceptStream() }
  func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }

  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    try await base.core.value { $0.send_datagram?($1, base.handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, $2, $3) }
  }

  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    let core = base.core, handle = base.handle
    return try await datagrams.next(into: buffer, whole: true) { lent, done, token in
      core.table.value.receive_datagram?(core.instance.pointer, handle, lent.bindMemory(to: UInt8.self).baseAddress, lent.count, done, token)
    }
  }
}

private struct CTransportStream: TransportStream {
  let handle: Int64
  let core: CTransportCore
  private let incoming = IncomingBytes(capacity: 65_536)

  init(handle: Int64, core: CTransportCore) { (self.handle, self.core) = (handle, core) }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    let core = core, handle = handle
    let result = await withTaskCancellationHandler { () -> Result<Int64, PluginError> in
      do throws(PluginError) {
        return .success(try await core.value { $0.send?($1, handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, $2, $3) })
      } catch { return .failure(error) }
    } onCancel: {
      // The bytes stay lent until the plugin is done with them, and this is what makes it be done.
      Completions.start({ core.table.value.reset?(core.instance.pointer, handle, 0, $0, $1) }) { _ in }
    }
    guard case .failure(let error) = result else { return }
    throw error.code == .closed && Task.isCancelled ? cancelled("a send") : error
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    let core = core, handle = handle
    return try await incoming.next(into: buffer, whole: false) { lent, done, token in
      core.table.value.receive?(core.instance.pointer, handle, lent.bindMemory(to: UInt8.self).baseAddress, lent.count, done, token)
    }
  }

  func finish() async throws(PluginError) { try await core.value { $0.finish?($1, handle, $2, $3) } }

  func reset(code: UInt64) async { _ = try? await core.value { $0.reset?($1, handle, code, $2, $3) } }
}
