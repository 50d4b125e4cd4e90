internal import CentramStore
internal import CentramWire
internal import Foundation

/// What is offered to peers.
extension GenomeExchange {
  /// Looks at what the store has now: what may leave, what was revoked, what is to be judged again.
  func refresh() async {
    do throws(StoreError) {
      let mark = try store.changeMark()
      if mark != catalogue.mark {
        catalogue.mark = mark
        try await refreshCatalogue()
        await refreshRevocations()
      }
    } catch { node.log(.error, "the genome store cannot be read: \(error.message)") }
    retryQuarantined()
    keepState()
    startTransfers()
  }

  private func refreshCatalogue() async throws(StoreError) {
    let most = settings[.offeredGenomes]
    let records = try store.genomes(state: .own, limit: most + 1) + store.genomes(state: .accepted, limit: most + 1)
    if records.count > most { counters.reached(.offeredGenomes) }
    var entries: [OfferCatalogue.Entry] = []
    for record in records.sorted(by: { ($1.madeMilliseconds, $0.id) < ($0.madeMilliseconds, $1.id) }).prefix(most) {
      if let known = catalogue[record.id] {
        entries.append(known)
      } else if settings.offer.isEnabled, await mayLeave(record), let entry = entry(record) {
        entries.append(entry)
      }
    }
    catalogue.replace(entries)
  }

  /// Whether the outbound gate let it through, once and for all; asks it where it was not asked.
  private func mayLeave(_ record: GenomeRecord) async -> Bool {
    guard !catalogue.refused.contains(record.id), store.hasFiles(record) else { return false }
    // The first refusal stops a gate, so its last verdict is what it said.
    switch (try? store.verdicts(of: record.id))?.last(where: { $0.direction == .outbound })?.decision {
    case .accept, .scale: return true
    default: break
    }
    do throws(GateError) {
      if try await judge.judge(record.id, .outbound).isAccepted { return true }
      catalogue.refused.insert(record.id)
    } catch {
      counters.add(.judgementsFailed)
      catalogue.mark = []
      node.log(.warning, "\(record.id.prefix(16)) is not offered: \(error.message)")
    }
    return false
  }

  private func entry(_ record: GenomeRecord) -> OfferCatalogue.Entry? {
    guard let signed = try? SignedManifest(record) else { return nil }
    var lift = OfferCatalogue.claimedLift(signed.manifest)
    // Of another's what this node measured, in the place of what the author says of itself.
    if record.author != library.author, let measured = (try? store.metrics(of: record.id))?[OfferCatalogue.releasedLift] { lift = measured }
    return .init(record: record, summary: OfferCatalogue.summary(record, license: signed.manifest.license, lift: lift, rank: rank(record)))
  }

  private func rank(_ record: GenomeRecord) -> Int {
    guard let file = record.files.first(where: { $0.name == "adapter_config.json" }), file.size <= 1 << 20, let bytes = try? store.read(file.hash) else { return 0 }
    struct Configuration: Decodable { let r: Int? }
    return max(0, (try? JSONDecoder().decode(Configuration.self, from: Data(bytes)))?.r ?? 0)
  }

  /// Whether a peer may have a genome.
  func mayHave(_ entry: OfferCatalogue.Entry, _ peer: NodeKey) -> Bool {
    settings.offer.allows(peer) && settings.offer.allows(domain: entry.summary.domain, lift: entry.summary.claimedLift)
  }

  // MARK: Pages

  /// Brings a peer up to date: revocations and proofs first, then offers, page after page.
  func offer(to peer: NodeKey) {
    guard let known = peers[peer], known.version != catalogue.version else { return }
    guard !known.isOffering else {
      peers[peer]?.offersAgain = true
      return
    }
    peers[peer]?.isOffering = true
    scope.start { await self.sendOffers(to: peer) }
  }

  private func sendOffers(to peer: NodeKey) async {
    guard let connection = peers[peer]?.connection, let session = peers[peer]?.session else { return }
    await session.waitForCapabilities()
    repeat {
      if peers[peer]?.connection == connection {
        peers[peer]?.offersAgain = false
        peers[peer]?.version = catalogue.version
      }
      await tellRevocations(to: peer)
      await tellProofs(to: peer)
      while peers[peer]?.connection == connection, !Task.isCancelled {
        let page = await nextPage(for: peer)
        guard !page.genomes.isEmpty else { break }
        for genome in page.genomes { peers[peer]?.offered.insert(Hexadecimal.text(genome.genome)) }
        guard (try? await session.send(page)) != nil else { break }
        counters.add(.offersSent)
        counters.add(.genomesOffered, page.genomes.count)
        await statePrivacy(of: page.genomes, to: peer)
        guard page.more, (try? await node.clock.sleep(milliseconds: settings[.offerPauseMilliseconds])) != nil else { break }
      }
    } while peers[peer]?.connection == connection && peers[peer]?.offersAgain == true && !Task.isCancelled
    if peers[peer]?.connection == connection { peers[peer]?.isOffering = false }
  }

  /// The newest genomes that the peer was not offered over this connection and may want.
  private func nextPage(for peer: NodeKey) async -> WireGenomeOffer {
    var page = WireGenomeOffer()
    guard let known = peers[peer], settings.offer.allows(peer) else { return page }
    // A peer that names the models it holds runs no others.
    let held = Set(await known.session.capabilities?.models.filter { $0.endLayer == 0 }.map(\.model) ?? [])
    let memory = memories[peer] ?? PeerMemory(), now = nowMilliseconds
    for entry in catalogue.entries where !known.offered.contains(entry.id) && !memory.has.contains(entry.id) && mayHave(entry, peer) {
      guard held.isEmpty || held.contains(entry.summary.base), memory.declined[entry.id].map({ $0 <= now }) ?? true else { continue }
      guard page.genomes.count < min(256, settings[.offerGenomes]) else {
        counters.reached(.offerGenomes)
        page.more = true
        break
      }
      page.genomes.append(entry.summary)
    }
    return page
  }
}
