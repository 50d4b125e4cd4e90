internal import CentramWire
internal import Foundation

/// The first frame of each kind that a node signed in a step. A second one that says something else is evidence of its own.
///
/// What is compared is the payload: a message that is sent again carries a later time.
struct SaidOnce: Sendable {
  /// What a node says at most once a step.
  static let types: Set<MessageType> = [.roundStart, .updateCommit, .updateReveal, .aggregateProposal, .aggregateVote]

  private struct Place: Hashable { let sender: NodeKey, type: MessageType, step: UInt32 }
  private var frames: [Place: Frame] = [:]
  private var accused: Set<NodeKey> = []

  /// Frames that are kept.
  var count: Int { frames.count }

  /// - Returns: a proof where the sender said something else before; nil too where it was accused already.
  mutating func note(_ frame: Frame, step: UInt32) -> WireMisbehaviourProof? {
    guard Self.types.contains(frame.type) else { return nil }
    let place = Place(sender: frame.header.sender, type: frame.type, step: step)
    guard let first = frames[place] else {
      frames[place] = frame
      return nil
    }
    guard first.payload != frame.payload, accused.insert(frame.header.sender).inserted else { return nil }
    let kind: WireMisbehaviour = frame.type == .aggregateVote ? .twoVotes : .unspecified
    return .round(kind, of: frame.header.sender, [first, frame], "two \(frame.type) messages in step \(step) of a round")
  }

  /// Whether a frame says what its sender said first, or is the first.
  func isConsistent(_ frame: Frame, step: UInt32) -> Bool {
    frames[Place(sender: frame.header.sender, type: frame.type, step: step)].map { $0.payload == frame.payload } ?? true
  }

  /// Forgets steps before this one.
  mutating func forget(before step: UInt32) { frames = frames.filter { $0.key.step >= step } }
}

extension WireMisbehaviourProof {
  static func round(_ kind: WireMisbehaviour, of key: NodeKey, _ frames: [Frame], _ sentence: String) -> WireMisbehaviourProof {
    var proof = WireMisbehaviourProof()
    (proof.kind, proof.accused, proof.message) = (kind, Data(key.bytes), sentence)
    proof.frames = frames.map { Data($0.bytes) }
    return proof
  }
}
