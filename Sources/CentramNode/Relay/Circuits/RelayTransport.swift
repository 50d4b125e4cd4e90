internal import CentramPluginAPI
internal import CentramTransportSupport
public import CentramWire

/// Where a peer can be reached through a relay: `relay://RELAY/PEER`, both as 64 hexadecimal digits; to listen, `relay://RELAY`.
public struct RelayAddress: Hashable, Sendable, CustomStringConvertible {
  public static let scheme = "relay"
  public let relay: NodeKey
  public let target: NodeKey?

  public init(relay: NodeKey, target: NodeKey?) { (self.relay, self.target) = (relay, target) }

  /// - Throws: `.address`.
  public init(_ text: String) throws(RelayError) {
    let wrong = RelayError(.address, "\(PeerAddress.shown(text)) is no address of a relay; one looks like relay://RELAY/PEER, both ids of 64 hexadecimal digits")
    guard text.hasPrefix(Self.scheme + "://") else { throw wrong }
    let parts = text.dropFirst(Self.scheme.count + 3).split(separator: "/", omittingEmptySubsequences: false)
    let keys = parts.map { Hexadecimal.bytes($0.utf8).flatMap { NodeKey($0) } }
    guard (1...2).contains(keys.count), let relay = keys[0] else { throw wrong }
    guard keys.count == 1 || keys[1] != nil else { throw wrong }
    guard keys.count == 1 || keys[1] != relay else { throw RelayError(.address, "\(relay) cannot be the relay to itself; dial it directly") }
    (self.relay, target) = (relay, keys.count == 2 ? keys[1] : nil)
  }

  public var description: String { "\(Self.scheme)://\(relay)\(target.map { "/\($0)" } ?? "")" }
}

/// Connections through a relay with which this node has a session. Each end runs TLS 1.3 of its own with the other through the circuit, so the relay sees
/// ciphertext, and a connection's channel binding is the ends' own.
struct RelayTransport: Transport {
  let service: RelayService
  let info = TransportInfo(scheme: RelayAddress.scheme, features: [.encrypted, .relayed])

  private func place(_ address: String) throws(PluginError) -> RelayAddress {
    do throws(RelayError) { return try RelayAddress(address) } catch { throw PluginError(.invalid, error.message) }
  }

  /// Others reach this node through the relay as soon as there is a session with it and it agreed, and again after each interruption.
  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    let place = try place(address)
    guard place.target == nil else { throw PluginError(.invalid, "\(address) names a peer; to listen at a relay, leave it out: \(RelayAddress(relay: place.relay, target: nil))") }
    return try await service.listen(at: place.relay)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let place = try place(address)
    guard let target = place.target else { throw PluginError(.invalid, "\(address) names no peer; a circuit needs one: relay://RELAY/PEER") }
    guard expected == nil || expected?.bytes == target.bytes else { throw PluginError(.invalid, "\(address) leads to another peer than the one that is expected") }
    return try await service.dial(target, through: place.relay)
  }
}

/// Circuits that others open to this node through one relay.
final class RelayListener: TransportListener {
  let relay: NodeKey, address: String
  private let connections = WaitQueue<MultiplexedConnection>(limit: 16)
  private let onClose: @Sendable (RelayListener) async -> Void

  init(relay: NodeKey, own: NodeKey, onClose: @escaping @Sendable (RelayListener) async -> Void) {
    (self.relay, self.onClose) = (relay, onClose)
    address = RelayAddress(relay: relay, target: own).description
  }

  func offer(_ connection: MultiplexedConnection) -> Bool { connections.offer(connection) }
  func accept() async throws(PluginError) -> any TransportConnection { try await connections.next() }
  func close() async {
    connections.close(PluginError(.closed, "the listener at \(address) is closed"))
    await onClose(self)
  }
}
