internal import CentramWire
internal import Foundation

/// A vote as a coordinator has it.
public struct RoundBallot: Codable, Sendable, Equatable {
  public var step: UInt32, participant: UInt32
  public var accept: Bool
  /// Lift on the voter's own hold-out, in nat a byte; 0 where it measured none.
  public var lift: Double
  /// Why not, or what the voter remarks.
  public var reason: String
}

extension RoundCoordinator {
  /// The votes on the present proposal; before there are any, those that made the last aggregate final.
  public var ballots: [RoundBallot] {
    let present = record.entries.compactMap(\.vote)
    guard present.isEmpty, let payload = record.lastFinal, let final = try? WireAggregateFinal(serializedBytes: payload) else { return ballots(present) }
    return ballots(final.votes)
  }

  private func ballots(_ frames: [Data]) -> [RoundBallot] {
    frames.compactMap { bytes in
      guard let frame = try? Frame([UInt8](bytes)), let vote = try? frame.message(WireAggregateVote.self),
        let member = record.members.first(where: { $0.node == frame.header.sender })
      else { return nil }
      return RoundBallot(step: vote.outerStep, participant: member.index, accept: vote.accept, lift: vote.lift, reason: vote.reason)
    }
  }
}
