internal import CentramStore
internal import CentramWire
internal import Foundation

/// What the gate says of genomes that came, and whom it is told.
extension GenomeExchange {
  /// One at a time, each author's in the order of its log.
  func startJudging() {
    guard !isJudging, nextCandidate() != nil else { return }
    isJudging = true
    scope.start { await self.judgeAll() }
  }

  private func judgeAll() async {
    while !Task.isCancelled, let id = nextCandidate(), let candidate = waiting.removeValue(forKey: id) { await judge(id, candidate) }
    isJudging = false
    keepState()
  }

  /// An earlier genome of the same author that is on its way goes first, for a log is judged in its order.
  private func nextCandidate() -> String? {
    let underway = transfers.keys.compactMap { wanted[$0]?.summary }
    return waiting.filter { _, candidate in
      !underway.contains { $0.authorSequence < candidate.sequence && Hexadecimal.text($0.author) == candidate.author }
    }.min { ($0.value.sequence, $0.key) < ($1.value.sequence, $1.key) }?.key
  }

  private func judge(_ id: String, _ candidate: JudgementCandidate) async {
    guard let record = try? store.genome(id), record.state == .received || record.state == .quarantined, store.hasFiles(record) else { return }
    let report: GateReport
    do throws(GateError) { report = try await judge.judge(id, .inbound) } catch {
      counters.add(.judgementsFailed)
      node.log(.error, "\(id.prefix(16)) was not judged: \(error.message)")
      return judgeLater(id, candidate)
    }
    hooks.reached(.judged)
    let verdicts = report.verdicts.map { VerdictRecord($0) }, now = nowMilliseconds
    let whole = VerdictRecord.whole(verdicts) ?? VerdictRecord(genome: id, direction: .inbound, layer: "", layerVersion: "", decision: .reject, timeMilliseconds: now)
    switch report.outcome {
    case .accepted:
      counters.add(.genomesAccepted)
      let wasAside = record.state == .quarantined
      quarantine.remove(id)
      await hooks.onAccepted(id, report)
      hooks.reached(.hookCalled)
      for peer in candidate.sources.sorted() { await tellAccepted(id, whole, to: peer) }
      await notice(whole, except: candidate.sources)
      if wasAside { await tellQuarantine(id, whole, until: nil, isLifted: true) }
      await hastenThoseThatWait(for: record)
      wakeStore()
    case .quarantined(let layer, let reason):
      counters.add(.genomesQuarantined)
      let wait = quarantine.postpone(id, now: now, settings, counters)
      scheduleRetry(wait)
      for peer in candidate.sources.sorted() { await tellRejected(id, verdicts.last ?? whole, layer, reason, wait: wait ?? 0, isQuarantined: true, to: peer) }
      await tellQuarantine(id, verdicts.last ?? whole, until: wait.map { now + $0 }, isLifted: false)
    case .rejected(let layer, let reason):
      counters.add(.genomesRejected)
      quarantine.remove(id)
      for peer in candidate.sources.sorted() { await tellRejected(id, verdicts.last ?? whole, layer, reason, wait: 0, isQuarantined: false, to: peer) }
      await notice(whole, except: candidate.sources)
      wakeStore()
    }
    hooks.reached(.verdictSent)
  }

  private func tellAccepted(_ id: String, _ whole: VerdictRecord, to peer: NodeKey) async {
    guard let verdict = signed(whole) else { return }
    var message = WireGenomeAccepted()
    (message.genome, message.verdict) = (Data(Hexadecimal.bytes(id.utf8) ?? []), verdict)
    await tell(peer, message)
  }

  private func tellRejected(_ id: String, _ verdict: VerdictRecord, _ layer: String, _ reason: String, wait: Int64, isQuarantined: Bool, to peer: NodeKey) async {
    guard let signed = signed(verdict) else { return }
    var message = WireGenomeRejected()
    (message.genome, message.verdict) = (Data(Hexadecimal.bytes(id.utf8) ?? []), signed)
    // A gate without a layer for the direction names none, and a missing layer has no version.
    (message.layer, message.layerVersion) = (layer.isEmpty ? "gate" : layer.prefix(utf8: 128), verdict.layerVersion.isEmpty ? "-" : verdict.layerVersion.prefix(utf8: 64))
    (message.message, message.quarantined) = (reason.prefix(utf8: 1024), isQuarantined)
    message.retryAfterMs = UInt32(clamping: min(wait, 604_800_000))
    await tell(peer, message)
  }

  // MARK: Again

  /// Judges those in quarantine again whose time has come.
  func retryQuarantined() {
    for id in quarantine.due(nowMilliseconds) where waiting[id] == nil {
      guard let record = try? store.genome(id), record.state == .quarantined, store.hasFiles(record), !isAsideForAnAncestor(id) else {
        quarantine.remove(id)
        continue
      }
      counters.add(.retries)
      let sources = Set(memories.filter { peers[$0.key] != nil && $0.value.has.contains(id) }.keys)
      waiting[id] = JudgementCandidate(author: record.author, sequence: record.sequence, sources: sources)
    }
    startJudging()
  }

  /// Time does not bring back an ancestor that was revoked.
  private func isAsideForAnAncestor(_ id: String) -> Bool { (try? store.verdicts(of: id))?.last { $0.direction == .inbound }?.layer == GenomeStore.revocationLayer }

  /// What stopped the gate was no fault of the genome.
  private func judgeLater(_ id: String, _ candidate: JudgementCandidate) {
    scope.start {
      guard (try? await self.node.clock.sleep(milliseconds: 60_000)) != nil else { return }
      await self.judgeAgain(id, candidate)
    }
  }

  private func judgeAgain(_ id: String, _ candidate: JudgementCandidate) {
    waiting[id] = candidate
    startJudging()
  }

  private func scheduleRetry(_ wait: Int64?) {
    guard let wait else { return }
    scope.start {
      guard (try? await self.node.clock.sleep(milliseconds: Int(wait))) != nil else { return }
      await self.retryQuarantined()
    }
  }

  /// The entry after it in its author's log, and its children, may have waited for it.
  private func hastenThoseThatWait(for record: GenomeRecord) async {
    guard !quarantine.isEmpty else { return }
    for other in (try? store.genomes(state: .quarantined, limit: QuarantineSchedule.most)) ?? []
    where (other.author == record.author && other.previous == record.id) || other.parents.contains(where: { $0.id == record.id }) {
      quarantine.hasten(other.id, now: nowMilliseconds)
    }
    retryQuarantined()
  }
}
