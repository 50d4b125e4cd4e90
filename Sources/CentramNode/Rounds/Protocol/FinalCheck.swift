internal import CentramWire
internal import Foundation

/// Whether an AggregateFinal proves itself: the coordinator's proposal and enough participants' votes for it.
struct FinalCheck {
  let round: Data
  let coordinator: NodeKey
  let members: [RoundMember]
  let quorum: Int

  /// - Returns: the proposal with its frame, or why it proves nothing.
  func verify(_ final: WireAggregateFinal) -> Result<(frame: Frame, proposal: WireAggregateProposal), Refusal> {
    guard let frame = try? Frame([UInt8](final.proposal)), let proposal = try? frame.message(WireAggregateProposal.self) else {
      return .failure(Refusal("its proposal is no frame of one"))
    }
    guard frame.header.sender == coordinator, frame.isSigned else { return .failure(Refusal("the coordinator did not sign the proposal")) }
    guard proposal.round == round, proposal.outerStep == final.outerStep, proposal.result == final.result, final.round == round else {
      return .failure(Refusal("its proposal is for another step or result"))
    }
    let hash = RoundRules.hash(of: frame), keys = Set(members.map(\.node))
    var voters: Set<NodeKey> = []
    for bytes in final.votes {
      guard let ballot = try? Frame([UInt8](bytes)), let vote = try? ballot.message(WireAggregateVote.self) else { return .failure(Refusal("a vote is no frame of one")) }
      guard keys.contains(ballot.header.sender) else { return .failure(Refusal("\(ballot.header.sender) voted and does not take part")) }
      guard vote.counts(for: hash, result: final.result, round: round, step: final.outerStep) else { return .failure(Refusal("a vote of \(ballot.header.sender) is not for it")) }
      voters.insert(ballot.header.sender)
    }
    guard voters.count >= quorum else { return .failure(Refusal("\(voters.count) participants voted for it; the quorum is \(quorum)")) }
    return .success((frame, proposal))
  }

  struct Refusal: Error { let reason: String; init(_ reason: String) { self.reason = reason } }
}

extension WireAggregateVote {
  /// Whether it is a yes to this proposal by somebody who computed the same.
  func counts(for proposal: Data, result: Data, round: Data, step: UInt32) -> Bool {
    self.round == round && outerStep == step && self.proposal == proposal && accept && computed == result
  }
}
