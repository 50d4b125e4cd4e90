import CQuic
import CentramPluginAPI

extension Endpoint {
  /// Hands the library's events to whom they concern. False where there was none.
  func tellEvents() -> Bool {
    guard let quic else { return false }
    var told = false
    while true {
      let event = cquic_next_event(quic)
      guard event.kind != CQUIC_NO_EVENT else { return told }
      told = true
      if let stream = event.stream {
        guard let user = cquic_stream_user(stream) else { continue }
        let core = Unmanaged<Stream>.fromOpaque(user).takeUnretainedValue()
        if event.kind == CQUIC_EVENT_STREAM_READABLE { core.isReadable() } else { core.isWritable() }
      } else if let pointer = event.connection {
        tell(event.kind, pointer)
      }
    }
  }

  private func tell(_ kind: cquic_event_kind, _ pointer: OpaquePointer) {
    guard let user = cquic_connection_user(pointer) else {
      if kind == CQUIC_EVENT_CONNECTED { welcome(pointer) } else if kind == CQUIC_EVENT_CLOSED { cquic_connection_release(pointer) }
      return
    }
    let connection = Unmanaged<Connection>.fromOpaque(user).takeUnretainedValue()
    switch kind {
    case CQUIC_EVENT_CONNECTED: connection.isConnected()
    case CQUIC_EVENT_CLOSED: connection.isClosed()
    case CQUIC_EVENT_STREAM_OPENED: connection.hasIncoming()
    case CQUIC_EVENT_STREAMS: connection.mayOpen()
    case CQUIC_EVENT_DATAGRAM_READABLE: connection.hasDatagram()
    case CQUIC_EVENT_DATAGRAM_WRITABLE: connection.maySendDatagram()
    default: break
    }
  }

  private func welcome(_ pointer: OpaquePointer) {
    guard let listener, !listener.isClosed else { return cquic_connection_release(pointer) }
    let connection = Connection(pointer, self)
    connections.insert(connection)
    connection.isConnected()
    listener.offer(connection)
  }

  /// Starts a dial. The connection's `waitUntilConnected` tells how it ends.
  func connect(to remote: SocketAddress, expecting expected: PeerID?, address: String) -> Connection? {
    guard let quic, !isRetired else { return nil }
    var path = cquic_path(local: local.storage, remote: remote.storage, local_length: local.length, remote_length: remote.length)
    guard let pointer = cquic_connect(quic, &path, expected?.bytes, now) else { return nil }
    let connection = Connection(pointer, self)
    (connection.expected, connection.dialled) = (expected, address)
    connections.insert(connection)
    return connection
  }
}
