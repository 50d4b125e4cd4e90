internal import CentramStore
public import CentramWire
internal import Foundation

/// Who descends from whom.
extension GenomeExchange {
  nonisolated func registerLineage(_ handlers: HandlerRegistry) {
    handlers.on(WireLineageQuery.self) { message, incoming in try await self.answer(message, incoming.peer) }
    handlers.on(WireLineageReply.self) { _, incoming in
      await self.unasked(incoming.peer)
      return nil
    }
    handlers.on(WireAttestationQuery.self) { message, incoming in try await self.answer(message, incoming.peer) }
    handlers.on(WireAttestation.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
    handlers.on(WireFitnessQuery.self) { message, incoming in try await self.answer(message, incoming.peer) }
    handlers.on(WireFitnessReport.self) { message, incoming in
      try await self.take(message, from: incoming.peer)
      return nil
    }
  }

  /// Bytes of manifests in one reply; the rest of the payload's 4 MiB is for what stands around them.
  private static let replyBytes = 3 << 20

  /// The genome itself first, then its ancestors by falling generation and rising id, so that children go before parents. The cursor is the last
  /// one's generation and id.
  private func answer(_ query: WireLineageQuery, _ peer: NodeKey) async throws(SessionError) -> WireLineageReply {
    try await require(.queriesPerPeerAndMinute, peer)
    counters.add(.lineageQueries)
    let found = ancestry(of: Hexadecimal.text(query.genome), depth: Int(query.depth), known: Set(query.known.map { Hexadecimal.text($0) }))
    var reply = WireLineageReply(), bytes = 0
    reply.genome = query.genome
    reply.missing = found.missing.sorted().prefix(256).map { Data(Hexadecimal.bytes($0.utf8) ?? []) }
    let start = LineageCursor(query.cursor)
    for record in found.records.sorted(by: { LineageCursor($0) < LineageCursor($1) }) {
      let place = LineageCursor(record)
      if let start, !(start < place) { continue }
      guard let content = try? SignedManifest(record).bytes, let signed = try? WireSigned(serializedBytes: Data(content)) else { continue }
      guard reply.manifests.count < Int(query.maximum), bytes + content.count <= Self.replyBytes else {
        reply.cursor = reply.manifests.isEmpty ? Data() : LineageCursor(last: reply.manifests, in: found.records).bytes
        break
      }
      bytes += content.count
      reply.manifests.append(signed)
    }
    return reply
  }

  private func ancestry(of id: String, depth: Int, known: Set<String>) -> (records: [GenomeRecord], missing: Set<String>) {
    var records: [GenomeRecord] = [], missing: Set<String> = [], seen: Set<String> = known, level = [id]
    for _ in 0...min(depth, 256) where !level.isEmpty {
      var next: [String] = []
      for id in level where seen.insert(id).inserted && records.count < GenomeStore.maximumLineage {
        guard let record = try? store.genome(id) else {
          missing.insert(id)
          continue
        }
        records.append(record)
        next += record.parents.map(\.id)
      }
      level = next
    }
    return (records, missing)
  }

  /// Asks peers for the signed manifest of a genome that is not here, such as an unknown ancestor.
  /// - Returns: the serialized signed manifest, its signature and id checked; nil where no peer has it.
  public func fetchManifest(_ id: String) async -> [UInt8]? {
    var query = WireLineageQuery()
    (query.genome, query.depth, query.maximum) = (Data(Hexadecimal.bytes(id.utf8) ?? []), 1, 1)
    guard query.genome.count == 32 else { return nil }
    // Those that offered it first.
    let order = peers.keys.sorted { (memories[$0]?.has.contains(id) == true ? 0 : 1, $0) < (memories[$1]?.has.contains(id) == true ? 0 : 1, $1) }
    for peer in order {
      guard let session = peers[peer]?.session else { continue }
      guard let reply = try? await session.request(query, for: WireLineageReply.self, milliseconds: settings[.chunkMilliseconds]), let first = reply.manifests.first else {
        continue
      }
      guard let bytes = try? SignedManifest.serialized(first), let signed = try? SignedManifest(bytes: bytes, name: "the manifest of \(id.prefix(16))"), signed.manifest.id == id
      else {
        counters.add(.malformed)
        await punish(peer, 25)
        continue
      }
      return bytes
    }
    return nil
  }

  /// Asks a peer for a genome's ancestors, page after page, until it knows no more.
  /// - Returns: the signed manifests as they came, checked one by one, the genome's own first.
  public func fetchLineage(_ id: String, from peer: NodeKey, depth: Int = 256, maximum: Int = 4_096) async throws(SessionError) -> [[UInt8]] {
    guard let session = await node.session(with: peer) else { throw SessionError(.disconnected, "the peer is not connected") }
    var query = WireLineageQuery(), result: [[UInt8]] = []
    (query.genome, query.depth, query.maximum) = (Data(Hexadecimal.bytes(id.utf8) ?? []), UInt32(clamping: min(max(1, depth), 256)), 256)
    repeat {
      let reply = try await session.request(query, for: WireLineageReply.self)
      guard !reply.manifests.isEmpty || reply.cursor.isEmpty else { throw SessionError(.malformed, "a page of lineage is empty, and not the last") }
      for manifest in reply.manifests {
        guard let bytes = try? SignedManifest.serialized(manifest), (try? SignedManifest(bytes: bytes, name: "an ancestor")) != nil else {
          await punish(peer, 25)
          throw SessionError(.malformed, "a manifest of the lineage is not signed as it should be")
        }
        result.append(bytes)
      }
      guard reply.cursor != query.cursor else { break }
      query.cursor = reply.cursor
    } while !query.cursor.isEmpty && result.count < maximum
    return result
  }
}

/// A place in a reply about lineage: the higher generation goes first, then the lower id.
private struct LineageCursor: Comparable {
  var generation: UInt32
  var id: [UInt8]

  init(_ record: GenomeRecord) { (generation, id) = (UInt32(clamping: record.generation), Hexadecimal.bytes(record.id.utf8) ?? []) }

  /// Nil where the bytes are none.
  init?(_ bytes: Data) {
    guard bytes.count == 36 else { return nil }
    generation = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    id = Array(bytes.dropFirst(4))
  }

  init(last manifests: [WireSigned], in records: [GenomeRecord]) {
    let signature = manifests.last.map { [UInt8]($0.signature) }
    self = records.first { $0.signature == signature }.map { LineageCursor($0) } ?? LineageCursor(Data(repeating: 0, count: 36))!
  }

  var bytes: Data { Data((0..<4).map { UInt8(truncatingIfNeeded: generation >> (24 - 8 * UInt32($0))) } + id) }

  static func < (left: LineageCursor, right: LineageCursor) -> Bool {
    left.generation != right.generation ? left.generation > right.generation : left.id.lexicographicallyPrecedes(right.id)
  }
}
