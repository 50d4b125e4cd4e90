internal import CentramWire
public import Foundation

/// A coordinator's durable state: what it must not forget or contradict. A JSON document of less than a mebibyte.
public struct CoordinatorRecord: Codable, Sendable, Equatable {
  public enum Phase: String, Codable, Sendable { case joining, training, revealing, aggregating, voting, done, aborted }

  /// What is known of a member in the present step.
  struct Entry: Codable, Sendable, Equatable {
    /// The latest frames, to be passed on.
    var commit: Data?, reveal: Data?
    var commitment: Data?
    var update: Data?, size: UInt64 = 0, salt: Data?
    /// A `WireUpdateOutcome`.
    var outcome = 0
    var reason = ""
    /// The frame of its vote.
    var vote: Data?
    var hasLeft = false

    var isCommitted: Bool { commitment != nil }
    var isTaken: Bool { outcome == WireUpdateOutcome.taken.rawValue }
    /// Whether nothing more is to be waited for before aggregating.
    var isSettled: Bool { hasLeft || !isCommitted || isTaken || outcome == WireUpdateOutcome.brokenCommitment.rawValue || outcome == WireUpdateOutcome.refused.rawValue }
  }

  public var version = 1
  /// Payload of the RoundAnnounce.
  public var announce: Data
  /// From which the seeds of the steps are made.
  var drawn: UInt64
  public internal(set) var phase = Phase.joining
  public internal(set) var step: UInt32 = 0
  public internal(set) var members: [RoundMember] = []
  var entries: [Entry] = []
  var commitBy: UInt64 = 0
  /// Unix milliseconds at which the phase ends; 0 where it does not end by itself.
  var deadline: UInt64 = 0
  /// Unix milliseconds at which the phase began, where it is known.
  var since: UInt64?
  var start = Data()
  /// The proposal's frame.
  var proposal: Data?
  /// Payload of the last AggregateFinal.
  var lastFinal: Data?
  public internal(set) var lastResult = Data()
  var abortReason = 0
  public internal(set) var message = ""
  /// Whether what comes of the round was made of it.
  var isDelivered = false
}

extension CoordinatorRecord {
  func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
  }

  /// - Throws: `.storage`.
  init(decoding bytes: [UInt8]) throws(RoundError) {
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)), record.version == 1 else {
      throw RoundError(.storage, "the state of a round that this node coordinates is not of this version; finish it with the version that began it, or delete it")
    }
    self = record
  }
}
