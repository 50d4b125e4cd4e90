public import CentramPluginAPI

/// Nobody is ever reached; who listens has an address.
struct Silence: Transport {
  let info = TransportInfo(scheme: "silence", features: [.relayed])
  func listen(on address: String) async throws(PluginError) -> any TransportListener { Listener(address: address + "/1") }
  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    throw PluginError(.unavailable, "nobody is at \(address)")
  }
}

struct Listener: TransportListener {
  let address: String
  func accept() async throws(PluginError) -> any TransportConnection { throw PluginError(.closed, "nobody comes") }
  func close() async {}
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "early.transport.silence", version: "1.0.0", kind: CENTRAM_KIND_TRANSPORT, summary: "Nobody is reached"
) { pluginInterface($0, .transport { _ in Silence() }) }
@c(centram_plugin_descriptor__early) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
