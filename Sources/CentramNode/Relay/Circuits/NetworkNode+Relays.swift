internal import CentramWire

/// What a node knows of the network around it, for the reasons that `peers` shows.
public struct Surroundings: Sendable {
  /// Families of addresses that it has a way to.
  public var families: @Sendable () -> AddressFamilies = { AddressFamilies() }
  /// How its router gives ports to what it sends.
  public var mapping: @Sendable () async -> NATMapping = { .unknown }
  /// Where peers see it, if that may lead back to it.
  public var addresses: @Sendable () async -> [PeerAddress] = { [] }
  public init() {}
}

/// Relays on the way to others: where they are, and sessions with them.
extension NetworkNode {
  /// Addresses of relays that are remembered, and relays dialled for the sake of others, at most.
  static let mostRelays = 64, mostRelayDials = 8

  public func use(_ surroundings: Surroundings) { self.surroundings = surroundings }

  /// Remembers where a relay is. Nobody is dialled before a peer is to be reached through it.
  public func learn(_ relay: Ticket.Relay) {
    guard relay.id != key.publicKey, relay.id != .anyone else { return }
    if relayAddresses.updateValue(relay.address, forKey: relay.id) == nil { relaysLearnt.append(relay.id) }
    // Those at which this node listens stay, for others are told of them.
    while relaysLearnt.count > Self.mostRelays, let place = relaysLearnt.firstIndex(where: { !isListening(at: $0) }) { relayAddresses[relaysLearnt.remove(at: place)] = nil }
  }

  /// The relays at which this node listens, as far as it knows where they are.
  public func ownRelays() -> [Ticket.Relay] {
    listening.compactMap { try? RelayAddress($0).relay }.compactMap { relay in relayAddresses[relay].map { Ticket.Relay(id: relay, address: $0) } }
  }

  private func isListening(at relay: NodeKey) -> Bool { listening.contains { (try? RelayAddress($0))?.relay == relay } }

  /// The session with a relay, which is dialled if there is none and its address is known.
  /// - Returns: nil where there is none after that time.
  func relaySession(_ relay: NodeKey, milliseconds: Int) async -> PeerSession? {
    if let session = session(with: relay) { return session }
    guard let address = relayAddresses[relay] else { return nil }
    let reference = PeerReference(address: address.description, key: relay, reason: "relay")
    if !dials.keys.contains(where: { $0.key == relay }) {
      relayDials.append(reference)
      if relayDials.count > Self.mostRelayDials { forget(relayDials.removeFirst()) }
      connect(to: reference)
    }
    let id = currentKey(relay).description
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait { peers in peers.contains { $0.id == id && $0.state == .connected } } }
      group.addTask { try? await self.clock.sleep(milliseconds: milliseconds) }
      await group.next()
      group.cancelAll()
    }
    return session(with: relay)
  }

  /// Peers whose connections go through a relay.
  func relayedConnections() -> [(peer: NodeKey, number: UInt64, isDialler: Bool)] {
    table.compactMap { key, entry in entry.connection.flatMap { $0.isRelayed ? (key, $0.number, $0.isDialler) : nil } }.sorted { $0.0 < $1.0 }
  }

  /// Says why a relayed connection has not become a direct one.
  func note(_ peer: NodeKey, _ sentence: String) {
    let peer = currentKey(peer)
    guard table[peer]?.connection?.isRelayed == true else { return }
    table[peer]?.connection?.note = sentence
    changed()
  }
}
