public import CentramWire
internal import Foundation

/// The coordinator of a round, without I/O: frames, outcomes and the time go in, effects come out.
///
/// Keep `record` after each call and before the effects are carried out. A machine that is made from a kept record goes on where it was.
public struct RoundCoordinator: Sendable {
  public internal(set) var record: CoordinatorRecord
  public let announce: WireRoundAnnounce
  let key: SigningKey
  /// Who may take part; nil: everybody.
  let allowed: Set<NodeKey>?
  var said = SaidOnce()
  /// Checks and merges that are asked for and not answered: not kept, so they are asked for again after a restart.
  var checking: Set<UInt32> = []
  var isAggregating = false

  /// Begins a round.
  /// - Parameters:
  ///   - drawn: a random number, from which the steps' seeds are made.
  /// - Throws: `.configuration` where this node would not coordinate it.
  public init(_ announce: WireRoundAnnounce, key: SigningKey, drawn: UInt64, allowed: Set<NodeKey>? = nil) throws(RoundError) {
    try Self.check(announce, key.publicKey)
    do { record = CoordinatorRecord(announce: try announce.serializedData(), drawn: drawn) } catch { throw RoundError(.configuration, "the round cannot be announced: \(error)") }
    record.deadline = announce.joinByMs
    record.start = announce.plan.start
    (self.announce, self.key, self.allowed) = (announce, key, allowed)
  }

  /// Goes on with a round.
  public init(resuming record: CoordinatorRecord, key: SigningKey, allowed: Set<NodeKey>? = nil) throws(RoundError) {
    guard let announce = try? WireRoundAnnounce(serializedBytes: record.announce) else { throw RoundError(.storage, "the kept announcement of a round is damaged") }
    (self.record, self.announce, self.key, self.allowed) = (record, announce, key, allowed)
  }

  private static func check(_ announce: WireRoundAnnounce, _ own: NodeKey) throws(RoundError) {
    guard announce.coordinator.elementsEqual(own.bytes) else { throw RoundError(.configuration, "the round names another coordinator") }
    guard announce.minimumParticipants <= announce.maximumParticipants, announce.maximumParticipants <= RoundRules.maximumParticipants else {
      throw RoundError(
        .configuration,
        "a round of \(announce.minimumParticipants) to \(announce.maximumParticipants) participants; from 1 to \(RoundRules.maximumParticipants) are possible, the least first")
    }
    guard announce.plan.outerLearningRate > 0 else { throw RoundError(.configuration, "an outer learning rate of \(announce.plan.outerLearningRate) changes nothing; take 1") }
    guard announce.plan.outerMomentum < 1 else { throw RoundError(.configuration, "an outer momentum of \(announce.plan.outerMomentum) never dies away; take less than 1") }
  }

  var round: Data { announce.round }
  public var quorum: Int { RoundRules.quorum(participants: record.members.count, basisPoints: announce.quorumBps) }
  public var isOver: Bool { record.phase == .done || record.phase == .aborted }
  var everybody: [NodeKey] { record.members.map(\.node) }

  /// What is to be done at the beginning and after a restart.
  public mutating func resume(now: UInt64) -> [RoundEffect] {
    switch record.phase {
    case .joining: return key.publish(announce, now: now).map { [.announce($0)] } ?? []
    case .training, .voting, .done: return say(now)
    case .revealing: return say(now) + checks()
    case .aggregating: return aggregation()
    case .aborted: return key.publish(abortMessage, now: now).map { [.publish($0, to: everybody)] } ?? []
    }
  }

  /// The time has come to this. Call it when a deadline has passed, and now and then.
  public mutating func tick(now: UInt64) -> [RoundEffect] {
    switch record.phase {
    case .joining:
      guard now > record.deadline else { return key.publish(announce, now: now).map { [.announce($0)] } ?? [] }
      guard record.members.count >= Int(announce.minimumParticipants) else {
        return abort(.tooFew, "\(record.members.count) of at least \(announce.minimumParticipants) participants joined", now)
      }
      return begin(step: 1, now)
    case .training: return now > record.commitBy ? reveals(now) : []
    case .revealing: return now > record.deadline ? closeReveals(now) : []
    case .voting: return now > record.deadline ? noQuorum(now) : []
    case .aggregating, .done, .aborted: return []
    }
  }

  /// A frame came whose signature holds.
  public mutating func take(_ frame: Frame, now: UInt64) -> [RoundEffect] {
    guard let message = try? ReceivedRoundMessage(frame), message.round == round else { return [] }
    let sender = frame.header.sender
    if case .join(let join) = message { return self.join(join, from: sender, now) }
    guard let place = record.members.firstIndex(where: { $0.node == sender }) else { return [] }
    if case .status(let status) = message { return answer(status, from: place, now) }
    if case .abort = message { return leave(place, now) }
    guard message.step == record.step, !isOver else { return [] }
    switch message {
    case .commit, .reveal, .vote: break
    default: return []
    }
    if let proof = said.note(frame, step: record.step) { return [.accuse(proof)] }
    guard said.isConsistent(frame, step: record.step) else { return [] }
    switch message {
    case .commit(let commit): return self.commit(commit, frame, from: place, now)
    case .reveal(let reveal): return self.reveal(reveal, frame, from: place, now)
    case .vote(let vote): return self.vote(vote, frame, from: place, now)
    default: return []
    }
  }

