internal import CentramWire
internal import Foundation

extension RoundService {
  func carryOut(_ job: Job) async {
    let round = job.round
    switch job.effect {
    case .announce(let frame): for (_, session) in await node.sessions() { try? await session.forward(frame) }
    case .publish(let frame, let keys):
      share(frame)
      for key in keys { await deliver(frame, of: job, to: key) }
    case .send(let message, let key): await send(message.wire, of: job, to: key)
    case .check(let update): scope.start { await self.check(update, of: round) }
    case .aggregate(let work): scope.start { await self.aggregate(work, of: round) }
    case .train(let work): train(work, of: round)
    case .recompute(let work, let proposal, let result): scope.start { await self.recompute(work, proposal, result, of: round) }
    case .accuse(let proof): await hooks.accused(proof)
    case .stepped(let result):
      shared.insert(result.result)
      if let announce = announce(of: round) { await hooks.stepped(announce, result) }
    case .ended(let result, _, let message):
      guard let announce = announce(of: round) else { return }
      await hooks.ended(announce, result, message)
      works[round] = nil
      coordinate(round) { machine in
        if machine.isOver { machine.record.isDelivered = true }
        return []
      }
    }
  }

  private func announce(of round: Data) -> WireRoundAnnounce? { coordinators[round]?.announce ?? participants[round]?.announce }

  /// What this node shows, others may fetch from it.
  private func share(_ frame: Frame) {
    if let reveal = try? frame.message(WireUpdateReveal.self) { shared.insert(reveal.update) }
    if let proposal = try? frame.message(WireAggregateProposal.self) { shared.insert(proposal.result) }
  }

  /// Where a node has both parts in a round, what the one says to the other stays here.
  private func deliver(_ frame: Frame, of job: Job, to key: NodeKey) async {
    if key == own { return give(frame, of: job.round, toCoordinator: !job.isCoordinators) }
    try? await node.session(with: key)?.forward(frame)
  }

  private func send(_ message: some WireMessage, of job: Job, to key: NodeKey) async {
    guard key == own else {
      _ = try? await node.session(with: key)?.send(message)
      return
    }
    if let frame = self.key.publish(message, now: now) { give(frame, of: job.round, toCoordinator: !job.isCoordinators) }
  }

  // MARK: Work

  func work(of round: Data) async throws(RoundError) -> any RoundWork {
    if let work = works[round] { return work }
    guard let announce = announce(of: round) else { throw RoundError(.notFound, "the round is not here") }
    let made = try await hooks.work(announce)
    works[round] = made
    return made
  }

  /// Brings a blob into the store, from whoever of these has it.
  func fetch(_ blob: Data, size: UInt64?, from keys: [NodeKey]) async throws(RoundError) {
    let fetch = BlobFetch(store: store) { [clock = node.clock] in clock.unixMilliseconds }
    var reason = "none of \(keys.count) nodes is connected"
    if store.hasBlob(Hexadecimal.text(blob)) { return }
    for key in keys where key != own {
      guard let session = await node.session(with: key) else { continue }
      do throws(BlobError) {
        _ = try await fetch.fetch(blob, size: size, maximum: RoundRules.maximumUpdate, from: session)
        return
      } catch {
        reason = error.message
        // Bytes of another hash are nobody's mistake.
        if error.code == .damaged { await node.misbehaved(key, 10) }
      }
    }
    throw RoundError(.unavailable, "\(Hexadecimal.text(blob)): \(reason)")
  }

  private func check(_ update: RoundUpdate, of round: Data) async {
    var refusal: String?
    do throws(RoundError) {
      try await fetch(update.hash, size: update.size, from: [update.from])
      shared.insert(update.hash)
      try await work(of: round).check(update.hash)
    } catch {
      // What could not be had may come yet; what is wrong stays wrong.
      guard error.code != .unavailable else {
        let now = now
        return await coordinateUntilKept(round) { $0.unavailable(step: update.step, participant: update.participant, now: now) }
      }
      refusal = error.message
    }
    let now = now, reason = refusal
    await coordinateUntilKept(round) { $0.checked(step: update.step, participant: update.participant, hash: update.hash, refusal: reason, now: now) }
  }

