internal import CentramPluginAPI

/// `centram.transport/1` as a Swift transport. An operation that waits ends when what it waits on is closed or reset.
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
    let handle = try await value(start)
    guard handle > 0 else { throw PluginError(.internalFailure, "the plugin gave the handle \(handle); handles are positive") }
    return handle
  }

  /// A byte count that fits the buffer that was lent.
  func count(upTo limit: Int, _ start: Start) async throws(PluginError) -> Int {
    let count = try await value(start)
    guard (0...Int64(limit)).contains(count) else { throw PluginError(.internalFailure, "the plugin says that it wrote \(count) bytes to a buffer of \(limit)") }
    return Int(count)
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

  func accept() async throws(PluginError) -> any TransportConnection {
    try core.connection(await core.handle { $0.accept?($1, handle, $2, $3) })
  }

  func close() async { _ = try? await core.value { $0.close_listener?($1, handle, $2, $3) } }
}

private struct CTransportConnection: TransportConnection {
  let peer: PeerID
  let handle: Int64
  let core: CTransportCore

  var channelBinding: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
      count = min(256, core.table.value.channel_binding?(core.instance.pointer, handle, buffer.baseAddress, 256) ?? 0)
    }
  }

  func openStream() async throws(PluginError) -> any TransportStream {
    CTransportStream(handle: try await core.handle { $0.open_stream?($1, handle, $2, $3) }, core: core)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream {
    CTransportStream(handle: try await core.handle { $0.accept_stream?($1, handle, $2, $3) }, core: core)
  }

  func close(code: UInt64, reason: String) async {
    _ = try? await core.value { $0.close_connection?($1, handle, code, reason, $2, $3) }
  }
}

private struct CDatagramConnection: DatagramConnection {
  let base: CTransportConnection
  var peer: PeerID { base.peer }
  var channelBinding: [UInt8] { base.channelBinding }
  func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
  func acceptStream() async throws(PluginError) -> any TransportStream { try await base.acceptStream() }
  func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }

  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    try await base.core.value { $0.send_datagram?($1, base.handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, $2, $3) }
  }

  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    try await base.core.count(upTo: buffer.count) {
      $0.receive_datagram?($1, base.handle, buffer.bindMemory(to: UInt8.self).baseAddress, buffer.count, $2, $3)
    }
  }
}

private struct CTransportStream: TransportStream {
  let handle: Int64
  let core: CTransportCore

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    try await core.value { $0.send?($1, handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, $2, $3) }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    try await core.count(upTo: buffer.count) { $0.receive?($1, handle, buffer.bindMemory(to: UInt8.self).baseAddress, buffer.count, $2, $3) }
  }

  func finish() async throws(PluginError) { try await core.value { $0.finish?($1, handle, $2, $3) } }

  func reset(code: UInt64) async { _ = try? await core.value { $0.reset?($1, handle, code, $2, $3) } }
}
