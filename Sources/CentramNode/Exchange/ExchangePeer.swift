internal import CentramWire
internal import Foundation

/// A peer that is connected, for as long as its connection lasts.
struct ExchangePeer: Sendable {
  /// No other connection has its number.
  let connection: UInt64
  let session: PeerSession
  /// What it was offered and told over this connection.
  var offered: Set<String> = [], toldRevocations: Set<[UInt8]> = [], toldProofs: Set<String> = []
  var isOffering = false, offersAgain = false
  /// The version of what there is to offer that it was told of; nil: it may have to be offered something again.
  var version: Int?
}

/// What is remembered of a peer while it is away, too.
struct PeerMemory: Sendable {
  static let most = 4_096
  /// Genomes that it offered over this connection.
  var has: Set<String> = []
  /// Genomes that it does not want, and the Unix milliseconds until which.
  var declined: [String: Int64] = [:]
}

/// A genome that a peer offered and that is to be fetched.
struct WantedGenome: Sendable {
  var summary: WireGenomeSummary
  /// In the order of their offers.
  var sources: [NodeKey]
  var attempts = 0
  /// Nanoseconds before which it is not tried again.
  var notBefore: UInt64 = 0

  var author: Data { summary.author }
}

/// A genome whose files are here and that is to be judged.
struct JudgementCandidate: Sendable {
  var author: String
  var sequence: UInt64
  /// Whom to tell.
  var sources: Set<NodeKey>
}

/// What each peer may do in a minute.
struct ExchangeRates: Sendable {
  private var allowances: [ExchangeLimit: Allowances<NodeKey>]

  init(_ settings: ExchangeSettings) {
    let limits: [ExchangeLimit] = [
      .offersPerPeerAndMinute, .wantsPerPeerAndMinute, .declinesPerPeerAndMinute, .unaskedPerPeerAndMinute, .revocationsPerPeerAndMinute, .noticesPerPeerAndMinute,
      .queriesPerPeerAndMinute,
    ]
    allowances = Dictionary(uniqueKeysWithValues: limits.map { ($0, Allowances(perMinute: settings[$0])) })
  }

  mutating func take(_ limit: ExchangeLimit, _ peer: NodeKey, now: UInt64) -> Bool { allowances[limit]?.take(peer, now: now) ?? false }
}

/// Hashes of what came of late; the oldest are forgotten.
struct RecentHashes: Sendable {
  private var known: Set<[UInt8]> = []
  private var order: [[UInt8]] = []
  private var oldest = 0
  let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  /// - Returns: whether it was not there.
  mutating func insert(_ hash: [UInt8]) -> Bool {
    guard known.insert(hash).inserted else { return false }
    if order.count < capacity {
      order.append(hash)
    } else {
      known.remove(order[oldest])
      order[oldest] = hash
      oldest = (oldest + 1) % capacity
    }
    return true
  }
}
