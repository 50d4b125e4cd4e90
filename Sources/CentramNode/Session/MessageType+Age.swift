internal import CentramWire

extension MessageType {
  /// Whether gossip of this type may be older than other gossip (decision 0037).
  ///
  /// These frames are bound to a round and a step, where they are taken once. A proposal is never signed again, since votes name its frame, and who made an
  /// update may be gone when somebody asks for it: by the rule for other gossip, who was away for five minutes could not vote any more.
  var staysGood: Bool { self == .updateCommit || self == .updateReveal || self == .aggregateProposal }
}
