internal import CentramWire
internal import Foundation

/// A commitment and a reveal that a member signed beside others.
struct CountedFrames: Sendable {
  var commit: Frame?, reveal: Frame?
}

extension RoundParticipant {
  /// What a member signed of an update: its reveal, where one goes with a commitment of it.
  func reveal(of member: RoundMember, as update: Data) -> WireUpdateReveal? {
    let others = counted[member.index]
    for reveal in [shown[member.index], others?.reveal] {
      guard let reveal = try? reveal?.message(WireUpdateReveal.self), reveal.update == update else { continue }
      for commit in [commits[member.index], others?.commit] where isCommitted(commit, to: reveal, by: member) { return reveal }
    }
    return nil
  }

  /// Keeps a second, different commitment or reveal of a member where it may be what the open proposal counts.
  mutating func reconsider(_ message: ReceivedRoundMessage, _ frame: Frame, of member: RoundMember) {
    guard let (_, proposal) = openProposal, let counts = proposal.contributions.first(where: { $0.participant == member.index && $0.weightBps > 0 }),
      reveal(of: member, as: counts.update) == nil
    else { return }
    var frames = counted[member.index] ?? CountedFrames()
    switch message {
    case .reveal(let reveal) where reveal.update == counts.update: frames.reveal = frame
    case .commit:
      let reveals = [shown[member.index], frames.reveal].compactMap { try? $0?.message(WireUpdateReveal.self) }
      guard frames.commit == nil || reveals.contains(where: { isCommitted(frame, to: $0, by: member) }) else { return }
      frames.commit = frame
    default: return
    }
    counted[member.index] = frames
  }

  private func isCommitted(_ frame: Frame?, to reveal: WireUpdateReveal, by member: RoundMember) -> Bool {
    guard let commit = try? frame?.message(WireUpdateCommit.self) else { return false }
    return RoundRules.commitment(round: round, step: record.step, key: member.node, salt: reveal.salt, update: reveal.update) == commit.commitment
  }
}
