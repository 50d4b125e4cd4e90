public import CentramWire
public import Foundation

/// What coordinator and participants compute alike.
public enum RoundRules {
  /// Most participants of a round that this node coordinates or joins: state and finals stay within a mebibyte.
  public static let maximumParticipants: UInt32 = 256
  /// Largest update or aggregate in bytes.
  public static let maximumUpdate: UInt64 = 1 << 30

  /// SHA-256 over `centram/1/commit`, round, outer step (4 bytes, big-endian), the participant's key, salt, SHA-256 of the update.
  public static func commitment(round: Data, step: UInt32, key: NodeKey, salt: Data, update: Data) -> Data {
    Data(SHA256.hash(Array("centram/1/commit".utf8) + round + bigEndian(step) + key.bytes + salt + update))
  }

  /// The seed of a participant's local steps: the first 8 bytes, big-endian, of SHA-256 over `centram/1/local-seed`, round, outer step, the step's seed,
  /// the participant's index.
  public static func localSeed(round: Data, step: UInt32, seed: UInt64, participant: UInt32) -> UInt64 {
    first(SHA256.hash(Array("centram/1/local-seed".utf8) + round + bigEndian(step) + bigEndian(seed) + bigEndian(participant)))
  }

  /// The seed of an outer step, from the one that the coordinator drew for the round.
  public static func stepSeed(round: Data, step: UInt32, drawn: UInt64) -> UInt64 {
    first(SHA256.hash(Array("centram/1/step-seed".utf8) + round + bigEndian(step) + bigEndian(drawn)))
  }

  /// The seed of private local steps: the first 8 bytes, big-endian, of SHA-256 over `centram/1/private-seed`, a secret of the node, the local seed.
  static func privateSeed(secret: [UInt8], local: UInt64) -> UInt64 { first(SHA256.hash(Array("centram/1/private-seed".utf8) + secret + bigEndian(local))) }

  /// Votes that make an aggregate final.
  public static func quorum(participants: Int, basisPoints: UInt32) -> Int { (participants * Int(basisPoints) + 9_999) / 10_000 }

  /// Equal weights of `count` updates that sum to 10,000; the first ones get what is left over.
  public static func weights(_ count: Int) -> [UInt32] {
    guard count > 0 else { return [] }
    return (0..<count).map { UInt32(10_000 / count + ($0 < 10_000 % count ? 1 : 0)) }
  }

  /// What names a proposal in votes.
  public static func hash(of frame: Frame) -> Data { Data(SHA256.hash(frame.bytes)) }

  /// A seed's own numbers have no fixed width in JSON, so they go as bytes.
  private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
  private static func first(_ hash: [UInt8]) -> UInt64 { hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

extension WireRoundPlan {
  /// Of a member's data: the round's, or what the member said of its own.
  func domain(of member: RoundMember) -> String { domain.isEmpty ? member.domain : domain }
}

/// A member of a round.
public struct RoundMember: Codable, Sendable, Equatable {
  public var index: UInt32
  public var key: Data
  public var domain: String

  public init(index: UInt32, key: Data, domain: String) { (self.index, self.key, self.domain) = (index, key, domain) }

  public var node: NodeKey { NodeKey(key) ?? .anyone }

  init(_ message: WireParticipant) { self.init(index: message.index, key: message.key, domain: message.domain) }
  var message: WireParticipant {
    var message = WireParticipant()
    (message.index, message.key, message.domain) = (index, key, domain)
    return message
  }
}
