public import CentramPluginAPI
internal import CentramTransportSupport
internal import Synchronization

/// Subjects on a NATS cluster, for an organisation's fleet that has one. NATS may lose messages and anyone on the cluster may read them, so each
/// connection counts its bytes, repeats what was lost, and carries a secure channel.
///
/// Addresses are `nats://HOST:PORT/KEY`: a server of the cluster, and the listener's public key in hex.
struct Nats: Transport {
  static let id: StaticString = "transport.nats"
  static let scheme = "nats"
  let info = TransportInfo(scheme: Nats.scheme, features: .encrypted)
  let node: NatsNode

  init(_ environment: PluginEnvironment) throws(PluginError) { node = try NatsNode(environment) }

  /// - Parameter address: `nats://HOST:PORT`; with a key, it must be this node's.
  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    var parsed = try parse(address)
    let own = hex(node.identity.peer.bytes)
    guard parsed.path.isEmpty || parsed.path == own else { throw PluginError(.invalid, "\(address) names another node's key; this node's is \(own)") }
    parsed.path = own
    return try NatsListener(node, try await node.broker(parsed), parsed)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let parsed = try parse(address)
    let key = parsed.path.isEmpty ? hex(expected?.bytes ?? []) : parsed.path
    guard key.utf8.count == 64, key.allSatisfy(\.isHexDigit) else { throw PluginError(.invalid, "\(address) lacks the listener's key, 64 hexadecimal digits after the port") }
    let broker = try await node.broker(parsed)
    let id = hex(node.random(16))
    let pipe = NatsPipe(node, broker, incoming: Subject.toDialler(id), outgoing: Subject.toListener(id))
    let secured: SecuredPipe
    do {
      secured = try SecuredPipe(pipe, role: .dialler, identity: node.identity, expecting: expected, settings: node.settings, timers: node.timers)
    } catch { throw error.pluginError }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) { secured.pipeClosed(PluginError(.unavailable, "\(parsed) did not answer in time")) }
    defer { limit.cancel() }
    do {
      try pipe.start(secured, asking: Subject.node(key.lowercased()), for: id)
      return try await secured.connection.next()
    } catch {
      secured.pipeClosed(error)
      throw error
    }
  }

  private func parse(_ address: String) throws(PluginError) -> TransportAddress {
    do { return try TransportAddress(address, scheme: Self.scheme, defaultPort: 4_222) } catch { throw error.pluginError }
  }
}

/// What is heard where. All begin with `centram.1`, so that an operator can grant just these.
enum Subject {
  /// Where a node hears who wants to connect.
  static func node(_ key: String) -> String { "centram.1.node.\(key)" }
  static func toListener(_ id: String) -> String { "centram.1.connection.\(id).listener" }
  static func toDialler(_ id: String) -> String { "centram.1.connection.\(id).dialler" }
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

/// What all connections of one instance share.
///
/// Settings: `handshakeSeconds` (default 10), `retrySeconds` (how long bytes are repeated without an answer, default 30), `maximumConnections` (of a
/// listener, default 1,024), `credentials` (a file of NATS credentials), and the multiplexer's.
final class NatsNode: Sendable {
  let identity: NodeIdentity, settings: MultiplexerSettings, timers: any TransportTimers, services: any HostServices
  let handshakeNanoseconds: UInt64, retryNanoseconds: UInt64, maximumConnections: Int, credentials: String?
  private let brokers = Mutex<[String: NatsBroker]>([:])

  init(_ environment: PluginEnvironment) throws(PluginError) {
    var reader = try SettingsReader(json: environment.configurationJSON)
    handshakeNanoseconds = UInt64(try reader.integer("handshakeSeconds", default: 10, in: 1...600)) * 1_000_000_000
    retryNanoseconds = UInt64(try reader.integer("retrySeconds", default: 30, in: 1...600)) * 1_000_000_000
    maximumConnections = try reader.integer("maximumConnections", default: 1_024, in: 1...65_536)
    credentials = try reader.text("credentials")
    settings = try MultiplexerSettings(&reader)
    try reader.finish()
    (timers, services, identity) = (environment.timers, environment.services, try NodeIdentity(environment.services))
  }

  /// The connection to a server; made when first asked for, and kept.
  func broker(_ address: TransportAddress) async throws(PluginError) -> NatsBroker {
    if let known = brokers.withLock({ $0[address.authority] }) { return known }
    let new = try await NatsBroker.connect(address.authority, credentials: credentials)
    return brokers.withLock { brokers in
      if let known = brokers[address.authority] { return known }
      brokers[address.authority] = new
      return new
    }
  }

  func random(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    if let random = services.service("centram.random/1") as? any RandomService {
      bytes.withUnsafeMutableBytes { random.fill($0) }
    } else {
      for index in bytes.indices { bytes[index] = .random(in: 0...255) }
    }
    return bytes
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Nats.id, version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "Subjects on a NATS cluster, encrypted inside"
) { pluginInterface($0, .transport { (environment) throws(PluginError) in try Nats(environment) }) }

@c(centram_plugin_descriptor__transport_nats) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
