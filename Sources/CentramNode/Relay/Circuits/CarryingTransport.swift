internal import CentramPluginAPI
internal import CentramWire

/// A transport whose connections also carry circuits: of the streams that a peer opens, those that begin as circuits go to the relay service, and the
/// session sees all others unchanged.
struct CarryingTransport: Transport {
  let base: any Transport
  let service: RelayService

  var info: TransportInfo { base.info }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    CarryingListener(base: try await base.listen(on: address), service: service)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    CarryingConnection.wrap(try await base.dial(address, expecting: expected), service)
  }
}

private struct CarryingListener: TransportListener {
  let base: any TransportListener
  let service: RelayService
  var address: String { base.address }
  func accept() async throws(PluginError) -> any TransportConnection { CarryingConnection.wrap(try await base.accept(), service) }
  func close() async { await base.close() }
}

private class CarryingConnection: TransportConnection, CustomStringConvertible, @unchecked Sendable {
  private let base: any TransportConnection
  private let service: RelayService

  private init(_ base: any TransportConnection, _ service: RelayService) { (self.base, self.service) = (base, service) }

  static func wrap(_ connection: any TransportConnection, _ service: RelayService) -> any TransportConnection {
    if let datagrams = connection as? any DatagramConnection { return WithDatagrams(datagrams, service) }
    return CarryingConnection(connection, service)
  }

  var peer: PeerID { base.peer }
  /// The peer's address, as `PeerSource` reads it.
  var description: String { (base as? any CustomStringConvertible)?.description ?? "" }
  var channelBinding: [UInt8] { base.channelBinding }
  func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
  func acceptStream() async throws(PluginError) -> any TransportStream {
    SortedStream(try await base.acceptStream(), peer: NodeKey(base.peer.bytes) ?? .anyone, service)
  }
  func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }

  private final class WithDatagrams: CarryingConnection, DatagramConnection, @unchecked Sendable {
    private let datagrams: any DatagramConnection
    init(_ base: any DatagramConnection, _ service: RelayService) {
      datagrams = base
      super.init(base, service)
    }
    func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) { try await datagrams.sendDatagram(bytes) }
    func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int { try await datagrams.receiveDatagram(into: buffer) }
  }
}

/// The first bytes of a circuit's stream: `CTRC`, the version, the circuit's name. What follows is the ends' own.
enum CircuitPreamble {
  static let magic: [UInt8] = Array("CTRC".utf8)
  static let byteCount = 4 + 1 + CircuitID.byteCount

  static func bytes(_ id: CircuitID) -> [UInt8] { magic + [1] + id.bytes }

  /// Whether these may be the first bytes of one.
  static func mayBegin(_ bytes: [UInt8]) -> Bool { zip(bytes, magic).allSatisfy { $0 == $1 } }

  static func circuit(_ bytes: [UInt8]) -> CircuitID? { bytes.count == byteCount && bytes[4] == 1 ? CircuitID(bytes[5...]) : nil }
}

/// A stream of which nobody knows yet whether it is a circuit's. Whoever receives from it finds out: a circuit is carried to its end within the call, which
/// then says that the stream is over. One receiver at a time, as the contract has it.
private final class SortedStream: TransportStream, @unchecked Sendable {
  private let base: any TransportStream
  private let peer: NodeKey
  private let service: RelayService
  /// First bytes, until they are sorted and handed on.
  private var head: [UInt8] = []
  private var isSorted = false

  init(_ base: any TransportStream, peer: NodeKey, _ service: RelayService) { (self.base, self.peer, self.service) = (base, peer, service) }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) { try await base.send(bytes) }
  func finish() async throws(PluginError) { try await base.finish() }
  func reset(code: UInt64) async { await base.reset(code: code) }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    while !isSorted {
      guard head.count < CircuitPreamble.byteCount, CircuitPreamble.mayBegin(head) else {
        isSorted = true
        guard CircuitPreamble.mayBegin(head) else { break }
        guard let circuit = CircuitPreamble.circuit(head) else {
          await base.reset(code: 2)
          return 0
        }
        head = []
        await service.carry(base, circuit, for: peer)
        return 0
      }
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(CircuitPreamble.byteCount - head.count))
      let count = try await base.receive(into: piece)
      guard count > 0 else {
        isSorted = true
        break
      }
      head += piece.prefix(count)
    }
    guard !head.isEmpty else { return try await base.receive(into: buffer) }
    let count = min(buffer.count, head.count)
    buffer.copyBytes(from: head.prefix(count))
    head.removeFirst(count)
    return count
  }
}
