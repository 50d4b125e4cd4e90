internal import CentramStore
internal import CentramWire
internal import Foundation

/// From a genome that is wanted to one that is in the store.
extension GenomeExchange {
  private enum Answer {
    case manifest(TransferManifest, from: NodeKey)
    case nobody
    /// A quota of the day is used up.
    case notToday
  }

  func fetch(_ id: String) async {
    counters.add(.transfersBegun)
    switch await manifest(of: id) {
    case .nobody:
      transfers[id] = nil
      again(id)
    case .notToday:
      transfers[id] = nil
      wanted[id]?.notBefore = node.clock.monotonicNanoseconds + Self.quotaPause
    case .manifest(let manifest, let peer):
      hooks.reached(.manifestChecked)
      if await refuses(manifest, from: peer) {
        wanted[id] = nil
        transfers[id] = nil
      } else {
        await fetch(manifest, first: peer)
      }
    }
    startTransfers()
    startJudging()
  }

  /// Asks one peer after the other.
  private func manifest(of id: String) async -> Answer {
    var isOverQuota = false
    for peer in wanted[id]?.sources ?? [] {
      guard let session = await node.session(with: peer) else { continue }
      if let size = wanted[id]?.summary.size, let limit = quota.limit(receiving: Int(clamping: size), from: peer, settings) {
        counters.reached(limit)
        isOverQuota = true
        continue
      }
      var want = WireGenomeWant()
      (want.genomes, want.maximumChunk) = ([Data(Hexadecimal.bytes(id.utf8) ?? [])], UInt32(Self.maximumChunk))
      counters.add(.wantsSent)
      guard let frame = try? await session.requestFrame(want, milliseconds: settings[.chunkMilliseconds]) else { continue }
      hooks.reached(.manifestReceived)
      if frame.type == .genomeDecline, let decline = try? frame.message(WireGenomeDecline.self) {
        counters.add(.declinesReceived)
        if decline.retryAfterMs == 0 { wanted[id]?.sources.removeAll { $0 == peer } }
        continue
      }
      do {
        let message = try frame.message(WireGenomeManifest.self)
        counters.add(.manifestsReceived)
        return .manifest(try TransferManifest(message, expecting: id), from: peer)
      } catch {
        counters.add(.manifestsRefused)
        wanted[id]?.sources.removeAll { $0 == peer }
        await abort(id, peer, .badManifest, "\(error)")
        await punish(peer, 25)
      }
    }
    return isOverQuota ? .notToday : .nobody
  }

  /// Nanoseconds until a genome that a quota held up is looked at again.
  private static let quotaPause: UInt64 = 600_000_000_000

  static let maximumChunk = 1 << 20

  /// What the manifest says counts, not what the offer said.
  private func refuses(_ manifest: TransferManifest, from peer: NodeKey) async -> Bool {
    let signed = manifest.signed.manifest
    let summary = OfferCatalogue.summary(manifest.signed.record(.received, now: 0), license: signed.license, lift: OfferCatalogue.claimedLift(signed), rank: 0)
    if let refusal = settings.want.refusal(of: summary, bases: hooks.bases?()) {
      await decline(manifest.id, refusal.reason, refusal.sentence, to: peer)
      return true
    }
    if let limit = quota.limit(receiving: manifest.size, from: peer, settings) {
      counters.reached(limit)
      await decline(manifest.id, .busy, "\(limit.rawValue) is \(settings[limit])", to: peer)
      return true
    }
    guard store.partialBytes() + manifest.size <= settings[.partialBytes] else {
      counters.reached(.partialBytes)
      await decline(manifest.id, .busy, "partialBytes is \(settings[.partialBytes])", to: peer)
      return true
    }
    return false
  }

  private func fetch(_ manifest: TransferManifest, first: NodeKey) async {
    let id = manifest.id, transfer: GenomeTransfer
    do throws(StoreError) {
      let opened = try await OpenedPartials.open(manifest, in: store)
      counters.add(.chunksResumed, opened.resumed)
      let (node, settings, counters, quota, scope, reached) = (node, settings, counters, quota, scope, hooks.reached)
      transfer = GenomeTransfer(manifest, opened, .init(node: node, settings: settings, counters: counters, quota: quota, scope: scope, reached: reached))
    } catch { return await failed(id, first, error) }
    hooks.reached(.partialsOpened)
    transfers[id] = .some(transfer)
    for peer in [first] + (wanted[id]?.sources ?? []) { await transfer.join(peer) }
    let (end, partials) = await transfer.run()
    switch end {
    case .whole: await keep(transfer, partials, first: first)
    case .noSource:
      counters.add(.transfersSuspended)
      let bad = await transfer.dropped
      wanted[id]?.sources.removeAll { bad.contains($0) }
      transfers[id] = nil
      again(id)
    case .storage(let error): await failed(id, first, error)
    case .stopped:
      for peer in await transfer.shares.keys.sorted() { await transfer.abort(peer, .cancelled, "the genome is not wanted any more") }
      transfers[id] = nil
    }
  }

