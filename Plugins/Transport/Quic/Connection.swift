import CQuic
import CentramPluginAPI
import Glibc

/// A connection as the loop sees it. `QuicConnection` is what a caller holds.
final class Connection: Hashable, @unchecked Sendable {
  let endpoint: Endpoint
  /// Nil once it is released.
  private(set) var pointer: OpaquePointer?
  private(set) var peer: PeerID?, binding: [UInt8] = [], failure: PluginError?
  /// Where the peer was when the connection came to be.
  private(set) var remote = ""
  var expected: PeerID?, dialled = ""
  private var connecting: Waiter<Void>?
  private var accepting: [Waiter<Stream>] = [], opening: [Waiter<Stream>] = []
  private var datagramReader: (buffer: UnsafeMutableRawBufferPointer, waiter: Waiter<Int>)?
  private var datagramWriter: (bytes: UnsafeRawBufferPointer, waiter: Waiter<Void>)?
  private(set) var closing: [Waiter<Void>] = []

  init(_ pointer: OpaquePointer, _ endpoint: Endpoint) {
    (self.pointer, self.endpoint) = (pointer, endpoint)
    cquic_connection_set_user(pointer, Unmanaged.passUnretained(self).toOpaque())
  }

  static func == (a: Connection, b: Connection) -> Bool { a === b }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  func isConnected() {
    guard let pointer, let key = cquic_connection_key(pointer) else { return }
    peer = PeerID(Array(UnsafeBufferPointer(start: key, count: Int(CQUIC_KEY_SIZE))))
    binding = Array(UnsafeBufferPointer(start: cquic_connection_binding(pointer), count: Int(CQUIC_BINDING_SIZE)))
    var address = SocketAddress()
    cquic_connection_remote(pointer, &address.storage, &address.length)
    remote = address.length > 0 ? address.description : ""
    connecting?.resume(.success(()))
    connecting = nil
  }

  func isClosed() {
    guard let pointer else { return }
    var end = cquic_end()
    cquic_connection_end(pointer, &end)
    let error = EndReport(end, self).error
    failure = error
    connecting?.resume(.failure(error))
    for waiter in accepting + opening { waiter.resume(.failure(error)) }
    datagramReader?.waiter.resume(.failure(error))
    datagramWriter?.waiter.resume(.failure(error))
    for waiter in closing { waiter.resume(.success(())) }
    (connecting, accepting, opening, datagramReader, datagramWriter, closing) = (nil, [], [], nil, nil, [])
  }

  func waitUntilConnected(_ waiter: Waiter<Void>) {
    if let failure { return waiter.resume(.failure(failure)) }
    if peer != nil { return waiter.resume(.success(())) }
    connecting = waiter
  }

  /// The caller gave up or dropped it: closes what is open and lets go.
  func release() {
    guard let pointer else { return }
    connecting?.resume(.failure(.cancelledByCaller))
    connecting = nil
    failure = failure ?? PluginError(.closed, "the connection is closed")
    cquic_connection_set_user(pointer, nil)
    cquic_connection_release(pointer)
    self.pointer = nil
    endpoint.connections.remove(self)
  }

  // MARK: streams

  func openStream(_ waiter: Waiter<Stream>) {
    var error: Int32 = 0
    guard let pointer, failure == nil else { return waiter.resume(.failure(closedError)) }
    if opening.isEmpty, let stream = cquic_stream_open(pointer, &error) { return waiter.resume(.success(Stream(stream, self))) }
    switch error {
    case 0, Int32(CQUIC_AGAIN): opening.append(waiter)
    case Int32(CQUIC_NO_MEMORY): waiter.resume(.failure(PluginError(.limitExceeded, "no memory for a stream")))
    default: waiter.resume(.failure(closedError))
    }
  }

  func mayOpen() {
    var error: Int32 = 0
    while let waiter = opening.first, let pointer {
      guard let stream = cquic_stream_open(pointer, &error) else { return }
      opening.removeFirst()
      waiter.resume(.success(Stream(stream, self)))
    }
  }

