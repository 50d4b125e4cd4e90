internal import CentramWire
public import Foundation

extension RoundCoordinator {
  /// What everybody should know now.
  func say(_ now: UInt64) -> [RoundEffect] {
    var frames: [Frame?] = []
    if let final = finalMessage { frames.append(key.publish(final, now: now)) }
    switch record.phase {
    case .training, .revealing: frames.append(key.publish(startMessage, now: now))
    case .voting: frames += [key.publish(startMessage, now: now), record.proposal.flatMap { try? Frame([UInt8]($0)) }]
    default: break
    }
    let status: [RoundEffect] = isOver ? [] : everybody.map { .send(.status(statusMessage), to: $0) }
    return frames.compactMap { $0 }.map { .publish($0, to: everybody) } + status
  }

  var startMessage: WireRoundStart {
    var message = WireRoundStart()
    (message.round, message.outerStep, message.start, message.commitByMs) = (round, record.step, record.start, record.commitBy)
    message.participants = record.members.map(\.message)
    message.seed = RoundRules.stepSeed(round: round, step: record.step, drawn: record.drawn)
    return message
  }

  private var finalMessage: WireAggregateFinal? { record.lastFinal.flatMap { try? WireAggregateFinal(serializedBytes: $0) } }

  /// The latest commitments and reveals of others, without what a member says that it has.
  private func lacking(_ status: WireRoundStatus, _ place: Int) -> [Frame?] {
    let lines = Dictionary(status.participants.map { ($0.participant, $0) }) { first, _ in first }
    return zip(record.members, record.entries).flatMap { member, entry -> [Data?] in
      guard member.index != record.members[place].index else { return [] }
      let line = lines[member.index]
      return [line?.committed == true ? nil : entry.commit, line?.revealed == true ? nil : entry.reveal]
    }.map { $0.flatMap { try? Frame([UInt8]($0)) } }
  }

  var statusMessage: WireRoundStatus {
    var message = WireRoundStatus()
    (message.round, message.outerStep, message.phaseEndsMs, message.lastResult) = (round, record.step, record.deadline, record.lastResult)
    message.phase =
      switch record.phase {
      case .joining: .joining
      case .training: .training
      case .revealing: .revealing
      case .aggregating: .aggregating
      case .voting: .voting
      case .done: .done
      case .aborted: .aborted
      }
    message.participants = zip(record.members, record.entries).map { member, entry in
      var line = WireParticipantStatus()
      (line.participant, line.committed, line.revealed, line.voted) = (member.index, entry.isCommitted, entry.update != nil, entry.vote != nil)
      return line
    }
    return message
  }

  /// Gives a member what it lacks.
  func answer(_ status: WireRoundStatus, from place: Int, _ now: UInt64) -> [RoundEffect] {
    let member = record.members[place].node
    func publish(_ frames: [Frame?]) -> [RoundEffect] { frames.compactMap { $0 }.map { .publish($0, to: [member]) } }
    let line = status.participants.first { $0.participant == record.members[place].index }
    switch record.phase {
    case .joining: return []
    case .aborted: return [.send(.abort(abortMessage), to: member)]
    case .done: return publish([finalMessage.flatMap { key.publish($0, now: now) }])
    case .training, .revealing, .aggregating, .voting: break
    }
    guard status.outerStep == record.step else {
      return publish([finalMessage.flatMap { key.publish($0, now: now) }, key.publish(startMessage, now: now)])
    }
    var effects: [RoundEffect] = [.send(.status(statusMessage), to: member)]
    if line?.voted != true { effects += publish(lacking(status, place)) }
    if record.phase == .voting, record.entries[place].vote == nil { effects += publish([record.proposal.flatMap { try? Frame([UInt8]($0)) }]) }
    return effects
  }

  // MARK: Commitments

  func acknowledge(_ place: Int, _ digest: Data, _ outcome: WireUpdateOutcome, _ sentence: String = "", _ verdict: WireSigned? = nil) -> RoundEffect {
    var message = WireUpdateAck()
    (message.round, message.outerStep, message.participant, message.digest) = (round, record.step, record.members[place].index, digest)
    (message.outcome, message.message) = (outcome, sentence.prefix(utf8: 512))
    if let verdict { message.verdict = verdict }
    return .send(.acknowledge(message), to: record.members[place].node)
  }

  mutating func commit(_ message: WireUpdateCommit, _ frame: Frame, from place: Int, _ now: UInt64) -> [RoundEffect] {
    let entry = record.entries[place], member = record.members[place].node
    if let commitment = entry.commitment {
      guard commitment == message.commitment else { return [] }
      // The same again: its maker does not know that it came. Others ask for it with their status.
      record.entries[place].commit = Data(frame.bytes)
      return [acknowledge(place, commitment, .committed)]
    }
    guard record.phase == .training, now <= record.commitBy, !entry.hasLeft else {
      return [acknowledge(place, message.commitment, .late, "commitments were due at \(record.commitBy)")]
    }
    (record.entries[place].commitment, record.entries[place].commit) = (message.commitment, Data(frame.bytes))
    record.entries[place].outcome = WireUpdateOutcome.committed.rawValue
    return [acknowledge(place, message.commitment, .committed), .publish(frame, to: everybody.filter { $0 != member })] + proceed(now)
  }