  // MARK: Joining

  private mutating func join(_ join: WireRoundJoin, from sender: NodeKey, _ now: UInt64) -> [RoundEffect] {
    var welcome = WireRoundWelcome()
    (welcome.round, welcome.start) = (round, record.start)
    func refuse(_ reason: WireJoinRefusal, _ sentence: String) -> [RoundEffect] {
      (welcome.reason, welcome.message, welcome.participants) = (reason, sentence, UInt32(record.members.count))
      return [.send(.welcome(welcome), to: sender)]
    }
    if let member = record.members.first(where: { $0.node == sender }) {
      (welcome.accepted, welcome.participant, welcome.participants) = (true, member.index, UInt32(record.members.count))
      return [.send(.welcome(welcome), to: sender)]
    }
    let plan = announce.plan
    guard record.phase == .joining, now <= announce.joinByMs else { return refuse(.closed, "one could join until \(announce.joinByMs)") }
    guard allowed?.contains(sender) ?? true else { return refuse(.notAllowed, "this round is for certain nodes") }
    guard record.members.count < Int(announce.maximumParticipants) else { return refuse(.full, "\(announce.maximumParticipants) participants are there") }
    guard join.trainer == plan.trainer else { return refuse(.incompatible, "the round's trainer is \(plan.trainer.id) \(plan.trainer.version)") }
    guard join.profiles.contains(plan.profile) else { return refuse(.incompatible, "the round is computed in the profile \(plan.profile)") }
    guard plan.maximumEpsilon == 0 || join.remainingEpsilon > 0 else { return refuse(.incompatible, "the round asks for private training, and no budget is left") }
    let member = RoundMember(index: UInt32(record.members.count), key: Data(sender.bytes), domain: join.domain)
    record.members.append(member)
    (welcome.accepted, welcome.participant, welcome.participants) = (true, member.index, UInt32(record.members.count))
    let effects: [RoundEffect] = [.send(.welcome(welcome), to: sender)]
    return record.members.count == Int(announce.maximumParticipants) ? effects + begin(step: 1, now) : effects
  }

  mutating func begin(step: UInt32, _ now: UInt64) -> [RoundEffect] {
    record.step = step
    record.entries = record.members.enumerated().map { index, _ in
      var entry = CoordinatorRecord.Entry()
      entry.hasLeft = record.entries.indices.contains(index) && record.entries[index].hasLeft
      return entry
    }
    (record.phase, record.commitBy, record.proposal) = (.training, now + UInt64(announce.stepMs), nil)
    record.deadline = record.commitBy
    said.forget(before: step)
    (checking, isAggregating) = ([], false)
    return say(now)
  }

  // MARK: Ending

  var abortMessage: WireRoundAbort {
    var message = WireRoundAbort()
    (message.round, message.outerStep, message.message, message.lastResult) = (round, record.step, String(record.message.prefix(120)), record.lastResult)
    message.reason = WireRoundAbortReason(rawValue: record.abortReason) ?? .unspecified
    return message
  }

  /// Gives the round up. The last final aggregate stays good.
  public mutating func abort(_ reason: WireRoundAbortReason, _ sentence: String, _ now: UInt64) -> [RoundEffect] {
    guard !isOver else { return [] }
    (record.phase, record.abortReason, record.message, record.deadline) = (.aborted, reason.rawValue, sentence, 0)
    return (key.publish(abortMessage, now: now).map { [.publish($0, to: everybody)] } ?? []) + [.ended(lastResult, reason: reason, message: sentence)]
  }

  var lastResult: RoundResult? {
    guard let payload = record.lastFinal, let final = try? WireAggregateFinal(serializedBytes: payload) else { return nil }
    return RoundResult(step: final.outerStep, result: final.result, isLast: final.last)
  }

  /// Waits for a member no more, and tells it that its word came.
  private mutating func leave(_ place: Int, _ now: UInt64) -> [RoundEffect] {
    let member = record.members[place].node
    var answer = abortMessage
    if record.phase != .aborted { (answer.reason, answer.message) = (.leaving, "") }
    let effects: [RoundEffect] = [.send(.abort(answer), to: member)]
    if record.phase == .joining {
      // Its place is free again; indices are told anew when the first step begins.
      record.members.remove(at: place)
      for index in record.members.indices { record.members[index].index = UInt32(index) }
      return effects
    }
    guard !isOver, !record.entries[place].hasLeft else { return effects }
    record.entries[place].hasLeft = true
    return effects + proceed(now)
  }
}