  private func failed(_ id: String, _ peer: NodeKey, _ error: StoreError) async {
    node.log(.warning, "\(id.prefix(16)) cannot be kept: \(error.message)")
    if error.code == .full { await abort(id, peer, .noSpace, "there is no room for it here") }
    transfers[id] = nil
    again(id)
  }

  /// Makes the files and the record durable, and tells who gave them.
  private func keep(_ transfer: GenomeTransfer, _ partials: [PartialBlob?], first: NodeKey) async {
    let manifest = transfer.manifest, id = manifest.id, now = nowMilliseconds
    hooks.reached(.chunksComplete)
    let outcome: AddOutcome
    do throws(StoreError) {
      for (file, partial) in zip(manifest.files, partials) {
        guard let partial else { continue }
        do throws(StoreError) { _ = try store.keep(partial, expecting: file.sha256, now: now) } catch {
          guard error.code == .damaged else { throw error }
          return await refuseForGood(manifest, first, "\(file.name): \(error.message); its chunks are as signed, so the author signed two things")
        }
      }
      hooks.reached(.filesKept)
      outcome = try store.add(manifest.signed.record(.received, now: now), signed: manifest.signed.bytes)
    } catch { return await failed(id, first, error) }
    hooks.reached(.genomeStored)
    // Without them they are made of the files when somebody asks for the genome.
    try? store.remember(manifest.chunkLists)
    counters.add(.transfersCompleted)
    quota.didReceiveGenome(from: first)
    keepState()
    let shares = await transfer.shares, elapsed = (node.clock.monotonicNanoseconds - transfer.begun) / 1_000_000
    let sources = Set(shares.keys).union([first]).union(wanted[id]?.sources ?? [])
    (wanted[id], transfers[id]) = (nil, nil)
    for peer in Set(shares.keys).union([first]).sorted() {
      var message = WireTransferComplete()
      message.genome = Data(Hexadecimal.bytes(id.utf8) ?? [])
      (message.bytesReceived, message.chunksReceived) = (UInt64(shares[peer]?.bytes ?? 0), UInt32(clamping: min(shares[peer]?.chunks ?? 0, 1 << 20)))
      message.elapsedMs = UInt32(clamping: min(elapsed, 604_800_000))
      await tell(peer, message)
    }
    hooks.reached(.completionSent)
    if case .fork = outcome { await proveFork(of: manifest.signed.manifest.author) }
    if (try? store.genome(id))?.state == .received {
      waiting[id] = JudgementCandidate(author: manifest.signed.manifest.author, sequence: UInt64(manifest.signed.manifest.sequence), sources: sources)
    }
    wakeStore()
  }

  /// Files that do not have the hash which the manifest names, though every chunk is as signed: no peer can ever give others.
  private func refuseForGood(_ manifest: TransferManifest, _ peer: NodeKey, _ reason: String) async {
    let id = manifest.id, now = nowMilliseconds
    counters.add(.genomesRejected)
    _ = try? store.add(manifest.signed.record(.received, now: now), signed: manifest.signed.bytes, requiringFiles: false)
    let verdict = VerdictRecord(
      genome: id, direction: .inbound, layer: Self.layer, layerVersion: "1", decision: .reject, reason: reason.prefix(utf8: 1024), timeMilliseconds: now)
    try? store.decide(id, .rejected, verdicts: [verdict], advancesLog: false, now: now)
    (wanted[id], transfers[id]) = (nil, nil)
    await abort(id, peer, .badManifest, reason)
  }

  /// The layer that stands in verdicts of the exchange itself.
  static let layer = "exchange"

  func abort(_ id: String, _ peer: NodeKey, _ reason: WireAbortReason, _ sentence: String) async {
    counters.add(.transfersAborted)
    var message = WireTransferAbort()
    (message.genome, message.reason, message.message) = (Data(Hexadecimal.bytes(id.utf8) ?? []), reason, sentence.prefix(utf8: 512))
    message.resumable = reason == .noSpace
    await tell(peer, message)
  }
}
