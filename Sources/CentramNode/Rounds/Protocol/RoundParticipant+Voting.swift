internal import CentramWire
public import Foundation

extension RoundParticipant {
  /// The coordinator proposes an aggregate.
  mutating func proposal(_ message: WireAggregateProposal, _ frame: Frame, _ now: UInt64) -> [RoundEffect] {
    guard record.vote == nil, record.proposal == nil, ![.waiting, .joining, .stepped].contains(record.phase) else { return [] }
    record.proposal = Data(frame.bytes)
    // Others should see what this one was told.
    return [.publish(frame, to: everybody.filter { $0 != coordinator })] + compute(now)
  }

  /// Computes the aggregate, once everything that it names was seen.
  mutating func compute(_ now: UInt64) -> [RoundEffect] {
    guard !isComputing, record.vote == nil, let (frame, proposal) = openProposal, now <= proposal.voteByMs else { return [] }
    if let refusal = refusal(of: proposal) { return vote(false, computed: Data(), lift: 0, refusal, for: frame, now) }
    var parts: [RoundAggregation.Part] = []
    for contribution in proposal.contributions where contribution.weightBps > 0 {
      switch evidence(for: contribution) {
      case .missing: return []
      case .broken(let reason): return vote(false, computed: Data(), lift: 0, reason, for: frame, now)
      case .holds(let part): parts.append(part)
      }
    }
    isComputing = true
    return [.recompute(RoundAggregation(step: record.step, start: record.start, parts: parts), proposal: RoundRules.hash(of: frame), result: proposal.result)]
  }

  var openProposal: (Frame, WireAggregateProposal)? {
    guard let bytes = record.proposal, let frame = try? Frame([UInt8](bytes)), let proposal = try? frame.message(WireAggregateProposal.self) else { return nil }
    return (frame, proposal)
  }

  /// What is wrong with a proposal by itself.
  private func refusal(of proposal: WireAggregateProposal) -> String? {
    guard proposal.start == record.start else { return "it starts from another aggregate than the step" }
    guard proposal.contributions.count == record.members.count, zip(proposal.contributions, record.members).allSatisfy({ $0.participant == $1.index }) else {
      return "it does not list the participants in order"
    }
    let counted = proposal.contributions.filter { $0.weightBps > 0 }
    guard counted.map(\.weightBps) == RoundRules.weights(counted.count), counted.count >= Int(announce.minimumParticipants) else {
      return "its weights are not equal shares of at least \(announce.minimumParticipants) updates"
    }
    guard counted.allSatisfy({ $0.update.count == 32 }) else { return "it weighs an update that it does not name" }
    // The coordinator's gate judges updates when all are there, so it may refuse one that was taken; its reason then stands in the proposal.
    if let update = record.update, update.isTaken, let own = proposal.contributions.first(where: { $0.participant == record.index }),
      own.weightBps > 0 ? own.update != update.hash : own.reason.isEmpty
    {
      return "it leaves out this participant's update, which was taken, and says no reason"
    }
    return nil
  }

  private enum Evidence { case missing, broken(String), holds(RoundAggregation.Part) }

  /// Whether a participant showed what the proposal counts as its update, and had committed to it.
  private func evidence(for contribution: WireContribution) -> Evidence {
    let member = record.members[Int(contribution.participant)]
    if member.node == own {
      guard let update = record.update, update.hash == contribution.update else { return .broken("it counts another update as this participant's") }
      return .holds(
        .init(hash: update.hash, size: update.size, weightBasisPoints: contribution.weightBps, from: own, domain: announce.plan.domain(of: member)))
    }
    // Where what was heard first is something else, either the member or the coordinator lies. The coordinator shows what it counts until there is a vote.
    guard let reveal = reveal(of: member, as: contribution.update) else { return .missing }
    guard reveal.size <= RoundRules.maximumUpdate else { return .broken("the update of participant \(member.index) is larger than \(RoundRules.maximumUpdate) bytes") }
    return .holds(
      .init(hash: reveal.update, size: reveal.size, weightBasisPoints: contribution.weightBps, from: member.node, domain: announce.plan.domain(of: member)))
  }

