public import CentramWire
internal import Foundation

/// Passes on announcements and withdrawals: each once, to a few peers, at most eight times over, and only from neighbours whose word was good so far.
/// Times are Unix milliseconds.
public struct Gossip: Sendable {
  /// How often an announcement is passed on, and to how many.
  public static let maximumHops: UInt32 = 8, fanout = 6
  /// A neighbour below this is not listened to until its score has recovered.
  public static let lowest = -10.0
  /// Milliseconds in which a score halves.
  static let halfLife = 600_000.0
  /// Announcements that a neighbour may send in a minute.
  public static let perMinute = 120
  /// Milliseconds between two records of one peer that are passed on.
  public static let interval: UInt64 = 5_000
  static let maximumSeen = 8_192, maximumNeighbours = 2_048

  /// What an announcement was worth.
  public enum Verdict: Sendable, Equatable {
    /// News: tell these.
    case forward(to: [NodeKey])
    /// News, passed on often enough.
    case keep
    case known
    case refused(String)
  }

  private struct Neighbour: Sendable { var score = 0.0, updated: UInt64, minute: UInt64, count = 0 }

  private var neighbours: [NodeKey: Neighbour] = [:]
  private var passed: [NodeKey: UInt64] = [:]
  private var random: RandomSource

  public init(random: RandomSource) { self.random = random }

  /// Grows with first news, falls with what is wrong.
  public func score(_ neighbour: NodeKey, now: UInt64) -> Double {
    guard let known = neighbours[neighbour] else { return 0 }
    return known.score * Scores.decay(now - min(now, known.updated), halfLife: Self.halfLife)
  }

  /// An announcement came from a neighbour.
  /// - Parameter peers: those that are connected.
  public mutating func announced(
    _ message: WireAnnounce, from neighbour: NodeKey, peers: [NodeKey], book: inout AddressBook, verifier: inout RecordVerifier, now: UInt64
  ) -> Verdict {
    if let refusal = admit(neighbour, now) { return refusal }
    let record: VerifiedRecord
    do throws(DiscoveryError) { record = try verifier.verify(message.record, now: now) } catch {
      judge(neighbour, -5, now)
      return .refused(error.message)
    }
    guard message.hops <= Self.maximumHops else {
      judge(neighbour, -5, now)
      return .refused("passed on \(message.hops) times; \(Self.maximumHops) is the limit")
    }
    guard record.key != book.own, record.number > book[record.key]?.record?.number ?? 0 else { return .known }
    let hint = PeerHint(key: record.key, addresses: record.addresses, source: record.key == neighbour ? .session : .gossip, record: record)
    guard book.add(hint, introducer: neighbour, now: now) else { return .known }
    judge(neighbour, 1, now)
    return verdict(about: record.key, hops: message.hops, from: neighbour, peers, now)
  }

  /// A withdrawal came from a neighbour.
  public mutating func withdrawn(_ message: WireWithdraw, from neighbour: NodeKey, peers: [NodeKey], book: inout AddressBook, now: UInt64) -> Verdict {
    if let refusal = admit(neighbour, now) { return refusal }
    let record: WireWithdrawalRecord, signer: NodeKey
    do throws(WireError) { (record, signer) = try message.record.opened(WireWithdrawalRecord.self, domain: .withdraw) } catch {
      judge(neighbour, -5, now)
      return .refused(error.message)
    }
    guard record.key.elementsEqual(signer.bytes), message.hops <= Self.maximumHops, record.madeMs <= now + VerifiedRecord.skew, record.madeMs + VerifiedRecord.longestLife > now
    else {
      judge(neighbour, -5, now)
      return .refused("a withdrawal of another peer, of another time, or passed on too often")
    }
    guard record.number > book.withdrawals[signer]?.number ?? 0, signer != book.own else { return .known }
    book.withdraw(signer, upTo: record.number, now: now)
    return verdict(about: signer, hops: message.hops, from: neighbour, peers, now)
  }

  private mutating func verdict(about key: NodeKey, hops: UInt32, from neighbour: NodeKey, _ peers: [NodeKey], _ now: UInt64) -> Verdict {
    if passed.count >= Self.maximumSeen { passed = passed.filter { $0.value + Self.interval > now } }
    guard hops < Self.maximumHops, passed.count < Self.maximumSeen, passed[key].map({ $0 + Self.interval <= now }) ?? true else { return .keep }
    passed[key] = now
    let others = peers.filter { $0 != neighbour && $0 != key && score($0, now: now) > Self.lowest }
    return .forward(to: Array(others.shuffled(using: &random).prefix(Self.fanout)))
  }

  private mutating func admit(_ neighbour: NodeKey, _ now: UInt64) -> Verdict? {
    if neighbours[neighbour] == nil {
      if neighbours.count >= Self.maximumNeighbours, let oldest = neighbours.min(by: { $0.value.updated < $1.value.updated })?.key { neighbours[oldest] = nil }
      neighbours[neighbour] = Neighbour(updated: now, minute: now)
    }
    guard score(neighbour, now: now) > Self.lowest else { return .refused("too much of what you sent was wrong; wait a while") }
    if now >= neighbours[neighbour]!.minute + 60_000 { (neighbours[neighbour]!.minute, neighbours[neighbour]!.count) = (now, 0) }
    neighbours[neighbour]!.count += 1
    return neighbours[neighbour]!.count <= Self.perMinute ? nil : .refused("\(Self.perMinute) announcements a minute is the limit")
  }

  private mutating func judge(_ neighbour: NodeKey, _ points: Double, _ now: UInt64) {
    let score = min(100, score(neighbour, now: now) + points)
    (neighbours[neighbour]!.score, neighbours[neighbour]!.updated) = (score, now)
  }
}

enum Scores {
  /// What is left of a score after so many milliseconds.
  static func decay(_ elapsed: UInt64, halfLife: Double) -> Double { exp2(-Double(elapsed) / halfLife) }
}
