internal import CentramWire
internal import Foundation

extension RoundParticipant {
  /// Says again what others may not have, with a time that lets it be passed on.
  func repeated(_ now: UInt64) -> [RoundEffect] {
    var frames: [Frame?] = []
    switch record.phase {
    case .joining: return [.send(.join(joinMessage), to: coordinator)]
    case .done, .aborted: return []
    case .waiting, .training, .stepped: break
    case .committed: frames = [commitFrame(now)]
    case .revealed: frames = [commitFrame(now), revealFrame(now)]
    case .voted: frames = [commitFrame(now), revealFrame(now), voteFrame(now)]
    }
    return frames.compactMap { $0 }.map { .publish($0, to: everybody) } + [status(now)]
  }

  private var joinMessage: WireRoundJoin {
    var message = WireRoundJoin()
    (message.round, message.domain, message.examples, message.tokensPerSecond) = (round, offer.domain, offer.examples, offer.tokensPerSecond)
    (message.trainer, message.profiles, message.remainingEpsilon) = (offer.trainer, offer.profiles, offer.remainingEpsilon)
    return message
  }

  /// Where it stands; the coordinator answers with what it lacks.
  func status(_ now: UInt64) -> RoundEffect {
    var message = WireRoundStatus(), line = WireParticipantStatus()
    (message.round, message.outerStep, message.lastResult) = (round, record.step, record.lastResult)
    message.phase =
      switch record.phase {
      case .joining, .waiting: .joining
      case .training, .committed: .training
      case .revealed: .revealing
      case .voted: .voting
      case .stepped: .done
      case .done: .done
      case .aborted: .aborted
      }
    line.participant = record.index ?? 0
    (line.committed, line.revealed, line.voted) = (record.update != nil, record.phase == .revealed || record.phase == .voted, record.vote != nil)
    if let update = record.update { (line.localSteps, line.trainingLoss) = (update.localSteps, update.loss) }
    message.participants = [line] + seen
    return .send(.status(message), to: coordinator)
  }

  /// What is here of the others' commitments and reveals, as far as it is what the open proposal counts.
  private var seen: [WireParticipantStatus] {
    let proposal = record.vote == nil ? openProposal?.1 : nil
    return record.members.compactMap { member in
      var line = WireParticipantStatus()
      (line.participant, line.committed, line.revealed) = (member.index, commits[member.index] != nil, shown[member.index] != nil)
      guard member.node != own, line.committed || line.revealed else { return nil }
      let counts = proposal?.contributions.first { $0.participant == member.index && $0.weightBps > 0 }
      return counts.map { reveal(of: member, as: $0.update) == nil } ?? false ? nil : line
    }
  }

  mutating func train() -> [RoundEffect] {
    guard !isTraining, let index = record.index else { return [] }
    isTraining = true
    return [
      .train(
        RoundTraining(
          step: record.step, start: record.start, seed: RoundRules.localSeed(round: round, step: record.step, seed: record.seed, participant: index), participant: index))
    ]
  }

  /// The local steps are done.
  public mutating func trained(step: UInt32, _ outcome: Result<TrainedUpdate, RoundError>, now: UInt64) -> [RoundEffect] {
    guard step == record.step, record.phase == .training else { return [] }
    isTraining = false
    let made: TrainedUpdate
    switch outcome {
    case .failure(let error): return error.code == .cancelled ? [] : leave(.diverged, "the local steps failed: \(error.message)", now)
    case .success(let update): made = update
    }
    let privacy = try? made.privacy.map { try WireSigned($0, by: key, domain: .privacy).serializedData() }
    guard announce.plan.maximumEpsilon == 0 || privacy != nil else { return leave(.internal, "the local steps left no privacy record, and the round asks for one", now) }
    let commitment = RoundRules.commitment(round: round, step: step, key: own, salt: made.salt, update: made.hash)
    record.update = ParticipantRecord.Update(
      hash: made.hash, size: made.size, salt: made.salt, commitment: commitment, localSteps: made.localSteps, tokens: made.tokens, norm: made.norm, loss: made.loss,
      privacy: privacy)
    record.phase = .committed
    return (commitFrame(now).map { [.publish($0, to: everybody)] } ?? []) + reveal(now)
  }

  private func commitFrame(_ now: UInt64) -> Frame? {
    guard let update = record.update else { return nil }
    var message = WireUpdateCommit()
    (message.round, message.outerStep, message.commitment) = (round, record.step, update.commitment)
    (message.localSteps, message.tokens) = (update.localSteps, update.tokens)
    return key.publish(message, now: now)
  }

  private func revealFrame(_ now: UInt64) -> Frame? {
    guard let update = record.update else { return nil }
    var message = WireUpdateReveal()
    (message.round, message.outerStep, message.salt, message.update) = (round, record.step, update.salt, update.hash)
    (message.size, message.norm, message.trainingLoss) = (update.size, update.norm.isFinite ? update.norm : 0, update.loss.isFinite ? update.loss : 0)
    if let privacy = update.privacy.flatMap({ try? WireSigned(serializedBytes: $0) }) { message.privacy = privacy }
    return key.publish(message, now: now)
  }

  /// Shows the update, once nobody can copy it into a commitment any more: every commitment is here, or by this node's own clock and the coordinator's
  /// word their time is over.
  mutating func reveal(_ now: UInt64) -> [RoundEffect] {
    guard record.phase == .committed else { return [] }
    let areIn = record.members.allSatisfy { $0.node == own || commits[$0.index] != nil }
    guard areIn || (isRevealing && now > record.commitBy) else { return [] }
    record.phase = .revealed
    return (revealFrame(now).map { [.publish($0, to: everybody)] } ?? []) + compute(now)
  }

  mutating func acknowledge(_ message: WireUpdateAck, _ now: UInt64) -> [RoundEffect] {
    guard let update = record.update, message.participant == record.index else { return [] }
    if message.outcome == .taken, message.digest == update.hash { record.update?.isTaken = true }
    return []
  }
}
