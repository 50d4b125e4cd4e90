internal import CentramWire
internal import Foundation
internal import Synchronization

/// Bytes and genomes of a day, in all and by peer. A day is one of the node's clock, in UTC.
final class ExchangeQuota: Sendable {
  struct Amount: Codable, Equatable, Sendable { var bytes = 0, genomes = 0 }

  private struct State: Codable {
    var version = 1
    /// Days since 1970.
    var day: Int64 = 0
    var received = Amount(), sent = Amount()
    /// By the peer's key.
    var receivedFrom: [String: Amount] = [:], sentTo: [String: Amount] = [:]
  }
  private struct Kept { var state = State(), isChanged = false }

  private let kept: Mutex<Kept>
  /// Unix milliseconds.
  private let now: @Sendable () -> Int64
  /// Peers that are counted one by one; those beyond share an entry.
  static let mostPeers = 4_096
  static let others = "others"

  init(now: @escaping @Sendable () -> Int64, kept bytes: [UInt8]?) {
    self.now = now
    let state = bytes.flatMap { try? JSONDecoder().decode(State.self, from: Data($0)) } ?? State()
    kept = Mutex(Kept(state: state))
  }

  /// What is to be kept, if anything has changed since it was asked for.
  func changes() -> [UInt8]? {
    kept.withLock { kept in
      guard kept.isChanged else { return nil }
      kept.isChanged = false
      return (try? JSONEncoder().encode(kept.state)).map { [UInt8]($0) }
    }
  }

  private func with<Result>(_ body: (inout State) -> Result) -> Result {
    kept.withLock { kept in
      let day = now() / 86_400_000
      // A clock that was set back begins no new day.
      if day > kept.state.day { kept.state = State(day: day) }
      return body(&kept.state)
    }
  }

  private func change(_ body: (inout State) -> Void) {
    with { body(&$0) }
    kept.withLock { $0.isChanged = true }
  }

  private static func name(_ peer: NodeKey, in amounts: [String: Amount]) -> String {
    let name = peer.description
    return amounts[name] != nil || amounts.count < mostPeers ? name : others
  }

  func received(from peer: NodeKey) -> (all: Amount, peer: Amount) { with { ($0.received, $0.receivedFrom[Self.name(peer, in: $0.receivedFrom)] ?? Amount()) } }
  func sent(to peer: NodeKey) -> (all: Amount, peer: Amount) { with { ($0.sent, $0.sentTo[Self.name(peer, in: $0.sentTo)] ?? Amount()) } }

  func didReceive(_ bytes: Int, from peer: NodeKey) {
    change { state in
      state.received.bytes += bytes
      state.receivedFrom[Self.name(peer, in: state.receivedFrom), default: Amount()].bytes += bytes
    }
  }

  func didReceiveGenome(from peer: NodeKey) {
    change { state in
      state.received.genomes += 1
      state.receivedFrom[Self.name(peer, in: state.receivedFrom), default: Amount()].genomes += 1
    }
  }

  func didSend(_ bytes: Int, to peer: NodeKey) {
    change { state in
      state.sent.bytes += bytes
      state.sentTo[Self.name(peer, in: state.sentTo), default: Amount()].bytes += bytes
    }
  }

  func didSendGenome(to peer: NodeKey) {
    change { state in
      state.sent.genomes += 1
      state.sentTo[Self.name(peer, in: state.sentTo), default: Amount()].genomes += 1
    }
  }

  /// The limit that fetching a genome from a peer would break.
  /// - Parameter bytes: those still to come.
  func limit(receiving bytes: Int, from peer: NodeKey, _ settings: ExchangeSettings) -> ExchangeLimit? {
    let (all, own) = received(from: peer)
    if all.genomes >= settings[.genomesReceivedPerDay] { return .genomesReceivedPerDay }
    if own.genomes >= settings[.genomesReceivedPerPeerAndDay] { return .genomesReceivedPerPeerAndDay }
    if all.bytes + bytes > settings[.bytesReceivedPerDay] { return .bytesReceivedPerDay }
    return own.bytes + bytes > settings[.bytesReceivedPerPeerAndDay] ? .bytesReceivedPerPeerAndDay : nil
  }

  /// The limit that sending a genome to a peer would break.
  func limit(sending bytes: Int, to peer: NodeKey, _ settings: ExchangeSettings) -> ExchangeLimit? {
    let (all, own) = sent(to: peer)
    if all.genomes >= settings[.genomesSentPerDay] { return .genomesSentPerDay }
    if own.genomes >= settings[.genomesSentPerPeerAndDay] { return .genomesSentPerPeerAndDay }
    if all.bytes + bytes > settings[.bytesSentPerDay] { return .bytesSentPerDay }
    return own.bytes + bytes > settings[.bytesSentPerPeerAndDay] ? .bytesSentPerPeerAndDay : nil
  }

  /// Whether a peer may give one more chunk today.
  func mayReceive(from peer: NodeKey, _ settings: ExchangeSettings, _ counters: ExchangeCounters) -> Bool {
    let (all, own) = received(from: peer)
    let limit: ExchangeLimit? =
      all.bytes >= settings[.bytesReceivedPerDay] ? .bytesReceivedPerDay : own.bytes >= settings[.bytesReceivedPerPeerAndDay] ? .bytesReceivedPerPeerAndDay : nil
    if let limit { counters.reached(limit) }
    return limit == nil
  }

  /// The limit on bytes that one more chunk to a peer would break.
  func chunkLimit(sending bytes: Int, to peer: NodeKey, _ settings: ExchangeSettings) -> ExchangeLimit? {
    let (all, own) = sent(to: peer)
    return all.bytes + bytes > settings[.bytesSentPerDay] ? .bytesSentPerDay : own.bytes + bytes > settings[.bytesSentPerPeerAndDay] ? .bytesSentPerPeerAndDay : nil
  }
}
