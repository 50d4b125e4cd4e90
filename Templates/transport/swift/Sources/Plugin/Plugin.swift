// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// A transport within one process: what listens and what dials it are two instances of this plugin in one host. Addresses are
/// `loop://NAME:PORT`; port 0 asks for a free one.
///
/// It shows all that the host asks of a transport: streams with an order and an end of their own, a sender that waits while nobody
/// reads, half-close, reset, cancelling, and who the peer is.
///
/// Of the peer: both ends are this library in one process, so the key that an end shows is the one that the host's identity service
/// gave to it; nobody stands between. A transport over a network must have it proved: each side signs a value that is bound to this very
/// channel, such as a TLS exporter, with `IdentityService.sign`, and checks the other's signature before it says who the peer is.
struct Loop: Transport {
  static let scheme = "loop"
  let info = TransportInfo(scheme: Loop.scheme)
  let key: PeerID
  let random: any RandomService

  init(_ environment: PluginEnvironment) throws(PluginError) {
    guard let identity = environment.services.service("centram.identity/1") as? any IdentityService, let key = PeerID(identity.publicKey) else {
      throw PluginError(.unavailable, "the host offers no centram.identity/1, and a transport needs the node's key")
    }
    guard let random = environment.services.service("centram.random/1") as? any RandomService else {
      throw PluginError(.unavailable, "the host offers no centram.random/1")
    }
    (self.key, self.random) = (key, random)
  }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    try Network.shared.listen(try Address(address), key: key)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let address = try Address(address)
    guard let listener = Network.shared.listener(at: address) else { throw PluginError(.unavailable, "nobody listens at \(address)") }
    if let expected, expected != listener.key {
      throw PluginError(.unavailable, "another peer listens at \(address) than the one that was dialled")
    }
    // The same at both ends, and another for each connection.
    var binding = [UInt8](repeating: 0, count: 32)
    binding.withUnsafeMutableBytes { random.fill($0) }
    let link = Link()
    try listener.offer(Connection(link, side: 1, peer: key, channelBinding: binding))
    return Connection(link, side: 0, peer: listener.key, channelBinding: binding)
  }
}

/// `loop://NAME:PORT`.
struct Address: Hashable, CustomStringConvertible {
  var name: String, port: Int
  var description: String { "\(Loop.scheme)://\(name):\(port)" }

  init(_ text: String) throws(PluginError) {
    let prefix = "\(Loop.scheme)://", rest = text.dropFirst(prefix.count), parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    let isName = !parts[0].isEmpty && parts[0].utf8.count <= 253 && parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") }
    guard text.hasPrefix(prefix), parts.count == 2, isName, let port = UInt16(parts[1]) else {
      throw PluginError(.invalid, "\"\(text.prefix(80))\" is not \(prefix)NAME:PORT")
    }
    (name, self.port) = (String(parts[0]), Int(port))
  }
}

// The door: what the host looks up in the library.
nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "@ID@", version: "0.1.0", kind: CENTRAM_KIND_TRANSPORT, summary: "Connections within one process"
) { pluginInterface($0, .transport { (environment) throws(PluginError) in try Loop(environment) }) }

@c(centram_plugin_descriptor__@MODULE@) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
