public import CentramPluginAPI
import Synchronization

/// QUIC version 1 over UDP. The certificate carries the node's Ed25519 key and nothing else counts in it: a connection is to a key.
final class QuicTransport: Transport {
  static let id: StaticString = "transport.quic"
  let info = TransportInfo(scheme: "quic", features: [.encrypted, .datagrams, .migrates])
  let settings: QuicSettings
  private let services: any HostServices
  private let clock: any ClockService
  private let identity: any IdentityService
  private struct Endpoints {
    var listening: [Weak] = []
    var dialling: [Bool: Endpoint] = [:]
  }
  private struct Weak { weak var endpoint: Endpoint? }
  private let endpoints = Mutex(Endpoints())

  init(_ environment: PluginEnvironment) throws(PluginError) {
    settings = try QuicSettings(json: environment.configurationJSON)
    services = environment.services
    guard let clock = services.service("centram.clock/1") as? any ClockService else {
      throw PluginError(.unavailable, "transport.quic needs the host's clock, centram.clock/1")
    }
    guard let identity = services.service("centram.identity/1") as? any IdentityService else {
      throw PluginError(.unavailable, "transport.quic needs the node's identity, centram.identity/1")
    }
    (self.clock, self.identity) = (clock, identity)
  }

  deinit {
    let dialling = endpoints.withLock { Array($0.dialling.values) }
    for endpoint in dialling { endpoint.loop.submit { endpoint.isRetired = true } }
  }

  private func makeEndpoint(_ address: SocketAddress) throws(PluginError) -> Endpoint {
    let seed = try identity.exportSeed()
    guard seed.count == 32 else { throw PluginError(.invalid, "the identity's seed has \(seed.count) bytes, not 32") }
    let endpoint = try Endpoint(bind: address, seed: seed, settings: settings, services: services, clock: clock)
    guard endpoint.key == identity.publicKey else { throw PluginError(.invalid, "the identity's seed does not make its public key") }
    try endpoint.start()
    return endpoint
  }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let addresses = try await QuicAddress(address).resolve()
    let endpoint = try makeEndpoint(addresses[0])
    endpoints.withLock {
      $0.listening.removeAll { $0.endpoint == nil }
      $0.listening.append(Weak(endpoint: endpoint))
    }
    return QuicListener(endpoint)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let place = try QuicAddress(address)
    guard place.port != 0 else { throw PluginError(.invalid, "port 0 of \(address) cannot be dialled") }
    var failure: PluginError?
    for remote in try await place.resolve() {
      do {
        return try await dial(remote, expecting: expected, address: address)
      } catch {
        if error.code == .cancelled { throw error }
        failure = error
      }
    }
    throw failure ?? PluginError(.unavailable, "\(address) has no address")
  }

  private func dial(_ remote: SocketAddress, expecting expected: PeerID?, address: String) async throws(PluginError) -> any TransportConnection {
    let endpoint = try endpoint(for: remote)
    nonisolated(unsafe) var connection: Connection?
    try await Waiter<Void>.wait(on: endpoint.loop) { waiter in
      connection = endpoint.connect(to: remote, expecting: expected, address: address)
      guard let connection else { return waiter.resume(.failure(PluginError(.unavailable, "no connection to \(address) can be started here now"))) }
      connection.waitUntilConnected(waiter)
    } cancel: { _ in
      connection?.release()
    }
    guard let connection, connection.peer != nil else { throw PluginError(.unavailable, "\(address) did not answer") }
    return QuicConnection(connection)
  }

  /// Has the sockets that only dial look at their timers.
  func poke() {
    for endpoint in endpoints.withLock({ Array($0.dialling.values) }) { endpoint.loop.submit {} }
  }

  /// A socket that listens dials too, where it can reach the address: the peer then sees the port that it can dial back.
  private func endpoint(for remote: SocketAddress) throws(PluginError) -> Endpoint {
    let listening = endpoints.withLock { $0.listening.compactMap(\.endpoint) }
    if let shared = listening.first(where: { $0.canReach(remote) }) { return shared }
    if let endpoint = endpoints.withLock({ $0.dialling[remote.isV6] }) { return endpoint }
    let new = try makeEndpoint(.any(v6: remote.isV6))
    // Another call may have been faster.
    let chosen = endpoints.withLock { endpoints in
      if let other = endpoints.dialling[remote.isV6] { return other }
      endpoints.dialling[remote.isV6] = new
      return new
    }
    if chosen !== new { new.loop.submit { new.isRetired = true } }
    return chosen
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: QuicTransport.id, version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "QUIC version 1 between peers that know each other's keys"
) { pluginInterface($0, .transport { environment throws(PluginError) in try QuicTransport(environment) }) }

@c(centram_plugin_descriptor__transport_quic) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
