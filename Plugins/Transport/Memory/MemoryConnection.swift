internal import CentramPluginAPI
internal import CentramTransportSupport

final class MemoryConnection: DatagramConnection, Sendable {
  private let base: MultiplexedConnection
  private let end: MemoryEnd
  init(_ base: MultiplexedConnection, _ end: MemoryEnd) { (self.base, self.end) = (base, end) }

  var peer: PeerID { base.peer }
  var channelBinding: [UInt8] { base.channelBinding }
  func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
  func acceptStream() async throws(PluginError) -> any TransportStream { try await base.acceptStream() }
  func close(code: UInt64, reason: String) async {
    await base.close(code: code, reason: reason)
    end.datagrams.close(PluginError(.closed, "this side closed the connection with code \(code): \(reason)"))
  }

  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    if let error = base.multiplexer.endError { throw error }
    guard (1...MemoryNetwork.datagramLimit).contains(bytes.count) else {
      throw PluginError(.limitExceeded, "a datagram of \(bytes.count) bytes; 1 to \(MemoryNetwork.datagramLimit) are carried")
    }
    end.sendDatagram([UInt8](bytes))
  }

  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    let bytes = try await end.datagrams.next()
    guard bytes.count <= buffer.count else { throw PluginError(.limitExceeded, "a datagram of \(bytes.count) bytes does not fit the buffer of \(buffer.count)") }
    buffer.copyBytes(from: bytes)
    return bytes.count
  }
}

final class MemoryListener: TransportListener, Sendable {
  let parsed: TransportAddress
  let transport: Memory
  private let network: MemoryNetwork
  private let waiting = WaitQueue<MemoryConnection>(limit: 256)

  init(_ address: TransportAddress, _ transport: Memory, _ network: MemoryNetwork) { (parsed, self.transport, self.network) = (address, transport, network) }

  var address: String { parsed.description }
  func accept() async throws(PluginError) -> any TransportConnection { try await waiting.next() }
  func close() async { closeNow() }
  func offer(_ connection: MemoryConnection) -> Bool { waiting.offer(connection) }

  func closeNow() {
    network.forget(self)
    waiting.close(PluginError(.closed, "the listener at \(address) is closed"))
  }
}