  /// All commitments are in, or their time is over.
  mutating func reveals(_ now: UInt64) -> [RoundEffect] {
    let committed = record.entries.count(where: \.isCommitted)
    guard committed >= Int(announce.minimumParticipants) else {
      return abort(.tooFew, "\(committed) of at least \(announce.minimumParticipants) participants committed to an update", now)
    }
    // Where a commitment is missing, because somebody left, nobody shows an update before the time for commitments is over.
    let begin = committed == record.entries.count ? now : max(now, record.commitBy)
    (record.phase, record.deadline) = (.revealing, begin + UInt64(announce.revealMs))
    return everybody.map { .send(.status(statusMessage), to: $0) }
  }

  /// Goes on where nobody is waited for any more.
  mutating func proceed(_ now: UInt64) -> [RoundEffect] {
    switch record.phase {
    case .training: record.entries.allSatisfy { $0.isCommitted || $0.hasLeft } ? reveals(now) : []
    case .revealing: record.entries.allSatisfy(\.isSettled) ? closeReveals(now) : []
    case .voting: countVotes(now)
    case .joining, .aggregating, .done, .aborted: []
    }
  }

  // MARK: Reveals

  mutating func reveal(_ message: WireUpdateReveal, _ frame: Frame, from place: Int, _ now: UInt64) -> [RoundEffect] {
    let entry = record.entries[place], member = record.members[place]
    guard let commitment = entry.commitment, let commit = entry.commit else { return [acknowledge(place, message.update, .late, "no commitment came in time")] }
    guard RoundRules.commitment(round: round, step: record.step, key: member.node, salt: message.salt, update: message.update) == commitment else {
      guard entry.outcome == WireUpdateOutcome.committed.rawValue, entry.update == nil else { return [] }
      let sentence = "the update is not the one that was committed to"
      record.entries[place].outcome = WireUpdateOutcome.brokenCommitment.rawValue
      record.entries[place].reason = sentence
      let frames = [try? Frame([UInt8](commit)), frame].compactMap { $0 }
      return [acknowledge(place, message.update, .brokenCommitment, sentence), .accuse(.round(.brokenCommitment, of: member.node, frames, sentence))] + proceed(now)
    }
    if entry.update == message.update {
      record.entries[place].reveal = Data(frame.bytes)
      let outcome = WireUpdateOutcome(rawValue: entry.outcome) ?? .committed
      return outcome == .committed ? checks() : [acknowledge(place, message.update, outcome, entry.reason)]
    }
    guard record.phase == .training || record.phase == .revealing else { return [acknowledge(place, message.update, .late, "updates were due at \(record.deadline)")] }
    guard record.phase == .training || now <= record.deadline else { return [acknowledge(place, message.update, .late, "updates were due at \(record.deadline)")] }
    (record.entries[place].update, record.entries[place].size, record.entries[place].salt) = (message.update, message.size, message.salt)
    record.entries[place].reveal = Data(frame.bytes)
    if let refusal = refusal(of: message, by: member.node) { return settle(place, .refused, refusal, now) }
    return [.publish(frame, to: everybody.filter { $0 != member.node })] + checks()
  }

  /// What is wrong with an update before it is fetched.
  private func refusal(of message: WireUpdateReveal, by node: NodeKey) -> String? {
    if message.size > RoundRules.maximumUpdate { return "an update has at most \(RoundRules.maximumUpdate) bytes, not \(message.size)" }
    guard announce.plan.maximumEpsilon > 0 else { return nil }
    guard message.hasPrivacy, let (privacy, signer) = try? message.privacy.opened(WirePrivacyRecord.self, domain: .privacy), signer == node else {
      return "the round asks for a privacy record signed by the participant"
    }
    return PrivacyCheck(plan: announce.plan).refusal(privacy, of: message.update)
  }

  /// Asks for the checks of updates that are shown and not settled.
  mutating func checks() -> [RoundEffect] {
    var effects: [RoundEffect] = []
    for (member, entry) in zip(record.members, record.entries) {
      guard let update = entry.update, !entry.isSettled, checking.insert(member.index).inserted else { continue }
      effects.append(.check(RoundUpdate(step: record.step, participant: member.index, hash: update, size: entry.size, from: member.node)))
    }
    return effects
  }

  /// An update was fetched and checked.
  /// - Parameter refusal: why the gate does not take it; nil: it does.
  public mutating func checked(step: UInt32, participant: UInt32, hash: Data, refusal: String?, now: UInt64) -> [RoundEffect] {
    guard step == record.step, let place = record.members.firstIndex(where: { $0.index == participant }) else { return [] }
    checking.remove(participant)
    guard record.entries[place].update == hash, !record.entries[place].isSettled, record.phase == .training || record.phase == .revealing else { return [] }
    return settle(place, refusal == nil ? .taken : .refused, refusal ?? "", now)
  }

  /// An update could not be fetched; it is asked for again when its participant shows it again.
  mutating func unavailable(step: UInt32, participant: UInt32, now: UInt64) -> [RoundEffect] {
    if step == record.step { checking.remove(participant) }
    return []
  }

  private mutating func settle(_ place: Int, _ outcome: WireUpdateOutcome, _ sentence: String, _ now: UInt64) -> [RoundEffect] {
    (record.entries[place].outcome, record.entries[place].reason) = (outcome.rawValue, sentence)
    return [acknowledge(place, record.entries[place].update ?? Data(count: 32), outcome, sentence)] + proceed(now)
  }
}
