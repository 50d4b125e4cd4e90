internal import CentramWire
internal import Foundation

/// What a round waits for, as a node sees it.
public struct RoundWait: Codable, Sendable, Equatable {
  /// A member that has not done its part.
  public struct Member: Codable, Sendable, Equatable {
    /// Its index in the round.
    public var participant: UInt32
    /// Its public key, hexadecimal.
    public var key: String
    /// Whether this node has a connection with it now, or is it.
    public var isConnected = false

    init(_ member: RoundMember) { (participant, key) = (member.index, member.node.description) }
  }

  /// For people.
  public var what: String
  /// Whom it waits for, where it is for members.
  public var members: [Member] = []
  /// Unix milliseconds since which, and until which at most; nil where it is not known.
  public var since: UInt64?, until: UInt64?
}

extension RoundCoordinator {
  /// What the round waits for; nil when it is over.
  public var waiting: RoundWait? {
    func wait(_ what: String, until: UInt64?, _ isMissing: (CoordinatorRecord.Entry) -> Bool = { _ in false }) -> RoundWait {
      let missing = zip(record.members, record.entries).filter { isMissing($1) }.map { RoundWait.Member($0.0) }
      return RoundWait(what: what, members: missing, since: record.since, until: until)
    }
    return switch record.phase {
    case .joining: wait("participants: \(record.members.count) joined, \(announce.minimumParticipants) to \(announce.maximumParticipants) can", until: announce.joinByMs)
    case .training: wait("the local steps of members", until: record.commitBy) { !$0.isCommitted && !$0.hasLeft }
    case .revealing: wait("the updates of members", until: record.deadline) { !$0.isSettled }
    case .aggregating: wait("the merge by the coordinator", until: nil)
    case .voting: wait("the votes of members", until: record.deadline) { $0.vote == nil && !$0.hasLeft }
    case .done, .aborted: nil
    }
  }
}

extension RoundParticipant {
  /// What the round waits for, as far as this member knows; nil when it is over.
  public var waiting: RoundWait? {
    func wait(_ what: String, until: UInt64?, _ isMissing: (RoundMember) -> Bool = { _ in false }) -> RoundWait {
      RoundWait(what: what, members: record.members.filter { $0.node != own && isMissing($0) }.map(RoundWait.Member.init), since: record.since, until: until)
    }
    let voteBy = openProposal?.1.voteByMs
    return switch record.phase {
    case .joining: wait("the coordinator's welcome", until: announce.joinByMs)
    case .waiting: wait("participants", until: announce.joinByMs)
    case .training: wait("this node's local steps", until: record.commitBy)
    case .committed: wait("the commitments of members", until: record.commitBy) { commits[$0.index] == nil }
    case .revealed where voteBy == nil: wait("the coordinator's proposal", until: nil)
    case .revealed: wait("this node's own computation of the aggregate", until: voteBy) { shown[$0.index] == nil }
    case .voted: wait("the votes of others, which the coordinator counts", until: voteBy)
    case .stepped: wait("the next step", until: nil)
    case .done, .aborted: nil
    }
  }
}

extension RoundWait {
  /// `the votes of members (2 min 3 s so far, at most 57 min 57 s more): 1 (0a1b2c3d4e5f6071, not connected)`.
  /// - Parameters:
  ///   - now: Unix milliseconds.
  ///   - duration: seconds in words.
  public func text(now: UInt64, duration: (Double) -> String) -> String {
    func span(_ from: UInt64, _ to: UInt64) -> String { duration(Double(to > from ? to - from : 0) / 1_000) }
    let times = [since.map { "\(span($0, now)) so far" }, until.map { $0 > now ? "at most \(span(now, $0)) more" : "\(span($0, now)) overdue" }].compactMap { $0 }
    let names = members.prefix(Self.shownMembers).map { "\($0.participant) (\($0.key.prefix(16))\($0.isConnected ? "" : ", not connected"))" }
    let rest = members.count - names.count
    let list = names.isEmpty ? "" : ": \(names.joined(separator: ", "))\(rest > 0 ? " and \(rest) more" : "")"
    return "\(what)\(times.isEmpty ? "" : " (\(times.joined(separator: ", ")))")\(list)"
  }

  /// Most members that the text names.
  static let shownMembers = 8
}
