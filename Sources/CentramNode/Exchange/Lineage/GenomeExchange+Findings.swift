internal import CentramStore
public import CentramWire
internal import Foundation

/// Judgements and measurements, told to those who ask.
extension GenomeExchange {
  // MARK: Judgements

  func answer(_ query: WireAttestationQuery, _ peer: NodeKey) async throws(SessionError) -> WireAttestation {
    try await require(.queriesPerPeerAndMinute, peer)
    counters.add(.attestationQueries)
    var answer = WireAttestation(), bytes = 0
    for genome in query.genomes {
      let others = attestations.records(of: genome).filter { (query.layer.isEmpty || $0.record.layer == query.layer) && $0.record.decidedMs > query.afterMs }
      for signed in own(Hexadecimal.text(genome), query) + others.map(\.signed) {
        guard answer.verdicts.count < Int(query.maximum), bytes + signed.content.count <= 384 << 10 else {
          answer.truncated = true
          return answer
        }
        bytes += signed.content.count + 128
        answer.verdicts.append(signed)
      }
    }
    return answer
  }

  /// This node's own verdicts on a genome: each layer's of the last judgement in either direction, and the whole gate's.
  private func own(_ id: String, _ query: WireAttestationQuery) -> [WireSigned] {
    guard let verdicts = try? store.verdicts(of: id) else { return [] }
    var result: [VerdictRecord] = []
    for direction in VerdictRecord.Direction.allCases {
      let last = VerdictRecord.lastJudgement(verdicts.filter { $0.direction == direction })
      result += last + (VerdictRecord.whole(last).map { [$0] } ?? [])
    }
    return result.filter { (query.layer.isEmpty || $0.layer == query.layer) && $0.timeMilliseconds > Int64(clamping: query.afterMs) }.compactMap { signed($0) }
  }

  func take(_ message: WireAttestation, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    _ = try await verdicts(message.verdicts, from: peer)
  }

  /// Checks a signed verdict and remembers it.
  @discardableResult func take(_ signed: WireSigned, from peer: NodeKey) async throws(SessionError) -> (verdict: WireVerdict, signer: NodeKey) {
    try await verdicts([signed], from: peer)[0]
  }

  /// Checks signed verdicts and remembers them up to the first that is wrong. Those of others are in the store when this returns.
  private func verdicts(_ verdicts: [WireSigned], from peer: NodeKey) async throws(SessionError) -> [(verdict: WireVerdict, signer: NodeKey)] {
    var result: [(verdict: WireVerdict, signer: NodeKey)] = [], wrong: WireError?
    var new: [WireSigned] = [], gone: [Data] = []
    for signed in verdicts where wrong == nil {
      do throws(WireError) {
        let (verdict, signer) = try signed.opened(WireVerdict.self, domain: .verdict)
        result.append((verdict, signer))
        guard signer != own else { continue }
        let added = attestations.add(.init(record: verdict, signer: signer, signed: signed), subject: verdict.subject)
        if added.isFull { counters.reached(.attestationsKept) }
        if added.signerIsFull { counters.reached(.attestationsPerSigner) }
        guard added.isNew else { continue }
        counters.add(.verdictsReceived)
        new.append(signed)
        gone += added.gone
      } catch { wrong = error }
    }
    keep(new, forgetting: gone)
    guard let wrong else { return result }
    counters.add(.malformed)
    await punish(peer, 25)
    throw SessionError(.refused, wrong.message)
  }

  /// What cannot be written is remembered until the node stops.
  private func keep(_ new: [WireSigned], forgetting gone: [Data]) {
    let records = new.compactMap { signed -> StoredAttestation? in
      guard let bytes = try? signed.serializedBytes() as [UInt8] else { return nil }
      return StoredAttestation(signature: [UInt8](signed.signature), signer: Hexadecimal.text(signed.signer), signed: bytes)
    }
    do throws(StoreError) { try store.keep(records, forgetting: gone.map { [UInt8]($0) }) } catch {
      node.log(.error, "what others attested cannot be kept: \(error.message)")
    }
  }

  /// What others attested before the node started. What the store holds and is not signed is forgotten.
  func recallAttestations() {
    do throws(StoreError) {
      var gone: [[UInt8]] = []
      for stored in try store.attestations(limit: .max) {
        let signed = try? WireSigned(serializedBytes: stored.signed)
        guard let signed, let (verdict, signer) = try? signed.opened(WireVerdict.self, domain: .verdict), [UInt8](signed.signature) == stored.signature else {
          gone.append(stored.signature)
          continue
        }
        let added = attestations.add(.init(record: verdict, signer: signer, signed: signed), subject: verdict.subject)
        // The limits may be lower than they were.
        gone += added.gone.map { [UInt8]($0) } + (added.signerIsFull && !added.isNew ? [stored.signature] : [])
      }
      try store.keep([], forgetting: gone)
    } catch { node.log(.error, "what others attested cannot be read: \(error.message)") }
  }

