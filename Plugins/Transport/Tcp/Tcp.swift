public import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore
internal import NIOPosix

/// TCP with TLS 1.3, the node's Ed25519 key on both sides, and streams by the multiplexer. For networks that block UDP. TLS is the secure channel that
/// HTTP and NATS use too (decision 0012).
struct Tcp: Transport {
  static let id: StaticString = "transport.tcp"
  static let scheme = "tcp"
  let info = TransportInfo(scheme: Tcp.scheme, features: .encrypted)
  let node: TcpNode

  init(_ environment: PluginEnvironment) throws(PluginError) { node = try TcpNode(environment) }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let wanted = try parse(address)
    let listener = TcpListener(node)
    do {
      let channel = try await ServerBootstrap(group: node.group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try listener.admit(channel) } }
        .bind(host: wanted.host, port: wanted.port).get()
      listener.start(channel)
      return listener
    } catch { throw PluginError(.unavailable, "\(wanted) cannot be listened on: \(error)") }
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let target = try parse(address)
    guard target.port > 0 else { throw PluginError(.invalid, "\(address) has the port 0; only a listener may leave it open") }
    let pipe = TcpPipe(node.timers)
    let secured: SecuredPipe
    do {
      secured = try SecuredPipe(pipe, role: .dialler, identity: node.identity, expecting: expected, settings: node.settings, timers: node.timers)
    } catch { throw error.pluginError }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) {
      secured.pipeClosed(PluginError(.unavailable, "connecting to \(target) took longer than \(node.handshakeNanoseconds / 1_000_000_000) s"))
    }
    defer { limit.cancel() }
    pipe.attach(secured, onActive: { secured.start() })
    ClientBootstrap(group: node.group)
      .connectTimeout(.nanoseconds(Int64(node.handshakeNanoseconds)))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try pipe.install(on: channel) } }
      .connect(host: target.host, port: target.port)
      .whenFailure { secured.pipeClosed(PluginError(.unavailable, "\(target) cannot be reached: \($0)")) }
    do { return try await secured.connection.next() } catch {
      secured.pipeClosed(error)
      // The pipe knows no difference between a connection that was lost and one that never was.
      throw error.code == .closed ? PluginError(.unavailable, "\(target): \(error.message)") : error
    }
  }

  private func parse(_ address: String) throws(PluginError) -> TransportAddress {
    do { return try TransportAddress(address, scheme: Self.scheme) } catch { throw error.pluginError }
  }
}

/// What all connections of one instance share.
///
/// Settings: `handshakesPerSource` (at once, default 32), `handshakesPerMinute` (of one source, default 600), `handshakeSeconds` (default 10), and the multiplexer's.
final class TcpNode: Sendable {
  let identity: NodeIdentity, settings: MultiplexerSettings, services: any HostServices, timers: any TransportTimers
  let handshakesPerSource: Int, handshakesPerMinute: Int, handshakeNanoseconds: UInt64
  let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

  init(_ environment: PluginEnvironment) throws(PluginError) {
    var reader = try SettingsReader(json: environment.configurationJSON)
    handshakesPerSource = try reader.integer("handshakesPerSource", default: 32, in: 1...65_536)
    handshakesPerMinute = try reader.integer("handshakesPerMinute", default: 600, in: 1...1_000_000)
    handshakeNanoseconds = UInt64(try reader.integer("handshakeSeconds", default: 10, in: 1...600)) * 1_000_000_000
    settings = try MultiplexerSettings(&reader)
    try reader.finish()
    (services, timers) = (environment.services, environment.timers)
    identity = try NodeIdentity(environment.services)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Tcp.id, version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "TCP with TLS 1.3 and the node's key on both sides"
) { pluginInterface($0, .transport { (environment) throws(PluginError) in try Tcp(environment) }) }

@c(centram_plugin_descriptor__transport_tcp) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
