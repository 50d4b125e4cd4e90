internal import CentramWire
public import Foundation

/// A participant's durable state: above all its commitment and its vote, which it must not make twice.
public struct ParticipantRecord: Codable, Sendable, Equatable {
  public enum Phase: String, Codable, Sendable {
    /// Asks to take part.
    case joining
    /// Takes part; no step has begun.
    case waiting
    case training
    case committed, revealed, voted
    /// The step's aggregate is final, and the next step has not begun.
    case stepped
    case done, aborted
  }

  struct Update: Codable, Sendable, Equatable {
    var hash: Data, size: UInt64, salt: Data, commitment: Data
    var localSteps: UInt32, tokens: UInt64, norm: Double, loss: Double
    var isTaken = false
    /// A signed PrivacyRecord.
    var privacy: Data?
  }

  public var version = 1
  /// Payload of the RoundAnnounce.
  public var announce: Data
  var domain: String
  public internal(set) var phase = Phase.joining
  public internal(set) var index: UInt32?
  public internal(set) var members: [RoundMember] = []
  public internal(set) var step: UInt32 = 0
  /// Unix milliseconds at which the phase began, where it is known.
  var since: UInt64?
  var start = Data()
  var seed: UInt64 = 0
  var commitBy: UInt64 = 0
  var update: Update?
  /// Payload of the vote, and the frame of the proposal that it is for.
  var vote: Data?, proposal: Data?
  /// Payload of the last AggregateFinal.
  var lastFinal: Data?
  public internal(set) var lastStep: UInt32 = 0
  public internal(set) var lastResult = Data()
  public internal(set) var message = ""
  /// Payload of the word that it leaves, until the coordinator has answered it.
  var farewell: Data?

  func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
  }

  init(announce: Data, domain: String) { (self.announce, self.domain) = (announce, domain) }

  /// - Throws: `.storage`.
  init(decoding bytes: [UInt8]) throws(RoundError) {
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)), record.version == 1 else {
      throw RoundError(.storage, "the state of a round that this node takes part in is not of this version; finish it with the version that began it, or delete it")
    }
    self = record
  }
}
