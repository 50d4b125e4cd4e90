// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family training.
// swift-format-ignore-file

extension FieldRules {
  static func training(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireRoundPlan.self)] = .init("RoundPlan", [
      .init(1, "base", .length(32, 32)),
      .init(2, "start", .lengthOrNone(32, 32)),
      .init(3, "trainer", .required),
      .init(4, "trainer_parameters", .length(0, 16384)),
      .init(5, "aggregator", .required),
      .init(6, "aggregator_parameters", .length(0, 16384)),
      .init(7, "local_steps", .integer(1, 1000000)),
      .init(8, "outer_steps", .integer(1, 100000)),
      .init(9, "outer_learning_rate", .real(0, 1000)),
      .init(10, "outer_momentum", .real(0, 1)),
      .init(11, "profile", .length(1, 64)),
      .init(12, "domain", .length(0, 128)),
      .init(13, "maximum_epsilon", .real(0, 1000000)),
      .init(14, "maximum_relative_norm", .real(0, 1000000)),
    ])
    table[ObjectIdentifier(WireRoundAnnounce.self)] = .init("RoundAnnounce", [
      .init(1, "round", .length(16, 16)),
      .init(2, "coordinator", .length(32, 32)),
      .init(3, "plan", .required),
      .init(4, "minimum_participants", .integer(1, 1024)),
      .init(5, "maximum_participants", .integer(1, 1024)),
      .init(6, "join_by_ms", .integer(1, .max)),
      .init(7, "step_ms", .integer(1000, 604800000)),
      .init(8, "reveal_ms", .integer(1000, 86400000)),
      .init(9, "vote_ms", .integer(1000, 86400000)),
      .init(10, "quorum_bps", .integer(5001, 10000)),
      .init(11, "reward", .integer(0, 9223372036854775807)),
      .init(12, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRoundJoin.self)] = .init("RoundJoin", [
      .init(1, "round", .length(16, 16)),
      .init(2, "domain", .length(0, 128)),
      .init(5, "trainer", .required),
      .init(6, "profiles", .items(0, 32, length: 1, 64)),
      .init(7, "remaining_epsilon", .real(0, 1000000)),
    ])
    table[ObjectIdentifier(WireRoundWelcome.self)] = .init("RoundWelcome", [
      .init(1, "round", .length(16, 16)),
      .init(4, "message", .length(0, 512)),
      .init(5, "participant", .integer(0, 1023)),
      .init(6, "participants", .integer(0, 1024)),
      .init(7, "start", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireParticipant.self)] = .init("Participant", [
      .init(1, "index", .integer(0, 1023)),
      .init(2, "key", .length(32, 32)),
      .init(3, "domain", .length(0, 128)),
    ])
    table[ObjectIdentifier(WireRoundStart.self)] = .init("RoundStart", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "participants", .items(1, 1024)),
      .init(4, "start", .lengthOrNone(32, 32)),
      .init(6, "commit_by_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireUpdateCommit.self)] = .init("UpdateCommit", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "commitment", .length(32, 32)),
      .init(4, "local_steps", .integer(0, 1000000)),
    ])
    table[ObjectIdentifier(WireUpdateReveal.self)] = .init("UpdateReveal", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "salt", .length(32, 32)),
      .init(4, "update", .length(32, 32)),
      .init(5, "size", .integer(1, 1099511627776)),
      .init(6, "norm", .real(0, 1000000000000)),
      .init(7, "training_loss", .finite),
    ])
    table[ObjectIdentifier(WireUpdateAck.self)] = .init("UpdateAck", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "participant", .integer(0, 1023)),
      .init(4, "digest", .length(32, 32)),
      .init(6, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireContribution.self)] = .init("Contribution", [
      .init(1, "participant", .integer(0, 1023)),
      .init(2, "update", .lengthOrNone(32, 32)),
      .init(3, "weight_bps", .integer(0, 10000)),
      .init(4, "reason", .length(0, 256)),
    ])
    table[ObjectIdentifier(WireAggregateProposal.self)] = .init("AggregateProposal", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "result", .length(32, 32)),
      .init(4, "size", .integer(1, 1099511627776)),
      .init(5, "contributions", .items(1, 1024)),
      .init(6, "start", .lengthOrNone(32, 32)),
      .init(7, "norm", .real(0, 1000000000000)),
      .init(8, "vote_by_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireAggregateVote.self)] = .init("AggregateVote", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "proposal", .length(32, 32)),
      .init(5, "computed", .lengthOrNone(32, 32)),
      .init(6, "lift", .finite),
      .init(7, "reason", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireAggregateFinal.self)] = .init("AggregateFinal", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(1, 100000)),
      .init(3, "result", .length(32, 32)),
      .init(4, "proposal", .length(1, 524544)),
      .init(5, "votes", .items(1, 1024, length: 1, 4300)),
    ])
    table[ObjectIdentifier(WireParticipantStatus.self)] = .init("ParticipantStatus", [
      .init(1, "participant", .integer(0, 1023)),
      .init(2, "local_steps", .integer(0, 1000000)),
      .init(6, "training_loss", .finite),
    ])
    table[ObjectIdentifier(WireRoundStatus.self)] = .init("RoundStatus", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(0, 100000)),
      .init(4, "participants", .items(0, 1024)),
      .init(6, "last_result", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireRoundAbort.self)] = .init("RoundAbort", [
      .init(1, "round", .length(16, 16)),
      .init(2, "outer_step", .integer(0, 100000)),
      .init(4, "message", .length(0, 512)),
      .init(5, "last_result", .lengthOrNone(32, 32)),
    ])
  }
}