  /// Forgets what a node attested.
  func forgetAttestations(by signer: NodeKey) {
    attestations.remove(signer: signer)
    do throws(StoreError) { try store.forgetAttestations(by: signer.description) } catch { node.log(.error, "what \(signer) attested cannot be forgotten: \(error.message)") }
  }

  /// Asks a peer what it and others found of genomes. What it answers is checked and remembered.
  public func fetchAttestations(_ ids: [String], layer: String = "", from peer: NodeKey) async throws(SessionError) -> [(verdict: WireVerdict, signer: NodeKey)] {
    guard let session = await node.session(with: peer) else { throw SessionError(.disconnected, "the peer is not connected") }
    var query = WireAttestationQuery()
    (query.genomes, query.layer, query.maximum) = (ids.map { Data(Hexadecimal.bytes($0.utf8) ?? []) }, layer, 256)
    let answer = try await session.request(query, for: WireAttestation.self)
    return try await verdicts(answer.verdicts, from: peer)
  }

  /// What others signed on a genome, as far as it is remembered.
  public func attestations(of id: String) -> [(verdict: WireVerdict, signer: NodeKey)] {
    attestations.records(of: Data(Hexadecimal.bytes(id.utf8) ?? [])).map { ($0.record, $0.signer) }
  }

  // MARK: Fitness

  func answer(_ query: WireFitnessQuery, _ peer: NodeKey) async throws(SessionError) -> WireFitnessReport {
    try await require(.queriesPerPeerAndMinute, peer)
    counters.add(.fitnessQueries)
    let measured = await hooks.fitness?(query.genomes.map { Hexadecimal.text($0) }) ?? []
    var answer = WireFitnessReport(), bytes = 0
    let own = measured.compactMap { record in (try? WireSigned(record, by: signer, domain: .fitness)).map { (record, $0) } }
    let others = query.genomes.flatMap { fitness.records(of: $0).map { ($0.record, $0.signed) } }
    for (record, signed) in own + others where Self.fits(record, query) {
      guard answer.records.count < Int(query.maximum), bytes + signed.content.count <= 384 << 10 else {
        answer.truncated = true
        break
      }
      bytes += signed.content.count + 128
      answer.records.append(signed)
    }
    return answer
  }

  private static func fits(_ record: WireFitnessRecord, _ query: WireFitnessQuery) -> Bool {
    query.genomes.contains(record.genome) && (query.base.isEmpty || query.base == record.base) && record.measuredMs > query.afterMs
      && (query.domains.isEmpty || record.domains.contains { query.domains.contains($0.domain) })
  }

  func take(_ report: WireFitnessReport, from peer: NodeKey) async throws(SessionError) {
    try await require(.noticesPerPeerAndMinute, peer)
    _ = try await take(report.records, from: peer)
  }

  /// Checks signed measurements and remembers them.
  func take(_ records: [WireSigned], from peer: NodeKey) async throws(SessionError) -> [(record: WireFitnessRecord, signer: NodeKey)] {
    var result: [(record: WireFitnessRecord, signer: NodeKey)] = []
    for signed in records {
      do throws(WireError) {
        let (record, signer) = try signed.opened(WireFitnessRecord.self, domain: .fitness)
        result.append((record, signer))
        guard signer != own else { continue }
        let added = fitness.add(.init(record: record, signer: signer, signed: signed), subject: record.genome)
        if added.isFull { counters.reached(.fitnessKept) }
        if added.isNew { counters.add(.fitnessReceived) }
      } catch {
        counters.add(.malformed)
        await punish(peer, 25)
        throw SessionError(.refused, error.message)
      }
    }
    return result
  }

  /// Asks a peer for measured fitness of genomes. What it answers is checked and remembered.
  public func fetchFitness(_ ids: [String], domains: [String] = [], from peer: NodeKey) async throws(SessionError) -> [(record: WireFitnessRecord, signer: NodeKey)] {
    guard let session = await node.session(with: peer) else { throw SessionError(.disconnected, "the peer is not connected") }
    var query = WireFitnessQuery()
    (query.genomes, query.domains, query.maximum) = (ids.map { Data(Hexadecimal.bytes($0.utf8) ?? []) }, domains, 256)
    return try await take(try await session.request(query, for: WireFitnessReport.self).records, from: peer)
  }

  /// What others measured of a genome, as far as it is remembered.
  public func fitness(of id: String) -> [(record: WireFitnessRecord, signer: NodeKey)] {
    fitness.records(of: Data(Hexadecimal.bytes(id.utf8) ?? [])).map { ($0.record, $0.signer) }
  }
}

extension VerdictRecord {
  /// The verdicts of the last judgement among those of one direction, in their order: a layer speaks once in each.
  static func lastJudgement(_ verdicts: [VerdictRecord]) -> [VerdictRecord] {
    var layers: Set<String> = [], result: [VerdictRecord] = []
    for verdict in verdicts.reversed() {
      // Refusals end a judgement, so what stands before one belongs to another.
      guard layers.insert(verdict.layer).inserted, result.isEmpty || verdict.decision == .accept || verdict.decision == .scale else { break }
      result.append(verdict)
    }
    return result.reversed()
  }
}