  func acceptStream(_ waiter: Waiter<Stream>) {
    guard let pointer else { return waiter.resume(.failure(closedError)) }
    if let stream = cquic_stream_accept(pointer) { return waiter.resume(.success(Stream(stream, self))) }
    if failure != nil { return waiter.resume(.failure(closedError)) }
    accepting.append(waiter)
  }

  func hasIncoming() {
    while let waiter = accepting.first, let pointer, let stream = cquic_stream_accept(pointer) {
      accepting.removeFirst()
      waiter.resume(.success(Stream(stream, self)))
    }
  }

  func cancel(_ waiter: Waiter<Stream>) {
    accepting.removeAll { $0 === waiter }
    opening.removeAll { $0 === waiter }
    waiter.resume(.failure(.cancelledByCaller))
  }

  // MARK: datagrams

  func sendDatagram(_ bytes: UnsafeRawBufferPointer, _ waiter: Waiter<Void>) {
    guard let pointer, failure == nil else { return waiter.resume(.failure(closedError)) }
    guard datagramWriter == nil else { return waiter.resume(.failure(PluginError(.invalid, "another datagram is being sent"))) }
    switch cquic_datagram_send(pointer, bytes.baseAddress, bytes.count) {
    case 0: waiter.resume(.success(()))
    case Int32(CQUIC_AGAIN): datagramWriter = (bytes, waiter)
    case Int32(CQUIC_TOO_LARGE):
      var statistics = cquic_statistics()
      cquic_connection_statistics(pointer, &statistics)
      waiter.resume(
        .failure(PluginError(.limitExceeded, "a datagram of \(bytes.count) bytes; the path takes packets of \(statistics.udp_payload) bytes, 44 of which are not for it")))
    case Int32(CQUIC_REFUSED): waiter.resume(.failure(PluginError(.unsupported, "the peer takes no datagrams")))
    default: waiter.resume(.failure(closedError))
    }
  }

  func maySendDatagram() {
    guard let (bytes, waiter) = datagramWriter else { return }
    datagramWriter = nil
    sendDatagram(bytes, waiter)
  }

  func receiveDatagram(_ buffer: UnsafeMutableRawBufferPointer, _ waiter: Waiter<Int>) {
    guard let pointer else { return waiter.resume(.failure(closedError)) }
    guard datagramReader == nil else { return waiter.resume(.failure(PluginError(.invalid, "another call waits for a datagram"))) }
    let count = cquic_datagram_receive(pointer, buffer.baseAddress, buffer.count)
    switch Int32(truncatingIfNeeded: count) {
    case 0...: waiter.resume(.success(Int(count)))
    case Int32(CQUIC_AGAIN): datagramReader = (buffer, waiter)
    case Int32(CQUIC_TOO_LARGE): waiter.resume(.failure(PluginError(.limitExceeded, "a datagram did not fit in \(buffer.count) bytes and was dropped")))
    default: waiter.resume(.failure(closedError))
    }
  }

  func hasDatagram() {
    guard let (buffer, waiter) = datagramReader else { return }
    datagramReader = nil
    receiveDatagram(buffer, waiter)
  }

  func cancelDatagram(_ isReader: Bool) {
    if isReader {
      datagramReader?.waiter.resume(.failure(.cancelledByCaller))
      datagramReader = nil
    } else {
      datagramWriter?.waiter.resume(.failure(.cancelledByCaller))
      datagramWriter = nil
    }
  }

  // MARK: the end

  var closedError: PluginError { failure ?? PluginError(.closed, "the connection is closed") }

  func close(code: UInt64, reason: String, _ waiter: Waiter<Void>) {
    guard let pointer, failure == nil else { return waiter.resume(.success(())) }
    closing.append(waiter)
    cquic_connection_close(pointer, min(code, 1 << 62 - 1), String(reason.prefix(100)), endpoint.now)
  }

  func stopWaitingForClose(_ waiter: Waiter<Void>) {
    closing.removeAll { $0 === waiter }
    waiter.resume(.success(()))
  }
}
