internal import CentramWire
internal import Foundation

/// A message of the family, read from a frame, with the round and the step that it belongs to.
enum ReceivedRoundMessage {
  case announce(WireRoundAnnounce), join(WireRoundJoin), welcome(WireRoundWelcome), start(WireRoundStart)
  case commit(WireUpdateCommit), reveal(WireUpdateReveal), acknowledge(WireUpdateAck)
  case proposal(WireAggregateProposal), vote(WireAggregateVote), final(WireAggregateFinal)
  case status(WireRoundStatus), abort(WireRoundAbort)

  /// Nil for a message of another family.
  init?(_ frame: Frame) throws(WireError) {
    switch frame.type {
    case .roundAnnounce: self = .announce(try frame.message())
    case .roundJoin: self = .join(try frame.message())
    case .roundWelcome: self = .welcome(try frame.message())
    case .roundStart: self = .start(try frame.message())
    case .updateCommit: self = .commit(try frame.message())
    case .updateReveal: self = .reveal(try frame.message())
    case .updateAck: self = .acknowledge(try frame.message())
    case .aggregateProposal: self = .proposal(try frame.message())
    case .aggregateVote: self = .vote(try frame.message())
    case .aggregateFinal: self = .final(try frame.message())
    case .roundStatus: self = .status(try frame.message())
    case .roundAbort: self = .abort(try frame.message())
    default: return nil
    }
  }

  var round: Data { place.round }
  var step: UInt32 { place.step }

  private var place: (round: Data, step: UInt32) {
    switch self {
    case .announce(let message): (message.round, 0)
    case .join(let message): (message.round, 0)
    case .welcome(let message): (message.round, 0)
    case .start(let message): (message.round, message.outerStep)
    case .commit(let message): (message.round, message.outerStep)
    case .reveal(let message): (message.round, message.outerStep)
    case .acknowledge(let message): (message.round, message.outerStep)
    case .proposal(let message): (message.round, message.outerStep)
    case .vote(let message): (message.round, message.outerStep)
    case .final(let message): (message.round, message.outerStep)
    case .status(let message): (message.round, message.outerStep)
    case .abort(let message): (message.round, message.outerStep)
    }
  }
}

extension SigningKey {
  /// A frame for everybody. What a round publishes is evidence, so every receiver must have the same bytes.
  func publish(_ message: some WireMessage, now: UInt64) -> Frame? {
    try? Frame.signed(message, by: self, to: .anyone, sequence: now, unixMilliseconds: now)
  }
}
