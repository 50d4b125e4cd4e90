// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family lineage.
// swift-format-ignore-file

extension FieldRules {
  static func lineage(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireLineageQuery.self)] = .init("LineageQuery", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "depth", .uint32, .integer(1, 256)),
      .init(3, "maximum", .uint32, .integer(1, 256)),
      .init(4, "known", .bytes, .items(0, 256, length: 32, 32), repeated: true),
      .init(5, "cursor", .bytes, .length(0, 64)),
    ])
    table[ObjectIdentifier(WireLineageReply.self)] = .init("LineageReply", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "manifests", .message(ObjectIdentifier(WireSigned.self)), .items(0, 256), repeated: true),
      .init(3, "missing", .bytes, .items(0, 256, length: 32, 32), repeated: true),
      .init(4, "cursor", .bytes, .length(0, 64)),
    ])
    table[ObjectIdentifier(WireMeasure.self)] = .init("Measure", [
      .init(1, "name", .bytes, .length(1, 64)),
      .init(2, "value", .double, .finite),
      .init(3, "limit", .double, .finite),
      .init(4, "unit", .bytes, .length(0, 32)),
    ])
    table[ObjectIdentifier(WireVerdict.self)] = .init("Verdict", [
      .init(1, "subject", .bytes, .length(32, 32)),
      .init(2, "layer", .bytes, .length(0, 128)),
      .init(3, "layer_version", .bytes, .length(0, 64)),
      .init(4, "direction", .other, .any),
      .init(5, "outcome", .other, .any),
      .init(6, "factor", .double, .real(0, 1)),
      .init(7, "reason", .bytes, .length(0, 1024)),
      .init(8, "measures", .message(ObjectIdentifier(WireMeasure.self)), .items(0, 64), repeated: true),
      .init(9, "decided_ms", .uint64, .integer(1, .max)),
      .init(10, "policy", .bytes, .lengthOrNone(32, 32)),
      .init(11, "disabled_layers", .bytes, .items(0, 64, length: 1, 128), repeated: true),
    ])
    table[ObjectIdentifier(WireAttestationQuery.self)] = .init("AttestationQuery", [
      .init(1, "genomes", .bytes, .items(1, 256, length: 32, 32), repeated: true),
      .init(2, "layer", .bytes, .length(0, 128)),
      .init(3, "after_ms", .uint64, .any),
      .init(4, "maximum", .uint32, .integer(1, 256)),
    ])
    table[ObjectIdentifier(WireAttestation.self)] = .init("Attestation", [
      .init(1, "verdicts", .message(ObjectIdentifier(WireSigned.self)), .items(0, 256), repeated: true),
      .init(2, "truncated", .other, .any),
    ])
    table[ObjectIdentifier(WireFitnessQuery.self)] = .init("FitnessQuery", [
      .init(1, "genomes", .bytes, .items(1, 256, length: 32, 32), repeated: true),
      .init(2, "domains", .bytes, .items(0, 32, length: 1, 128), repeated: true),
      .init(3, "base", .bytes, .lengthOrNone(32, 32)),
      .init(4, "after_ms", .uint64, .any),
      .init(5, "maximum", .uint32, .integer(1, 256)),
    ])
    table[ObjectIdentifier(WireDomainFitness.self)] = .init("DomainFitness", [
      .init(1, "domain", .bytes, .length(1, 128)),
      .init(2, "lift", .double, .finite),
      .init(3, "lower", .double, .finite),
      .init(4, "upper", .double, .finite),
      .init(5, "sequences", .uint32, .integer(1, 1000000)),
    ])
    table[ObjectIdentifier(WireFitnessRecord.self)] = .init("FitnessRecord", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "base", .bytes, .length(32, 32)),
      .init(3, "scale", .double, .real(0, 16)),
      .init(4, "domains", .message(ObjectIdentifier(WireDomainFitness.self)), .items(1, 64), repeated: true),
      .init(5, "holdout", .bytes, .length(32, 32)),
      .init(6, "profile", .bytes, .length(0, 64)),
      .init(7, "measured_ms", .uint64, .integer(1, .max)),
      .init(8, "job", .bytes, .lengthOrNone(16, 16)),
    ])
    table[ObjectIdentifier(WireFitnessReport.self)] = .init("FitnessReport", [
      .init(1, "records", .message(ObjectIdentifier(WireSigned.self)), .items(0, 256), repeated: true),
      .init(2, "truncated", .other, .any),
    ])
    table[ObjectIdentifier(WireEvaluationRequest.self)] = .init("EvaluationRequest", [
      .init(1, "job", .bytes, .length(16, 16)),
      .init(2, "genome", .bytes, .length(32, 32)),
      .init(3, "base", .bytes, .length(32, 32)),
      .init(4, "domains", .bytes, .items(0, 32, length: 1, 128), repeated: true),
      .init(5, "sequences", .uint32, .integer(1, 100000)),
      .init(6, "scales", .double, .items(0, 8, real: 0, 16), repeated: true),
      .init(7, "profile", .bytes, .length(0, 64)),
      .init(8, "deadline_ms", .uint64, .integer(1, .max)),
      .init(9, "maximum_price", .uint64, .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireEvaluationResult.self)] = .init("EvaluationResult", [
      .init(1, "job", .bytes, .length(16, 16)),
      .init(2, "status", .other, .any),
      .init(3, "records", .message(ObjectIdentifier(WireSigned.self)), .items(0, 8), repeated: true),
      .init(4, "message", .bytes, .length(0, 1024)),
      .init(5, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(6, "elapsed_ms", .uint32, .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WirePrivacyRecord.self)] = .init("PrivacyRecord", [
      .init(1, "genome", .bytes, .lengthOrNone(32, 32)),
      .init(2, "node", .bytes, .length(32, 32)),
      .init(3, "epsilon", .double, .real(0, 1000000)),
      .init(4, "delta", .double, .real(0, 1)),
      .init(5, "noise_multiplier", .double, .real(0, 1000000)),
      .init(6, "clip_norm", .double, .real(0, 1000000000)),
      .init(7, "sampling_rate", .double, .real(0, 1)),
      .init(8, "steps", .uint64, .any),
      .init(9, "examples", .uint64, .any),
      .init(10, "accountant", .bytes, .length(0, 64)),
      .init(11, "lifetime_epsilon", .double, .real(0, 1000000)),
      .init(12, "made_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WirePrivacyStatement.self)] = .init("PrivacyStatement", [
      .init(1, "records", .message(ObjectIdentifier(WireSigned.self)), .items(1, 64), repeated: true),
    ])
    table[ObjectIdentifier(WireVerdictNotice.self)] = .init("VerdictNotice", [
      .init(1, "verdict", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireQuarantineNotice.self)] = .init("QuarantineNotice", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "verdict", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(3, "since_ms", .uint64, .integer(1, .max)),
      .init(4, "until_ms", .uint64, .any),
      .init(5, "lifted", .other, .any),
      .init(6, "message", .bytes, .length(0, 1024)),
      .init(7, "descendants", .bytes, .items(0, 256, length: 32, 32), repeated: true),
    ])
    table[ObjectIdentifier(WireMisbehaviourProof.self)] = .init("MisbehaviourProof", [
      .init(1, "kind", .other, .any),
      .init(2, "accused", .bytes, .length(32, 32)),
      .init(3, "statements", .message(ObjectIdentifier(WireSigned.self)), .items(0, 4), repeated: true),
      .init(4, "frames", .bytes, .items(0, 4, length: 1, 524288), repeated: true),
      .init(5, "message", .bytes, .length(0, 1024)),
      .init(6, "hops", .uint32, .integer(0, 8)),
    ])
  }
}
