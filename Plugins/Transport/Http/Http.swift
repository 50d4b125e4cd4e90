public import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore
internal import NIOPosix

/// Plain HTTP/1.1 with requests that wait for their answer (long polls): what crosses most firewalls and proxies. Inside go a secure channel and the
/// multiplexer, so a proxy sees lengths and times only.
struct Http: Transport {
  static let id: StaticString = "transport.http"
  static let scheme = "http"
  let info = TransportInfo(scheme: Http.scheme, features: .encrypted)
  let node: HttpNode

  init(_ environment: PluginEnvironment) throws(PluginError) { node = try HttpNode(environment) }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let wanted = try parse(address)
    let listener = HttpListener(node)
    do {
      let channel = try await ServerBootstrap(group: node.group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: .nanoseconds(Int64(listener.node.idleNanoseconds))))
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
            try channel.pipeline.syncOperations.addHandler(HttpServerHandler(listener))
          }
        }
        .bind(host: wanted.host, port: wanted.port).get()
      listener.start(channel)
      return listener
    } catch { throw PluginError(.unavailable, "\(wanted) cannot be listened on: \(error)") }
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let target = try parse(address)
    guard target.port > 0 else { throw PluginError(.invalid, "\(address) has the port 0; only a listener may leave it open") }
    let pipe = HttpDialler(node, target: target)
    let secured: SecuredPipe
    do {
      secured = try SecuredPipe(pipe, role: .dialler, identity: node.identity, expecting: expected, settings: node.settings, timers: node.timers)
    } catch { throw error.pluginError }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) { secured.pipeClosed(PluginError(.unavailable, "\(target) did not answer in time")) }
    defer { limit.cancel() }
    pipe.start(secured)
    do { return try await secured.connection.next() } catch {
      secured.pipeClosed(error)
      throw error
    }
  }

  private func parse(_ address: String) throws(PluginError) -> TransportAddress {
    do { return try TransportAddress(address, scheme: Self.scheme) } catch { throw error.pluginError }
  }
}

/// What all connections of one instance share.
///
/// Settings: `proxy` (`http://host:port`, for dials), `pollSeconds` (how long a request waits for bytes, default 25), `retrySeconds` (how long a cut
/// connection is tried again, default 30), `handshakeSeconds` (default 10), `maximumSessions` (default 1,024), and the multiplexer's.
final class HttpNode: Sendable {
  /// The most that one request or answer carries, and that waits for its acknowledgement in each direction.
  static let bodyLimit = 256 << 10, retainedLimit = 1 << 20

  let identity: NodeIdentity, settings: MultiplexerSettings, timers: any TransportTimers, services: any HostServices
  let proxy: TransportAddress?
  let pollNanoseconds: UInt64, retryNanoseconds: UInt64, handshakeNanoseconds: UInt64, maximumSessions: Int
  let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  /// Silence after which a connection or a session of the server ends.
  var idleNanoseconds: UInt64 { pollNanoseconds + retryNanoseconds + 5_000_000_000 }

  init(_ environment: PluginEnvironment) throws(PluginError) {
    var reader = try SettingsReader(json: environment.configurationJSON)
    do { proxy = try reader.text("proxy").map { text throws(TransportSupportError) in try TransportAddress(text, scheme: "http") } } catch let error {
      throw (error as? PluginError) ?? (error as? TransportSupportError)?.pluginError ?? PluginError(.invalid, "\(error)")
    }
    pollNanoseconds = UInt64(try reader.integer("pollSeconds", default: 25, in: 1...300)) * 1_000_000_000
    retryNanoseconds = UInt64(try reader.integer("retrySeconds", default: 30, in: 1...600)) * 1_000_000_000
    handshakeNanoseconds = UInt64(try reader.integer("handshakeSeconds", default: 10, in: 1...600)) * 1_000_000_000
    maximumSessions = try reader.integer("maximumSessions", default: 1_024, in: 1...65_536)
    settings = try MultiplexerSettings(&reader)
    try reader.finish()
    (timers, services, identity) = (environment.timers, environment.services, try NodeIdentity(environment.services))
  }

  /// Hex, unguessable: who knows a session's name can disturb it, though never read it.
  func newSession() -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    if let random = services.service("centram.random/1") as? any RandomService {
      bytes.withUnsafeMutableBytes { random.fill($0) }
    } else {
      for index in bytes.indices { bytes[index] = .random(in: 0...255) }
    }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Http.id, version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "Plain HTTP long polls that cross proxies, encrypted inside"
) { pluginInterface($0, .transport { (environment) throws(PluginError) in try Http(environment) }) }

@c(centram_plugin_descriptor__transport_http) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