  /// What came of computing an aggregate.
  public enum Recomputation: Sendable, Equatable {
    /// With a remark for people, where there is one.
    case computed(Data, lift: Double, remark: String = "")
    /// Something could not be had yet.
    case unavailable(String)
    /// What it counts must not be counted.
    case refused(String)
  }

  public mutating func recomputed(step: UInt32, proposal hash: Data, _ outcome: Recomputation, now: UInt64) -> [RoundEffect] {
    guard step == record.step, record.vote == nil, let (frame, proposal) = openProposal, RoundRules.hash(of: frame) == hash else { return [] }
    isComputing = false
    switch outcome {
    case .unavailable: return []
    case .refused(let reason): return vote(false, computed: Data(), lift: 0, reason, for: frame, now)
    case .computed(let result, let lift, let remark):
      let isSame = result == proposal.result
      return vote(isSame, computed: result, lift: lift, isSame ? remark : "another aggregate was computed from the same updates", for: frame, now)
    }
  }

  private mutating func vote(_ accept: Bool, computed: Data, lift: Double, _ reason: String, for frame: Frame, _ now: UInt64) -> [RoundEffect] {
    var message = WireAggregateVote()
    (message.round, message.outerStep, message.proposal, message.accept) = (round, record.step, RoundRules.hash(of: frame), accept)
    (message.computed, message.lift, message.reason) = (computed, lift.isFinite ? lift : 0, reason.prefix(utf8: 512))
    guard let payload = try? message.serializedData() else { return [] }
    (record.vote, record.phase) = (payload, .voted)
    return voteFrame(now).map { [.publish($0, to: everybody)] } ?? []
  }

  func voteFrame(_ now: UInt64) -> Frame? {
    guard let payload = record.vote, let vote = try? WireAggregateVote(serializedBytes: payload) else { return nil }
    return key.publish(vote, now: now)
  }

  /// The coordinator says that an aggregate is final, and proves it.
  mutating func final(_ message: WireAggregateFinal, _ now: UInt64) -> [RoundEffect] {
    guard message.outerStep > record.lastStep, !record.members.isEmpty, message.last == (message.outerStep == announce.plan.outerSteps) else {
      guard message.outerStep == record.lastStep, record.lastStep > 0, message.result != record.lastResult else { return [] }
      return contradiction(message, now)
    }
    let check = FinalCheck(round: round, coordinator: coordinator, members: record.members, quorum: quorum)
    guard case .success(let (frame, proposal)) = check.verify(message) else { return [] }
    if message.outerStep == record.step, let proof = said.note(frame, step: record.step) {
      return [.accuse(proof)] + leave(.internal, "the coordinator proposed two aggregates in step \(record.step)", now)
    }
    // Who can check the step's beginning does.
    if message.outerStep == record.step, proposal.start != record.start { return [] }
    if message.outerStep == record.step, let payload = record.vote, let vote = try? WireAggregateVote(serializedBytes: payload),
      vote.proposal == RoundRules.hash(of: frame), !vote.computed.isEmpty, vote.computed != message.result
    {
      return leave(.diverged, "a quorum voted for another aggregate than this node computes", now)
    }
    guard let payload = try? message.serializedData() else { return [] }
    (record.lastFinal, record.lastStep, record.lastResult) = (payload, message.outerStep, message.result)
    (record.step, record.phase) = (message.outerStep, message.last ? .done : .stepped)
    let result = RoundResult(step: message.outerStep, result: message.result, isLast: message.last)
    return [.stepped(result)] + (message.last ? [.ended(result, reason: .unspecified, message: "")] : [])
  }

  /// Two finals of one step, both with a quorum.
  private mutating func contradiction(_ message: WireAggregateFinal, _ now: UInt64) -> [RoundEffect] {
    let check = FinalCheck(round: round, coordinator: coordinator, members: record.members, quorum: quorum)
    guard case .success(let (second, _)) = check.verify(message), let payload = record.lastFinal, let kept = try? WireAggregateFinal(serializedBytes: payload),
      let first = try? Frame([UInt8](kept.proposal))
    else { return [] }
    let sentence = "two proposals of step \(message.outerStep) that both have a quorum"
    return [.accuse(.round(.unspecified, of: coordinator, [first, second], sentence))] + leave(.internal, sentence, now)
  }
}
