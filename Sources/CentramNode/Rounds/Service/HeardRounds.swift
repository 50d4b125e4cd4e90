public import CentramWire
internal import Foundation

/// A round that somebody announced.
public struct HeardRound: Sendable {
  public var announce: WireRoundAnnounce
  /// Whether the coordinator's own signature is on it. Only then can one join; else it is a hint where to look.
  public var isVerified: Bool
  /// Who told it first.
  public var from: NodeKey
}

/// Announcements: each is passed on once, to a few peers, at most eight times over. Times are Unix milliseconds.
struct HeardRounds: Sendable {
  static let maximumHops: UInt32 = 8, fanout = 6, capacity = 1_024
  /// Rounds that one peer may tell of.
  static let perPeer = 64
  /// Furthest that a round's joining may lie ahead.
  static let horizon: UInt64 = 30 * 86_400_000

  private(set) var rounds: [Data: HeardRound] = [:]

  enum Verdict: Sendable, Equatable { case forward, keep, refused(String) }

  /// - Parameter sender: who signed it; the coordinator, or somebody who passes it on.
  mutating func take(_ announce: WireRoundAnnounce, signedBy sender: NodeKey, from peer: NodeKey, now: UInt64) -> Verdict {
    let isVerified = announce.coordinator.elementsEqual(sender.bytes)
    guard announce.hops <= Self.maximumHops, !isVerified || announce.hops == 0 else {
      return .refused("passed on \(announce.hops) times; \(Self.maximumHops) is the limit, and 0 for the coordinator's own")
    }
    guard announce.joinByMs > now, announce.joinByMs <= now + Self.horizon else { return .refused("one could join until \(announce.joinByMs), which is over or too far away") }
    guard announce.minimumParticipants <= announce.maximumParticipants else { return .refused("it needs more participants than it takes") }
    if let known = rounds[announce.round] {
      // The coordinator's own word takes the place of a hint, and of nothing else.
      if isVerified, !known.isVerified { rounds[announce.round] = HeardRound(announce: announce, isVerified: true, from: peer) }
      return .keep
    }
    if rounds.count >= Self.capacity { rounds = rounds.filter { $0.value.announce.joinByMs > now } }
    guard rounds.count < Self.capacity, rounds.values.count(where: { $0.from == peer }) < Self.perPeer else {
      return .refused("\(Self.perPeer) rounds of one peer, and \(Self.capacity) in all, is the limit")
    }
    rounds[announce.round] = HeardRound(announce: announce, isVerified: isVerified, from: peer)
    return announce.hops < Self.maximumHops ? .forward : .keep
  }
}
