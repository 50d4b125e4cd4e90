internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation

/// Revocations that the store has, each once.
struct KnownRevocations: Sendable {
  struct Entry: Sendable {
    let hash: [UInt8], signed: [UInt8], subject: String
    /// How often it was passed on before it came here.
    var hops: UInt32
  }
  /// In the order in which they came.
  private(set) var entries: [Entry] = []
  private var places: [[UInt8]: Int] = [:]

  var count: Int { entries.count }
  func has(_ hash: [UInt8]) -> Bool { places[hash] != nil }

  mutating func add(_ signed: [UInt8], subject: String, hops: UInt32) {
    let hash = CentramGenome.SHA256.digest(of: signed)
    guard places[hash] == nil else { return }
    places[hash] = entries.count
    entries.append(Entry(hash: hash, signed: signed, subject: subject, hops: hops))
  }
}

/// Revocations: told to everybody, each once over a connection, and taken from everybody.
extension GenomeExchange {
  static func message(_ signed: [UInt8], descendants: [String], hops: UInt32) -> WireGenomeRevoked {
    var message = WireGenomeRevoked()
    message.revocation = (try? WireSigned(serializedBytes: Data(signed))) ?? WireSigned()
    message.descendants = descendants.sorted().prefix(256).map { Data(Hexadecimal.bytes($0.utf8) ?? []) }
    message.hops = min(hops, maximumHops)
    return message
  }

  /// Takes note of revocations that the store has, also those that another process made.
  func refreshRevocations() async {
    guard let all = try? store.revocations() else { return }
    let before = revocations.count
    for entry in all where entry.scope == .genome { revocations.add(entry.signed, subject: entry.subject, hops: 0) }
    guard revocations.count > before else { return }
    catalogue.version += 1
    for entry in revocations.entries[before...] { await stopTransfer(entry.subject) }
    for peer in peers.keys.sorted() { offer(to: peer) }
  }

  /// Tells a peer what it was not told over this connection. How often it was passed on is no bound here: who comes late learns of everything.
  func tellRevocations(to peer: NodeKey) async {
    for entry in revocations.entries {
      guard let known = peers[peer], !known.toldRevocations.contains(entry.hash) else { continue }
      peers[peer]?.toldRevocations.insert(entry.hash)
      let descendants = (try? store.descendants(of: entry.subject)) ?? []
      guard (try? await known.session.send(Self.message(entry.signed, descendants: descendants, hops: entry.hops))) != nil else { return }
      counters.add(.revocationsSent)
    }
  }

  func take(_ message: WireGenomeRevoked, from peer: NodeKey) async throws(SessionError) {
    try await require(.revocationsPerPeerAndMinute, peer)
    counters.add(.revocationsReceived)
    let revocation: SignedRevocation
    do throws(GenomePackageError) {
      let bytes = try SignedManifest.serialized(message.revocation), hash = CentramGenome.SHA256.digest(of: bytes)
      peers[peer]?.toldRevocations.insert(hash)
      guard !revocations.has(hash) else { return }
      revocation = try SignedRevocation(bytes: bytes)
    } catch {
      counters.add(.malformed)
      await punish(peer, 25)
      throw SessionError(.refused, error.message)
    }
    if (try? store.genome(revocation.genome)) == nil, revocations.count >= settings[.revocationsKept] {
      counters.reached(.revocationsKept)
      throw SessionError(.limit, "revocationsKept is \(settings[.revocationsKept])")
    }
    let changed: [String]
    do throws(GenomePackageError) { changed = try library.receive(revocation) } catch {
      node.log(.error, "a revocation cannot be kept: \(error.message)")
      throw SessionError(.refused, "the revocation cannot be kept")
    }
    revocations.add(revocation.bytes, subject: revocation.genome, hops: message.hops + 1)
    catalogue.version += 1
    await stopTransfer(revocation.genome)
    for id in changed where id != revocation.genome { await tellAside(id) }
    if message.hops < Self.maximumHops { for other in peers.keys.sorted() where other != peer { offer(to: other) } }
    await hooks.onRevoked(changed, revocation)
    wakeStore()
  }

  private func stopTransfer(_ id: String) async {
    if let running = transfers[id], let running { await running.stop() }
    wanted[id] = nil
    waiting[id] = nil
    if transfers[id] == nil { store.discardPartials(of: id) }
  }

  /// A descendant was put aside.
  private func tellAside(_ id: String) async {
    guard let verdict = (try? store.verdicts(of: id))?.last(where: { $0.layer == GenomeStore.revocationLayer }) else { return }
    await tellQuarantine(id, verdict, until: nil, isLifted: false)
  }
}