  private func aggregate(_ work: RoundAggregation, of round: Data) async {
    let outcome: Result<RoundAggregate, RoundError>
    do throws(RoundError) {
      let doing = try await self.work(of: round), refusals = try await doing.judge(work, except: nil)
      guard refusals.isEmpty else {
        for refusal in refusals { node.log(.info, "round \(Hexadecimal.text(round).prefix(8)): \(Hexadecimal.text(refusal.update).prefix(16)) is refused by \(refusal.sentence)") }
        let now = now
        return await coordinateUntilKept(round) { $0.refused(step: work.step, refusals, now: now) }
      }
      let made = try await doing.aggregate(work)
      shared.insert(made.hash)
      outcome = .success(made)
    } catch { outcome = .failure(error) }
    let now = now
    await coordinateUntilKept(round) { $0.aggregated(step: work.step, outcome, now: now) }
  }

  private func recompute(_ work: RoundAggregation, _ proposal: Data, _ result: Data, of round: Data) async {
    guard let coordinator = participants[round]?.coordinator else { return }
    let outcome: RoundParticipant.Recomputation
    do throws(RoundError) {
      if !work.start.isEmpty { try await fetch(work.start, size: nil, from: [coordinator]) }
      let doing = try await self.work(of: round)
      for part in work.parts {
        try await fetch(part.hash, size: part.size, from: [coordinator, part.from])
        try await doing.check(part.hash)
      }
      let refusals = try await doing.judge(work, except: own)
      for refusal in refusals { node.log(.info, "round \(Hexadecimal.text(round).prefix(8)): \(Hexadecimal.text(refusal.update).prefix(16)) is refused by \(refusal.sentence)") }
      // What this node's gate keeps out it does not vote for.
      if let refusal = refusals.first(where: { !$0.isLocal }) { throw RoundError(.update, refusal.sentence) }
      let made = try await doing.aggregate(work)
      if made.hash == result { shared.insert(result) }
      var lift = 0.0
      if made.hash == result {
        do throws(RoundError) { lift = try await doing.lift(result, from: work.start) } catch {
          node.log(.warning, "the vote on step \(work.step) says no lift, for none could be measured: \(error.message)")
        }
      }
      outcome = .computed(made.hash, lift: lift, remark: refusals.map(\.sentence).joined(separator: "; "))
    } catch {
      switch error.code {
      case .update: outcome = .refused(error.message)
      case .gate: outcome = .refused("this node's gate cannot judge: \(error.message)")
      default: outcome = .unavailable(error.message)
      }
    }
    if case .unavailable(let reason) = outcome { node.log(.debug, "an aggregate could not be computed yet: \(reason)") }
    let now = now
    await participateUntilKept(round) { $0.recomputed(step: work.step, proposal: proposal, outcome, now: now) }
  }

  private func train(_ work: RoundTraining, of round: Data) {
    // Where jobs waited long, the step may be over: its training would stand in the way of the next one's.
    guard trainings[round] == nil, let machine = participants[round], machine.record.step == work.step, machine.record.phase == .training else { return }
    let coordinator = machine.coordinator
    let stop = Signal()
    trainings[round] = stop
    scope.start {
      await withDiscardingTaskGroup { group in
        group.addTask {
          await self.train(work, of: round, coordinator, stop)
          stop.send()
        }
        await stop.wait()
        group.cancelAll()
      }
    }
  }

  private func train(_ work: RoundTraining, of round: Data, _ coordinator: NodeKey, _ stop: Signal) async {
    let outcome: Result<TrainedUpdate, RoundError>
    do throws(RoundError) {
      if !work.start.isEmpty { try await fetch(work.start, size: nil, from: [coordinator]) }
      let made = try await self.work(of: round).train(work)
      outcome = .success(
        TrainedUpdate(
          hash: made.hash, size: made.size, localSteps: made.localSteps, tokens: made.tokens, norm: made.norm, loss: made.loss,
          salt: Data(node.services.randomBytes(32)), privacy: made.privacy))
    } catch { outcome = .failure(Task.isCancelled || error.code == .unavailable ? RoundError(.cancelled, error.message) : error) }
    if trainings[round] === stop { trainings[round] = nil }
    let now = now
    await participateUntilKept(round) { $0.trained(step: work.step, outcome, now: now) }
  }
}
