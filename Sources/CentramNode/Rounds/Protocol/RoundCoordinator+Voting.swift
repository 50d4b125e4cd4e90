internal import CentramWire
internal import Foundation

extension RoundCoordinator {
  /// The updates are in, or their time is over.
  mutating func closeReveals(_ now: UInt64) -> [RoundEffect] {
    for place in record.entries.indices where record.entries[place].isCommitted && !record.entries[place].isSettled {
      (record.entries[place].outcome, record.entries[place].reason) = (WireUpdateOutcome.late.rawValue, "the update did not come in time")
    }
    (record.phase, record.deadline) = (.aggregating, 0)
    return merge(now)
  }

  /// Has what was taken merged, where it is enough.
  private mutating func merge(_ now: UInt64) -> [RoundEffect] {
    let taken = record.entries.count(where: \.isTaken)
    guard taken >= Int(announce.minimumParticipants) else {
      return abort(.tooFew, "\(taken) of at least \(announce.minimumParticipants) updates were taken", now)
    }
    return aggregation()
  }

  /// Members whose updates count, with their weights.
  private var contributions: [WireContribution] {
    var weights = RoundRules.weights(record.entries.count(where: \.isTaken))[...]
    return zip(record.members, record.entries).map { member, entry in
      var contribution = WireContribution()
      contribution.participant = member.index
      if entry.isTaken, let update = entry.update {
        (contribution.update, contribution.weightBps) = (update, weights.removeFirst())
      } else {
        contribution.reason = (entry.hasLeft ? "it left" : entry.isCommitted ? entry.reason : "no commitment came in time").prefix(utf8: 256)
      }
      return contribution
    }
  }

  mutating func aggregation() -> [RoundEffect] {
    guard !isAggregating else { return [] }
    isAggregating = true
    let parts = zip(contributions, zip(record.members, record.entries)).filter { $0.0.weightBps > 0 }.map { contribution, place in
      RoundAggregation.Part(
        hash: contribution.update, size: place.1.size, weightBasisPoints: contribution.weightBps, from: place.0.node, domain: announce.plan.domain(of: place.0))
    }
    return [.aggregate(RoundAggregation(step: record.step, start: record.start, parts: parts))]
  }

  /// The gate does not let some of the updates in. They are left out, and what is left is judged and merged anew.
  public mutating func refused(step: UInt32, _ refusals: [RoundRefusal], now: UInt64) -> [RoundEffect] {
    guard step == record.step, record.phase == .aggregating else { return [] }
    isAggregating = false
    var effects: [RoundEffect] = []
    for refusal in refusals {
      for place in record.entries.indices where record.entries[place].isTaken && record.entries[place].update == refusal.update {
        (record.entries[place].outcome, record.entries[place].reason) = (WireUpdateOutcome.refused.rawValue, refusal.sentence)
        effects.append(acknowledge(place, refusal.update, .refused, refusal.sentence, refusal.verdict))
      }
    }
    return effects + merge(now)
  }

  /// The merge that was asked for is done.
  public mutating func aggregated(step: UInt32, _ outcome: Result<RoundAggregate, RoundError>, now: UInt64) -> [RoundEffect] {
    guard step == record.step, record.phase == .aggregating else { return [] }
    isAggregating = false
    let aggregate: RoundAggregate
    switch outcome {
    case .failure(let error): return abort(.internal, "the updates could not be merged: \(error.message)", now)
    case .success(let made): aggregate = made
    }
    var message = WireAggregateProposal()
    (message.round, message.outerStep, message.result, message.size) = (round, record.step, aggregate.hash, aggregate.size)
    (message.contributions, message.start, message.norm) = (contributions, record.start, aggregate.norm)
    message.voteByMs = now + UInt64(announce.voteMs)
    guard let frame = key.publish(message, now: now) else { return abort(.internal, "the proposal cannot be written", now) }
    (record.proposal, record.phase, record.deadline) = (Data(frame.bytes), .voting, message.voteByMs)
    return say(now)
  }

  mutating func vote(_ message: WireAggregateVote, _ frame: Frame, from place: Int, _ now: UInt64) -> [RoundEffect] {
    guard record.phase == .voting, let bytes = record.proposal, let proposal = try? Frame([UInt8](bytes)) else { return [] }
    guard message.proposal == RoundRules.hash(of: proposal), record.entries[place].vote == nil, now <= record.deadline else { return [] }
    record.entries[place].vote = Data(frame.bytes)
    return countVotes(now)
  }

  mutating func countVotes(_ now: UInt64) -> [RoundEffect] {
    guard record.phase == .voting, let bytes = record.proposal, let frame = try? Frame([UInt8](bytes)), let proposal = try? frame.message(WireAggregateProposal.self) else {
      return []
    }
    let hash = RoundRules.hash(of: frame)
    let ballots = record.entries.compactMap(\.vote)
    let votes = ballots.filter { bytes in
      guard let ballot = try? Frame([UInt8](bytes)), let vote = try? ballot.message(WireAggregateVote.self) else { return false }
      return vote.counts(for: hash, result: proposal.result, round: round, step: record.step)
    }
    guard votes.count >= quorum else {
      let open = record.entries.count { $0.vote == nil && !$0.hasLeft }
      return votes.count + open < quorum ? noQuorum(now) : []
    }
    var final = WireAggregateFinal()
    (final.round, final.outerStep, final.result, final.proposal) = (round, record.step, proposal.result, bytes)
    (final.votes, final.last) = (votes, record.step == announce.plan.outerSteps)
    guard let payload = try? final.serializedData() else { return abort(.internal, "the final cannot be written", now) }
    (record.lastFinal, record.lastResult) = (payload, proposal.result)
    let result = RoundResult(step: record.step, result: proposal.result, isLast: final.last)
    guard !final.last else {
      (record.phase, record.deadline) = (.done, 0)
      return say(now) + [.stepped(result), .ended(result, reason: .unspecified, message: "")]
    }
    record.start = proposal.result
    return [.stepped(result)] + begin(step: record.step + 1, now)
  }

  mutating func noQuorum(_ now: UInt64) -> [RoundEffect] {
    abort(.noQuorum, "\(record.entries.count { $0.vote != nil }) of \(record.members.count) participants voted, and the quorum of \(quorum) yes votes is not reached", now)
  }
}
