public import CentramWire
internal import Foundation

/// A participant of a round, without I/O: frames, outcomes and the time go in, effects come out.
///
/// Keep `record` after each call and before the effects are carried out: then a participant that is killed makes no second commitment and no second vote.
public struct RoundParticipant: Sendable {
  /// What it says of itself when it joins.
  public struct Offer: Sendable {
    public var domain = ""
    public var examples: UInt64 = 0
    public var tokensPerSecond: UInt32 = 0
    public var trainer = WirePluginVersion()
    public var profiles: [String] = []
    public var remainingEpsilon = 0.0
    public init() {}
  }

  public internal(set) var record: ParticipantRecord
  public let announce: WireRoundAnnounce
  let key: SigningKey
  let offer: Offer
  var said = SaidOnce()
  /// Others' latest commitments and reveals in this step. Asked for again after a restart.
  var commits: [UInt32: Frame] = [:], shown: [UInt32: Frame] = [:]
  /// Of members that said two things: what goes with the proposal.
  var counted: [UInt32: CountedFrames] = [:]
  /// The coordinator said that commitments are over.
  var isRevealing = false
  var isTraining = false, isComputing = false
  var lastHeard: UInt64 = 0

  /// - Throws: `.configuration` where this node cannot take part.
  public init(_ announce: WireRoundAnnounce, offer: Offer, key: SigningKey, now: UInt64) throws(RoundError) {
    guard announce.plan.trainer == offer.trainer else {
      throw RoundError(.configuration, "the round trains with \(announce.plan.trainer.id) \(announce.plan.trainer.version), which is not here")
    }
    guard offer.profiles.contains(announce.plan.profile) else {
      throw RoundError(.configuration, "the round is computed in the profile \(announce.plan.profile), which is not here")
    }
    guard announce.maximumParticipants <= RoundRules.maximumParticipants else {
      throw RoundError(.configuration, "the round takes \(announce.maximumParticipants) participants; this node joins rounds of at most \(RoundRules.maximumParticipants)")
    }
    guard announce.plan.maximumEpsilon == 0 || offer.remainingEpsilon > 0 else {
      throw RoundError(.configuration, "the round asks for private training, and nothing is left of this node's privacy budget (gate.policy, gate.privacy, epsilon)")
    }
    do { record = ParticipantRecord(announce: try announce.serializedData(), domain: offer.domain) } catch {
      throw RoundError(.configuration, "the announcement cannot be kept: \(error)")
    }
    (self.announce, self.offer, self.key, lastHeard) = (announce, offer, key, now)
  }

  /// Goes on with a round.
  public init(resuming record: ParticipantRecord, offer: Offer, key: SigningKey, now: UInt64) throws(RoundError) {
    guard let announce = try? WireRoundAnnounce(serializedBytes: record.announce) else { throw RoundError(.storage, "the kept announcement of a round is damaged") }
    (self.record, self.announce, self.offer, self.key, lastHeard) = (record, announce, offer, key, now)
  }

  var round: Data { announce.round }
  public var coordinator: NodeKey { NodeKey(announce.coordinator) ?? .anyone }
  var own: NodeKey { key.publicKey }
  public var isOver: Bool { record.phase == .done || record.phase == .aborted }
  var quorum: Int { RoundRules.quorum(participants: record.members.count, basisPoints: announce.quorumBps) }
  /// Whom it publishes to: the coordinator, and the others where they are connected.
  var everybody: [NodeKey] { [coordinator] + record.members.map(\.node).filter { $0 != own && $0 != coordinator } }
  /// How long nobody may say anything before it leaves.
  var patience: UInt64 { UInt64(announce.stepMs) + UInt64(announce.revealMs) + UInt64(announce.voteMs) + 600_000 }

  /// What is to be done at the beginning and after a restart.
  public mutating func resume(now: UInt64) -> [RoundEffect] {
    lastHeard = now
    var effects = repeated(now) + farewell(now)
    if record.phase == .training { effects += train() }
    return effects
  }

  /// The time has come to this. Call it now and then: what was lost is said again.
  public mutating func tick(now: UInt64) -> [RoundEffect] {
    guard !isOver else { return farewell(now) }
    if record.phase == .joining, now > announce.joinByMs + 60_000 { return end("nobody answered until the round was closed", .internal) }
    if now > lastHeard + patience { return leave(.internal, "the coordinator has been silent for \(patience) ms", now) }
    return (record.phase == .training ? train() : []) + reveal(now) + repeated(now)
  }

