internal import CentramWire
internal import Foundation

/// What became of genomes that peers fetched from this node.
extension GenomeExchange {
  nonisolated func registerOutcomes(_ handlers: HandlerRegistry) {
    handlers.on(WireTransferComplete.self) { message, incoming in
      await self.completed(message, by: incoming.peer)
      return nil
    }
    handlers.on(WireTransferAbort.self) { message, incoming in
      await self.aborted(message, by: incoming.peer)
      return nil
    }
    handlers.on(WireGenomeAccepted.self) { message, incoming in
      try await self.accepted(message, by: incoming.peer)
      return nil
    }
    handlers.on(WireGenomeRejected.self) { message, incoming in
      try await self.rejected(message, by: incoming.peer)
      return nil
    }
    handlers.on(WireGenomeRevoked.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
  }

  private func completed(_ message: WireTransferComplete, by peer: NodeKey) {
    counters.add(.completionsReceived)
    memories[peer, default: PeerMemory()].has.insert(Hexadecimal.text(message.genome))
  }

  /// The other end stops: as a receiver, or as a source of what is fetched here.
  private func aborted(_ message: WireTransferAbort, by peer: NodeKey) async {
    counters.add(.abortsReceived)
    let id = Hexadecimal.text(message.genome)
    node.log(.info, "\(peer.description.prefix(16)) stops the transfer of \(id.prefix(16)): \(message.message)")
    if let running = transfers[id], let running { await running.leave(peer) }
    wanted[id]?.sources.removeAll { $0 == peer }
  }

  private func accepted(_ message: WireGenomeAccepted, by peer: NodeKey) async throws(SessionError) {
    let verdict = try await opened(message.verdict, of: message.genome, by: peer)
    guard verdict.outcome == .accept || verdict.outcome == .scale else { throw SessionError(.malformed, "its verdict does not accept the genome") }
    counters.add(.acceptancesReceived)
    memories[peer, default: PeerMemory()].has.insert(Hexadecimal.text(message.genome))
    await hooks.onVerdict(peer, verdict)
  }

  private func rejected(_ message: WireGenomeRejected, by peer: NodeKey) async throws(SessionError) {
    let verdict = try await opened(message.verdict, of: message.genome, by: peer)
    guard verdict.outcome == (message.quarantined ? .quarantine : .reject) else { throw SessionError(.malformed, "its verdict says something else than the message") }
    counters.add(.rejectionsReceived)
    note(Hexadecimal.text(message.genome), declinedBy: peer, retryAfter: message.retryAfterMs)
    await hooks.onVerdict(peer, verdict)
  }

  /// A verdict that the peer itself signed on a genome.
  private func opened(_ signed: WireSigned, of genome: Data, by peer: NodeKey) async throws(SessionError) -> WireVerdict {
    let (verdict, signer) = try await take(signed, from: peer)
    guard signer == peer, verdict.subject == genome else { throw SessionError(.malformed, "the verdict is another peer's, or on another genome") }
    return verdict
  }
}
