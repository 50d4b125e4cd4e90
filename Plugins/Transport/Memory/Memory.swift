public import CentramPluginAPI
public import CentramTransportSupport
internal import Synchronization

/// Connections inside one process, with faults from a seed. Addresses are `memory://HOST:PORT`; a host is any name.
///
/// Settings: `network` (which network of the process; default `default`), `host` (this transport's host; default from its key), and the multiplexer's.
public struct Memory: Transport {
  static let id: StaticString = "transport.memory"
  public let info = TransportInfo(scheme: MemoryNetwork.scheme, features: .datagrams)
  let network: MemoryNetwork, host: String, identity: PeerID, settings: MultiplexerSettings

  init(_ network: MemoryNetwork, host: String, identity: PeerID, settings: MultiplexerSettings) {
    (self.network, self.host, self.identity, self.settings) = (network, host, identity, settings)
  }

  init(_ environment: PluginEnvironment) throws(PluginError) {
    guard let identity = environment.services.service("centram.identity/1") as? any IdentityService, let key = PeerID(identity.publicKey) else {
      throw PluginError(.unavailable, "the host offers no centram.identity/1, and a transport needs the node's key")
    }
    var reader = try SettingsReader(json: environment.configurationJSON)
    let name = try reader.text("network") ?? "default", host = try reader.text("host")
    let settings = try MultiplexerSettings(&reader)
    try reader.finish()
    let hex = key.bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    self.init(MemoryNetwork.named(name, timers: environment.timers), host: host ?? hex, identity: key, settings: settings)
  }

  /// - Parameter address: `memory://` (this transport's host and a new port), `memory://HOST` or `memory://HOST:PORT`.
  public func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let wanted = address == "\(MemoryNetwork.scheme)://" ? TransportAddress(scheme: MemoryNetwork.scheme, host: host, port: 0) : try parse(address)
    return try network.listen(wanted, for: self)
  }

  public func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    try await network.dial(try parse(address), from: self, expecting: expected)
  }

  private func parse(_ address: String) throws(PluginError) -> TransportAddress {
    do { return try TransportAddress(address, scheme: MemoryNetwork.scheme, defaultPort: 0) } catch { throw error.pluginError }
  }
}

extension MemoryNetwork {
  private static let networks = Mutex<[String: MemoryNetwork]>([:])

  /// The process's network of a name, made without faults when first asked for.
  public static func named(_ name: String, timers: @autoclosure () -> any TransportTimers = SystemTimers()) -> MemoryNetwork {
    networks.withLock { networks in
      if let network = networks[name] { return network }
      let network = MemoryNetwork(seed: 0, timers: timers())
      networks[name] = network
      return network
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Memory.id, version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "Connections inside one process, with faults from a seed"
) { pluginInterface($0, .transport { (environment) throws(PluginError) in try Memory(environment) }) }

@c(centram_plugin_descriptor__transport_memory) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