  /// A frame came whose signature holds.
  public mutating func take(_ frame: Frame, now: UInt64) -> [RoundEffect] {
    guard let message = try? ReceivedRoundMessage(frame), message.round == round else { return [] }
    let sender = frame.header.sender
    if record.phase == .aborted {
      if case .abort = message, sender == coordinator { record.farewell = nil }
      return []
    }
    if record.phase == .done {
      if case .final(let final) = message { return self.final(final, now) }
      return []
    }
    if sender == coordinator { lastHeard = now }
    switch message {
    case .welcome(let welcome) where sender == coordinator: return self.welcome(welcome)
    case .final(let final) where sender == coordinator: return self.final(final, now)
    case .start(let start) where sender == coordinator:
      // Only of a step that can begin now, so that a coordinator's words do not pile up.
      if start.outerStep == record.step || start.outerStep == record.lastStep + 1, let proof = said.note(frame, step: start.outerStep) { return accuse(proof, now) }
      return begin(start, now)
    case .abort(let abort) where sender == coordinator: return end(abort.message, abort.reason)
    default: break
    }
    guard message.step == record.step, record.step > 0 else { return [] }
    switch message {
    case .status(let status) where sender == coordinator:
      guard status.phase == .revealing || status.phase == .aggregating || status.phase == .voting else { return [] }
      isRevealing = true
      return reveal(now)
    case .acknowledge(let acknowledgement) where sender == coordinator: return self.acknowledge(acknowledgement, now)
    case .proposal(let proposal) where sender == coordinator:
      if let proof = said.note(frame, step: record.step) { return accuse(proof, now) }
      return self.proposal(proposal, frame, now)
    case .commit, .reveal, .vote:
      guard let member = record.members.first(where: { $0.node == sender }), sender != own else { return [] }
      let proof = said.note(frame, step: record.step)
      guard said.isConsistent(frame, step: record.step) else {
        // Who is proven to say two things keeps to the first, but for what the coordinator heard in its place: nobody stops a round by telling others something else.
        reconsider(message, frame, of: member)
        return (proof.map { accuse($0, now) } ?? []) + compute(now)
      }
      if case .commit = message {
        commits[member.index] = frame
        return reveal(now)
      }
      if case .reveal = message { shown[member.index] = frame }
      return compute(now)
    default: return []
    }
  }

  private mutating func accuse(_ proof: WireMisbehaviourProof, _ now: UInt64) -> [RoundEffect] {
    guard proof.accused == announce.coordinator else { return [.accuse(proof)] }
    // Nothing that this coordinator says can be relied on.
    return [.accuse(proof)] + leave(.internal, "the coordinator said two different things", now)
  }

  // MARK: Joining

  private mutating func welcome(_ welcome: WireRoundWelcome) -> [RoundEffect] {
    guard record.phase == .joining else { return [] }
    guard welcome.accepted else { return end(welcome.message, .unspecified) }
    (record.index, record.phase) = (welcome.participant, .waiting)
    return []
  }

  private mutating func begin(_ start: WireRoundStart, _ now: UInt64) -> [RoundEffect] {
    guard start.outerStep > record.step, start.outerStep <= announce.plan.outerSteps else { return [] }
    let members = start.participants.map(RoundMember.init)
    guard record.members.isEmpty || record.members == members else { return leave(.internal, "the participants changed between two steps", now) }
    guard let own = members.first(where: { $0.node == self.own }), Set(members.map(\.key)).count == members.count,
      members.enumerated().allSatisfy({ $0.offset == Int($0.element.index) }), members.count <= Int(announce.maximumParticipants),
      members.count >= Int(announce.minimumParticipants)
    else { return [] }
    (record.members, record.index) = (members, own.index)
    // A step starts from the final aggregate of the one before. Who has not got it asks for it with its next status.
    guard start.start == (start.outerStep == 1 ? announce.plan.start : record.lastResult), record.lastStep + 1 == start.outerStep else { return [] }
    record.step = start.outerStep
    (record.start, record.seed, record.commitBy) = (start.start, start.seed, start.commitByMs)
    (record.update, record.vote, record.proposal, record.phase) = (nil, nil, nil, .training)
    said.forget(before: record.step)
    (commits, shown, counted, isRevealing, isTraining, isComputing) = ([:], [:], [:], false, false, false)
    return train()
  }

  // MARK: Ending

  /// Leaves the round, and says so.
  public mutating func leave(_ reason: WireRoundAbortReason, _ sentence: String, _ now: UInt64) -> [RoundEffect] {
    guard !isOver else { return [] }
    var message = WireRoundAbort()
    (message.round, message.outerStep, message.reason, message.message, message.lastResult) = (round, record.step, .leaving, String(sentence.prefix(120)), record.lastResult)
    record.farewell = try? message.serializedData()
    return [.send(.abort(message), to: coordinator)] + end(sentence, reason)
  }

  /// Says again that it left, until the coordinator has answered: it would be waited for until the step's end.
  private func farewell(_ now: UInt64) -> [RoundEffect] {
    guard let payload = record.farewell, now <= lastHeard + patience, let message = try? WireRoundAbort(serializedBytes: payload) else { return [] }
    return [.send(.abort(message), to: coordinator)]
  }

  mutating func end(_ sentence: String, _ reason: WireRoundAbortReason) -> [RoundEffect] {
    (record.phase, record.message) = (.aborted, sentence)
    return [.ended(lastResult, reason: reason, message: sentence)]
  }

  var lastResult: RoundResult? {
    record.lastStep == 0 ? nil : RoundResult(step: record.lastStep, result: record.lastResult, isLast: record.lastStep == announce.plan.outerSteps)
  }
}
