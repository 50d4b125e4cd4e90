internal import Foundation
public import CentramWire

/// Whether strangers can dial this node, from what peers in different networks found when they dialled back. One network has one voice, and the verdict
/// changes only when several say so, so that one liar, one failure or one reboot does not turn it. Pure; times are nanoseconds.
public struct Reachability: Sendable {
  public enum Verdict: String, Sendable, Codable { case unknown, `public`, `private` }

  public struct Settings: Sendable {
    /// Networks that must agree before the verdict changes.
    public var quorum = 3
    public var voiceMilliseconds = 3_600_000
    /// How long an answer may take.
    public var answerMilliseconds = 60_000
    /// Requests that wait for answers.
    public var pending = 16
    public init() {}
  }

  public private(set) var verdict = Verdict.unknown
  private let settings: Settings
  private var voices: [NetworkPrefix: (reached: Bool, heard: UInt64)] = [:]
  private var pending: [Question: UInt64] = [:]
  private static let capacity = 64
  private struct Question: Hashable { let peer: NodeKey, nonce: [UInt8] }

  public init(_ settings: Settings = Settings()) { self.settings = settings }

  /// A request to dial these addresses, to be sent to the peer.
  /// - Parameter nonce: 16 random bytes.
  /// - Returns: nil where too many requests wait for answers, or there is nothing to dial.
  public mutating func ask(_ peer: NodeKey, candidates: [PeerAddress], nonce: [UInt8], now: UInt64) -> WireObservedAddress? {
    pending = pending.filter { now - min(now, $0.value) <= UInt64(settings.answerMilliseconds) * 1_000_000 }
    guard pending.count < settings.pending, !candidates.isEmpty, nonce.count == 16 else { return nil }
    pending[Question(peer: peer, nonce: nonce)] = now
    var message = WireObservedAddress()
    message.step = .dialRequest
    message.candidates = candidates.prefix(8).map(\.description)
    message.nonce = Data(nonce)
    return message
  }

  /// A peer tells what dialling back gave.
  /// - Parameter network: the peer's network, from its own address.
  /// - Returns: whether it was taken: only answers to what was asked count, once.
  @discardableResult public mutating func heard(_ message: WireObservedAddress, from peer: NodeKey, in network: NetworkPrefix, now: UInt64) -> Bool {
    guard message.step == .dialResult, let asked = pending.removeValue(forKey: Question(peer: peer, nonce: Array(message.nonce))),
      now - min(now, asked) <= UInt64(settings.answerMilliseconds) * 1_000_000
    else { return false }
    let saying: [WireDialOutcome] = [.reached, .timedOut, .refused, .wrongPeer]
    let tried: [WireDialOutcome] = message.results.map(\.outcome).filter { saying.contains($0) }
    guard !tried.isEmpty else { return false }
    if voices[network] == nil, voices.count >= Self.capacity,
      let oldest = voices.min(by: { ($0.value.heard, $0.key.bytes.description) < ($1.value.heard, $1.key.bytes.description) })
    {
      voices[oldest.key] = nil
    }
    voices[network] = (tried.contains(.reached), now)
    judge(now)
    return true
  }

  /// Forgets voices that are too old, and what follows from it.
  public mutating func expire(now: UInt64) {
    let count = voices.count
    voices = voices.filter { now - min(now, $0.value.heard) <= UInt64(settings.voiceMilliseconds) * 1_000_000 }
    if voices.count < count { judge(now) }
  }

  /// The address changed: what was found of the old one says nothing of the new.
  public mutating func addressChanged() {
    (voices, pending, verdict) = ([:], [:], .unknown)
  }

  private mutating func judge(_ now: UInt64) {
    voices = voices.filter { now - min(now, $0.value.heard) <= UInt64(settings.voiceMilliseconds) * 1_000_000 }
    let reached = voices.values.count { $0.reached }, failed = voices.count - reached
    if voices.isEmpty {
      verdict = .unknown
    } else if reached >= settings.quorum, reached > failed {
      verdict = .public
    } else if failed >= settings.quorum, failed > reached {
      verdict = .private
    }
    // Else it stays: the voices are too few or too divided for a change.
  }
}
