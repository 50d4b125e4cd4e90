internal import CentramGenome
internal import CentramStore
public import CentramWire
internal import Foundation

/// What is told without being asked: verdicts, quarantines, privacy, and proofs of misbehaviour.
extension GenomeExchange {
  nonisolated func registerNotices(_ handlers: HandlerRegistry) {
    handlers.on(WireVerdictNotice.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireQuarantineNotice.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WirePrivacyStatement.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireMisbehaviourProof.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
  }

  // MARK: Verdicts

  /// Tells peers of this node's judgement; those that gave the genome are told otherwise.
  func notice(_ whole: VerdictRecord, except told: Set<NodeKey>) async {
    guard let signed = signed(whole) else { return }
    var message = WireVerdictNotice()
    message.verdict = signed
    for peer in peers.keys.sorted() where !told.contains(peer) { await tell(peer, message) }
  }

  private func take(_ notice: WireVerdictNotice, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    guard seen.insert(CentramGenome.SHA256.digest(of: [UInt8](notice.verdict.signature))) else { return }
    let (verdict, signer) = try await take(notice.verdict, from: peer)
    guard signer != own else { return }
    await hooks.onVerdict(signer, verdict)
    guard notice.hops < Self.noticeHops else { return }
    var next = notice
    next.hops += 1
    for other in peers.keys.sorted().filter({ $0 != peer && $0 != signer }).prefix(Self.fanout) { await tell(other, next) }
  }

  // MARK: Quarantine

  func tellQuarantine(_ id: String, _ verdict: VerdictRecord, until: Int64?, isLifted: Bool) async {
    guard let signed = signed(verdict) else { return }
    var message = WireQuarantineNotice()
    (message.genome, message.verdict, message.lifted) = (Data(Hexadecimal.bytes(id.utf8) ?? []), signed, isLifted)
    (message.sinceMs, message.untilMs) = (UInt64(max(1, nowMilliseconds)), UInt64(max(0, until ?? 0)))
    message.message = verdict.reason.prefix(utf8: 1024)
    for peer in peers.keys.sorted() { await tell(peer, message) }
  }

  private func take(_ notice: WireQuarantineNotice, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    let (verdict, signer) = try await take(notice.verdict, from: peer)
    guard verdict.subject == notice.genome, notice.lifted == (verdict.outcome != .quarantine) else {
      throw SessionError(.malformed, "the notice's verdict is on another genome, or says something else")
    }
    counters.add(.quarantinesReceived)
    await hooks.onVerdict(signer, verdict)
  }

  // MARK: Privacy

  /// With genomes of this node goes what their training spent.
  func statePrivacy(of genomes: [WireGenomeSummary], to peer: NodeKey) async {
    guard let privacy = hooks.privacy else { return }
    var message = WirePrivacyStatement()
    for genome in genomes where genome.author.elementsEqual(own.bytes) {
      guard message.records.count < 64, let record = await privacy(Hexadecimal.text(genome.genome)) else { continue }
      if let signed = try? WireSigned(record, by: signer, domain: .privacy) { message.records.append(signed) }
    }
    if !message.records.isEmpty { await tell(peer, message) }
  }

  private func take(_ statement: WirePrivacyStatement, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    for signed in statement.records {
      let opened: (record: WirePrivacyRecord, signer: NodeKey)
      do throws(WireError) { opened = try signed.opened(WirePrivacyRecord.self, domain: .privacy) } catch {
        counters.add(.malformed)
        await punish(peer, 25)
        throw SessionError(.refused, error.message)
      }
      guard opened.record.node.elementsEqual(opened.signer.bytes) else { throw SessionError(.malformed, "a node speaks of its own privacy alone") }
      let added = privacy.add(.init(record: opened.record, signer: opened.signer, signed: signed), subject: opened.record.node)
      if added.isFull { counters.reached(.privacyKept) }
      if added.isNew { counters.add(.privacyReceived) }
    }
  }

  /// What a node says that its trainings spent, as far as it is remembered. Nobody can verify it.
  public func privacy(of node: NodeKey) -> [WirePrivacyRecord] { privacy.records(of: Data(node.bytes)).map(\.record) }

  // MARK: Proofs

  /// Tells everybody that an author signed two entries at one place of its log.
  func proveFork(of author: String) async {
    guard proof(of: author) != nil else { return }
    counters.add(.authorsFrozen)
    catalogue.version += 1
    await hooks.onFrozen(author)
    for peer in peers.keys.sorted() { offer(to: peer) }
  }

  /// Those who come late learn of it, too.
  func tellProofs(to peer: NodeKey) async {
    for author in (try? store.frozenAuthors(limit: Self.mostProofs)) ?? [] {
      guard peers[peer] != nil, peers[peer]?.toldProofs.contains(author) == false, let proof = proof(of: author) else { continue }
      peers[peer]?.toldProofs.insert(author)
      await tell(peer, proof)
      counters.add(.proofsSent)
    }
  }

  static let mostProofs = 64

  private func proof(of author: String) -> WireMisbehaviourProof? {
    guard let proof = try? store.forkProof(of: author), let key = Hexadecimal.bytes(author.utf8) else { return nil }
    var message = WireMisbehaviourProof()
    (message.kind, message.accused) = (.forkedLog, Data(key))
    message.statements = [proof.first, proof.second].map { entry in
      var signed = WireSigned()
      (signed.content, signed.signer, signed.signature) = (Data(entry.manifest), Data(key), Data(entry.signature))
      return signed
    }
    message.message = "two entries at \(proof.sequence) of one log"
    return message
  }

  private func take(_ message: WireMisbehaviourProof, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    counters.add(.proofsReceived)
    do {
      switch message.kind {
      case .forkedLog: try await takeFork(message, from: peer)
      case .twoVerdicts: try takeTwoVerdicts(message)
      default: throw SessionError(.refused, "this node cannot check a proof of that kind")
      }
    } catch let error as SessionError {
      throw error
    } catch {
      counters.add(.malformed)
      await punish(peer, 25)
      throw SessionError(.refused, "the proof proves nothing: \(error)")
    }
  }

  private func takeFork(_ message: WireMisbehaviourProof, from peer: NodeKey) async throws {
    let author = Hexadecimal.text(message.accused)
    peers[peer]?.toldProofs.insert(author)
    if (try? store.forkProof(of: author)) != nil { return }
    let entries = try message.statements.map { try SignedManifest(bytes: SignedManifest.serialized($0), name: "an entry") }
    guard entries.count == 2, entries.allSatisfy({ $0.manifest.author == author }), entries[0].manifest.sequence == entries[1].manifest.sequence,
      entries[0].content != entries[1].content
    else { throw GenomePackageError(.malformed, "not two entries of the accused at one place of its log") }
    let proof = ForkProof(
      author: author, sequence: UInt64(entries[0].manifest.sequence), first: .init(manifest: entries[0].content, signature: entries[0].signature),
      second: .init(manifest: entries[1].content, signature: entries[1].signature), timeMilliseconds: nowMilliseconds)
    guard try store.freeze(proof) else { return }
    for id in wanted.keys.sorted() where wanted[id]?.author == message.accused && transfers[id] == nil { wanted[id] = nil }
    await proveFork(of: author)
  }

  /// A node that judged one thing in two ways at one time is not believed any more.
  private func takeTwoVerdicts(_ message: WireMisbehaviourProof) throws {
    let opened = try message.statements.map { try $0.opened(WireVerdict.self, domain: .verdict) }
    guard opened.count == 2, opened.allSatisfy({ $0.signer.bytes.elementsEqual(message.accused) }) else { throw GenomePackageError(.malformed, "not two verdicts of the accused") }
    let (one, other) = (opened[0].record, opened[1].record)
    guard one.subject == other.subject, one.layer == other.layer, one.direction == other.direction, one.decidedMs == other.decidedMs, one.outcome != other.outcome else {
      throw GenomePackageError(.malformed, "not two verdicts on one subject at one time")
    }
    forgetAttestations(by: opened[0].signer)
  }
}
