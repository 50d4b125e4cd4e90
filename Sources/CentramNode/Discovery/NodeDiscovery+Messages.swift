internal import CentramPluginAPI
internal import CentramWire

/// What the node does with messages of the discovery family.
extension NodeDiscovery {
  /// - Throws: `SessionError`, whose sentence the peer gets.
  public nonisolated func register(with handlers: HandlerRegistry) {
    handlers.on(WireAnnounce.self) { message, incoming in
      await self.announced(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireWithdraw.self) { message, incoming in
      await self.withdrawn(message, from: incoming.peer)
      return nil
    }
    handlers.on(WirePeerExchangeRequest.self) { message, incoming in
      do throws(DiscoveryError) { return try await self.answerExchange(message, from: incoming.peer) } catch { throw SessionError(.limit, error.message) }
    }
    handlers.on(WireFindNode.self) { message, incoming in await self.findNode(message, from: incoming.peer) }
    handlers.on(WireFindProviders.self) { message, incoming in await self.findProviders(message, from: incoming.peer) }
    handlers.on(WireProvide.self) { message, incoming in
      do throws(DiscoveryError) { try await self.provide(message, from: incoming.peer) } catch { throw SessionError(.limit, error.message) }
      return nil
    }
  }

  private func announced(_ message: WireAnnounce, from peer: NodeKey) async {
    let peers = Array(await host.connectedPeers().keys)
    let verdict = gossip.announced(message, from: peer, peers: peers, book: &book, verifier: &table.verifier, now: now)
    // Who proved its key and gave its own word may have a place in the table.
    if let record = book[peer]?.record { table.met(record, now: now) }
    switch verdict {
    case .forward(let targets) where settings.exchange:
      var next = message
      next.hops += 1
      for target in targets { await host.send(next, to: target) }
    case .refused(let why): log(.debug, "an announcement from \(peer) is refused: \(why)")
    case .forward, .keep, .known: break
    }
  }

  private func withdrawn(_ message: WireWithdraw, from peer: NodeKey) async {
    let peers = Array(await host.connectedPeers().keys)
    switch gossip.withdrawn(message, from: peer, peers: peers, book: &book, now: now) {
    case .forward(let targets) where settings.exchange:
      var next = message
      next.hops += 1
      for target in targets { await host.send(next, to: target) }
    case .refused(let why): log(.debug, "a withdrawal from \(peer) is refused: \(why)")
    case .forward, .keep, .known: break
    }
  }

  private func findNode(_ message: WireFindNode, from peer: NodeKey) -> WireFindNodeReply { table.answer(message, to: peer, now: now) }
  private func findProviders(_ message: WireFindProviders, from peer: NodeKey) -> WireFindProvidersReply { table.answer(message, to: peer, now: now) }
  private func provide(_ message: WireProvide, from peer: NodeKey) throws(DiscoveryError) { try table.take(message, from: peer, now: now) }
}
