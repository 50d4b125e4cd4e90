// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family training.
// swift-format-ignore-file

extension FieldRules {
  static func training(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireRoundPlan.self)] = .init("RoundPlan", [
      .init(1, "base", .bytes, .length(32, 32)),
      .init(2, "start", .bytes, .lengthOrNone(32, 32)),
      .init(3, "trainer", .message(ObjectIdentifier(WirePluginVersion.self)), .required),
      .init(4, "trainer_parameters", .bytes, .length(0, 16384)),
      .init(5, "aggregator", .message(ObjectIdentifier(WirePluginVersion.self)), .required),
      .init(6, "aggregator_parameters", .bytes, .length(0, 16384)),
      .init(7, "local_steps", .uint32, .integer(1, 1000000)),
      .init(8, "outer_steps", .uint32, .integer(1, 100000)),
      .init(9, "outer_learning_rate", .double, .real(0, 1000)),
      .init(10, "outer_momentum", .double, .real(0, 1)),
      .init(11, "profile", .bytes, .length(1, 64)),
      .init(12, "domain", .bytes, .length(0, 128)),
      .init(13, "maximum_epsilon", .double, .real(0, 1000000)),
      .init(14, "maximum_relative_norm", .double, .real(0, 1000000)),
    ])
    table[ObjectIdentifier(WireRoundAnnounce.self)] = .init("RoundAnnounce", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "coordinator", .bytes, .length(32, 32)),
      .init(3, "plan", .message(ObjectIdentifier(WireRoundPlan.self)), .required),
      .init(4, "minimum_participants", .uint32, .integer(1, 1024)),
      .init(5, "maximum_participants", .uint32, .integer(1, 1024)),
      .init(6, "join_by_ms", .uint64, .integer(1, .max)),
      .init(7, "step_ms", .uint32, .integer(1000, 604800000)),
      .init(8, "reveal_ms", .uint32, .integer(1000, 86400000)),
      .init(9, "vote_ms", .uint32, .integer(1000, 86400000)),
      .init(10, "quorum_bps", .uint32, .integer(5001, 10000)),
      .init(11, "reward", .uint64, .integer(0, 9223372036854775807)),
      .init(12, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRoundJoin.self)] = .init("RoundJoin", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "domain", .bytes, .length(0, 128)),
      .init(3, "examples", .uint64, .any),
      .init(4, "tokens_per_second", .uint32, .any),
      .init(5, "trainer", .message(ObjectIdentifier(WirePluginVersion.self)), .required),
      .init(6, "profiles", .bytes, .items(0, 32, length: 1, 64), repeated: true),
      .init(7, "remaining_epsilon", .double, .real(0, 1000000)),
    ])
    table[ObjectIdentifier(WireRoundWelcome.self)] = .init("RoundWelcome", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "accepted", .other, .any),
      .init(3, "reason", .other, .any),
      .init(4, "message", .bytes, .length(0, 512)),
      .init(5, "participant", .uint32, .integer(0, 1023)),
      .init(6, "participants", .uint32, .integer(0, 1024)),
      .init(7, "start", .bytes, .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireParticipant.self)] = .init("Participant", [
      .init(1, "index", .uint32, .integer(0, 1023)),
      .init(2, "key", .bytes, .length(32, 32)),
      .init(3, "domain", .bytes, .length(0, 128)),
    ])
    table[ObjectIdentifier(WireRoundStart.self)] = .init("RoundStart", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "participants", .message(ObjectIdentifier(WireParticipant.self)), .items(1, 1024), repeated: true),
      .init(4, "start", .bytes, .lengthOrNone(32, 32)),
      .init(5, "seed", .uint64, .any),
      .init(6, "commit_by_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireUpdateCommit.self)] = .init("UpdateCommit", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "commitment", .bytes, .length(32, 32)),
      .init(4, "local_steps", .uint32, .integer(0, 1000000)),
      .init(5, "tokens", .uint64, .any),
    ])
    table[ObjectIdentifier(WireUpdateReveal.self)] = .init("UpdateReveal", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "salt", .bytes, .length(32, 32)),
      .init(4, "update", .bytes, .length(32, 32)),
      .init(5, "size", .uint64, .integer(1, 1099511627776)),
      .init(6, "norm", .double, .real(0, 1000000000000)),
      .init(7, "training_loss", .double, .finite),
      .init(8, "privacy", .message(ObjectIdentifier(WireSigned.self)), .any),
    ])
    table[ObjectIdentifier(WireUpdateAck.self)] = .init("UpdateAck", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "participant", .uint32, .integer(0, 1023)),
      .init(4, "digest", .bytes, .length(32, 32)),
      .init(5, "outcome", .other, .any),
      .init(6, "message", .bytes, .length(0, 512)),
      .init(7, "verdict", .message(ObjectIdentifier(WireSigned.self)), .any),
    ])
    table[ObjectIdentifier(WireContribution.self)] = .init("Contribution", [
      .init(1, "participant", .uint32, .integer(0, 1023)),
      .init(2, "update", .bytes, .lengthOrNone(32, 32)),
      .init(3, "weight_bps", .uint32, .integer(0, 10000)),
      .init(4, "reason", .bytes, .length(0, 256)),
    ])
    table[ObjectIdentifier(WireAggregateProposal.self)] = .init("AggregateProposal", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "result", .bytes, .length(32, 32)),
      .init(4, "size", .uint64, .integer(1, 1099511627776)),
      .init(5, "contributions", .message(ObjectIdentifier(WireContribution.self)), .items(1, 1024), repeated: true),
      .init(6, "start", .bytes, .lengthOrNone(32, 32)),
      .init(7, "norm", .double, .real(0, 1000000000000)),
      .init(8, "vote_by_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireAggregateVote.self)] = .init("AggregateVote", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "proposal", .bytes, .length(32, 32)),
      .init(4, "accept", .other, .any),
      .init(5, "computed", .bytes, .lengthOrNone(32, 32)),
      .init(6, "lift", .double, .finite),
      .init(7, "reason", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireAggregateFinal.self)] = .init("AggregateFinal", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(1, 100000)),
      .init(3, "result", .bytes, .length(32, 32)),
      .init(4, "proposal", .bytes, .length(1, 524544)),
      .init(5, "votes", .bytes, .items(1, 1024, length: 1, 4300), repeated: true),
      .init(6, "last", .other, .any),
    ])
    table[ObjectIdentifier(WireParticipantStatus.self)] = .init("ParticipantStatus", [
      .init(1, "participant", .uint32, .integer(0, 1023)),
      .init(2, "local_steps", .uint32, .integer(0, 1000000)),
      .init(3, "committed", .other, .any),
      .init(4, "revealed", .other, .any),
      .init(5, "voted", .other, .any),
      .init(6, "training_loss", .double, .finite),
    ])
    table[ObjectIdentifier(WireRoundStatus.self)] = .init("RoundStatus", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(0, 100000)),
      .init(3, "phase", .other, .any),
      .init(4, "participants", .message(ObjectIdentifier(WireParticipantStatus.self)), .items(0, 1024), repeated: true),
      .init(5, "phase_ends_ms", .uint64, .any),
      .init(6, "last_result", .bytes, .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireRoundAbort.self)] = .init("RoundAbort", [
      .init(1, "round", .bytes, .length(16, 16)),
      .init(2, "outer_step", .uint32, .integer(0, 100000)),
      .init(3, "reason", .other, .any),
      .init(4, "message", .bytes, .length(0, 512)),
      .init(5, "last_result", .bytes, .lengthOrNone(32, 32)),
    ])
  }
}
