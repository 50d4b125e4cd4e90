import CentramPluginAPI
import CQuic

/// What a listener holds as the loop: connections that nobody took yet, and calls that wait for one.
final class Listener: @unchecked Sendable {
  private var waiting: [Waiter<Connection>] = [], ready: [Connection] = []
  private(set) var isClosed = false

  func offer(_ connection: Connection) {
    if waiting.isEmpty { ready.append(connection) } else { waiting.removeFirst().resume(.success(connection)) }
  }

  func accept(_ waiter: Waiter<Connection>) {
    // One that ended before it was taken is nobody's.
    while let connection = ready.first {
      ready.removeFirst()
      if connection.failure == nil { return waiter.resume(.success(connection)) }
      connection.release()
    }
    if isClosed { waiter.resume(.failure(Self.closed)) } else { waiting.append(waiter) }
  }

  func cancel(_ waiter: Waiter<Connection>) {
    waiting.removeAll { $0 === waiter }
    waiter.resume(.failure(.cancelledByCaller))
  }

  func close() {
    isClosed = true
    for waiter in waiting { waiter.resume(.failure(Self.closed)) }
    for connection in ready { connection.release() }
    (waiting, ready) = ([], [])
  }

  private static let closed = PluginError(.closed, "the listener is closed")
}

/// What a caller holds. Dropping it closes it.
final class QuicListener: TransportListener {
  let endpoint: Endpoint
  private let core = Listener()

  init(_ endpoint: Endpoint) {
    self.endpoint = endpoint
    let core = core
    endpoint.loop.submit {
      endpoint.listener = core
      if let quic = endpoint.quic { cquic_endpoint_accept(quic, true) }
    }
  }

  deinit { Self.close(core, endpoint) }

  var address: String { endpoint.address }

  func accept() async throws(PluginError) -> any TransportConnection {
    let connection = try await Waiter<Connection>.wait(on: endpoint.loop) { [core] in
      core.accept($0)
    } cancel: { [core] in
      core.cancel($0)
    }
    return QuicConnection(connection)
  }

  func close() async {
    await withUnsafeContinuation { continuation in
      let (core, endpoint) = (core, endpoint)
      endpoint.loop.submit {
        Self.closeNow(core, endpoint)
        continuation.resume()
      }
    }
  }

  private static func close(_ core: Listener, _ endpoint: Endpoint) { endpoint.loop.submit { closeNow(core, endpoint) } }

  private static func closeNow(_ core: Listener, _ endpoint: Endpoint) {
    guard !core.isClosed else { return }
    if let quic = endpoint.quic { cquic_endpoint_accept(quic, false) }
    core.close()
    endpoint.listener = nil
    endpoint.isRetired = true
    endpoint.releaseIfUnused()
  }
}
