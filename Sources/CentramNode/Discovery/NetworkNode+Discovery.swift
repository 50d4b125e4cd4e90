public import CentramWire

extension NetworkNode: DiscoveryHost {
  public func currentKey() -> SigningKey { key }
  public func listeningAddresses() -> [String] { listening }
  public nonisolated var schemes: Set<String> { Set(transports.keys) }

  public func connectedPeers() -> [NodeKey: String?] {
    Dictionary(uniqueKeysWithValues: table.compactMap { key, entry in entry.connection.map { (key, $0.address.isEmpty ? nil : $0.address) } })
  }

  public func startDial(_ reference: PeerReference) { connect(to: reference) }
  public func stopDial(_ reference: PeerReference) { forget(reference) }
  public func observedAddresses() async -> [PeerAddress] { await surroundings.addresses() }

  public func send(_ message: some WireMessage, to peer: NodeKey) async { _ = try? await session(with: peer)?.send(message) }

  public func ask<Answer: WireMessage>(_ message: some WireMessage, of peer: NodeKey, for answer: Answer.Type) async -> Answer? {
    try? await session(with: peer)?.request(message, for: answer, milliseconds: 10_000)
  }
}
