public import CentramWire

extension NetworkNode: DiscoveryHost {
  public func currentKey() -> SigningKey { key }
  public func listeningAddresses() -> [String] { listening }
  public nonisolated var schemes: Set<String> { Set(transports.keys) }

  public func connectedPeers() -> [NodeKey: String?] {
    Dictionary(uniqueKeysWithValues: table.compactMap { key, entry in entry.connection.map { (key, $0.address.isEmpty ? nil : $0.address) } })
  }

  public func startDial(_ key: NodeKey, _ address: PeerAddress, reason: String) { connect(to: PeerReference(address: address.description, key: key, reason: reason)) }
  public func stopDial(_ key: NodeKey, _ address: PeerAddress, reason: String) { forget(PeerReference(address: address.description, key: key, reason: reason)) }

  public func send(_ message: some WireMessage, to peer: NodeKey) async { _ = try? await session(with: peer)?.send(message) }

  public func ask(_ message: WirePeerExchangeRequest, of peer: NodeKey) async -> WirePeerExchangeReply? {
    guard let session = session(with: peer) else { return nil }
    return try? await session.request(message, milliseconds: 10_000)
  }
}
