// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family lineage.
// swift-format-ignore-file

extension FieldRules {
  static func lineage(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireLineageQuery.self)] = .init("LineageQuery", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "depth", .integer(1, 256)),
      .init(3, "maximum", .integer(1, 256)),
      .init(4, "known", .items(0, 256, length: 32, 32)),
      .init(5, "cursor", .length(0, 64)),
    ])
    table[ObjectIdentifier(WireLineageReply.self)] = .init("LineageReply", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "manifests", .items(0, 256)),
      .init(3, "missing", .items(0, 256, length: 32, 32)),
      .init(4, "cursor", .length(0, 64)),
    ])
    table[ObjectIdentifier(WireMeasure.self)] = .init("Measure", [
      .init(1, "name", .length(1, 64)),
      .init(2, "value", .finite),
      .init(3, "limit", .finite),
      .init(4, "unit", .length(0, 32)),
    ])
    table[ObjectIdentifier(WireVerdict.self)] = .init("Verdict", [
      .init(1, "subject", .length(32, 32)),
      .init(2, "layer", .length(0, 128)),
      .init(3, "layer_version", .length(0, 64)),
      .init(6, "factor", .real(0, 1)),
      .init(7, "reason", .length(0, 1024)),
      .init(8, "measures", .items(0, 64)),
      .init(9, "decided_ms", .integer(1, .max)),
      .init(10, "policy", .lengthOrNone(32, 32)),
      .init(11, "disabled_layers", .items(0, 64, length: 1, 128)),
    ])
    table[ObjectIdentifier(WireAttestationQuery.self)] = .init("AttestationQuery", [
      .init(1, "genomes", .items(1, 256, length: 32, 32)),
      .init(2, "layer", .length(0, 128)),
      .init(4, "maximum", .integer(1, 256)),
    ])
    table[ObjectIdentifier(WireAttestation.self)] = .init("Attestation", [
      .init(1, "verdicts", .items(0, 256)),
    ])
    table[ObjectIdentifier(WireFitnessQuery.self)] = .init("FitnessQuery", [
      .init(1, "genomes", .items(1, 256, length: 32, 32)),
      .init(2, "domains", .items(0, 32, length: 1, 128)),
      .init(3, "base", .lengthOrNone(32, 32)),
      .init(5, "maximum", .integer(1, 256)),
    ])
    table[ObjectIdentifier(WireDomainFitness.self)] = .init("DomainFitness", [
      .init(1, "domain", .length(1, 128)),
      .init(2, "lift", .finite),
      .init(3, "lower", .finite),
      .init(4, "upper", .finite),
      .init(5, "sequences", .integer(1, 1000000)),
    ])
    table[ObjectIdentifier(WireFitnessRecord.self)] = .init("FitnessRecord", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "base", .length(32, 32)),
      .init(3, "scale", .real(0, 16)),
      .init(4, "domains", .items(1, 64)),
      .init(5, "holdout", .length(32, 32)),
      .init(6, "profile", .length(0, 64)),
      .init(7, "measured_ms", .integer(1, .max)),
      .init(8, "job", .lengthOrNone(16, 16)),
    ])
    table[ObjectIdentifier(WireFitnessReport.self)] = .init("FitnessReport", [
      .init(1, "records", .items(0, 256)),
    ])
    table[ObjectIdentifier(WireEvaluationRequest.self)] = .init("EvaluationRequest", [
      .init(1, "job", .length(16, 16)),
      .init(2, "genome", .length(32, 32)),
      .init(3, "base", .length(32, 32)),
      .init(4, "domains", .items(0, 32, length: 1, 128)),
      .init(5, "sequences", .integer(1, 100000)),
      .init(6, "scales", .items(0, 8, real: 0, 16)),
      .init(7, "profile", .length(0, 64)),
      .init(8, "deadline_ms", .integer(1, .max)),
      .init(9, "maximum_price", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireEvaluationResult.self)] = .init("EvaluationResult", [
      .init(1, "job", .length(16, 16)),
      .init(3, "records", .items(0, 8)),
      .init(4, "message", .length(0, 1024)),
      .init(5, "price", .integer(0, 9223372036854775807)),
      .init(6, "elapsed_ms", .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WirePrivacyRecord.self)] = .init("PrivacyRecord", [
      .init(1, "genome", .lengthOrNone(32, 32)),
      .init(2, "node", .length(32, 32)),
      .init(3, "epsilon", .real(0, 1000000)),
      .init(4, "delta", .real(0, 1)),
      .init(5, "noise_multiplier", .real(0, 1000000)),
      .init(6, "clip_norm", .real(0, 1000000000)),
      .init(7, "sampling_rate", .real(0, 1)),
      .init(10, "accountant", .length(0, 64)),
      .init(11, "lifetime_epsilon", .real(0, 1000000)),
      .init(12, "made_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WirePrivacyStatement.self)] = .init("PrivacyStatement", [
      .init(1, "records", .items(1, 64)),
    ])
    table[ObjectIdentifier(WireVerdictNotice.self)] = .init("VerdictNotice", [
      .init(1, "verdict", .required),
      .init(2, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireQuarantineNotice.self)] = .init("QuarantineNotice", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "verdict", .required),
      .init(3, "since_ms", .integer(1, .max)),
      .init(6, "message", .length(0, 1024)),
      .init(7, "descendants", .items(0, 256, length: 32, 32)),
    ])
    table[ObjectIdentifier(WireMisbehaviourProof.self)] = .init("MisbehaviourProof", [
      .init(2, "accused", .length(32, 32)),
      .init(3, "statements", .items(0, 4)),
      .init(4, "frames", .items(0, 4, length: 1, 524288)),
      .init(5, "message", .length(0, 1024)),
      .init(6, "hops", .integer(0, 8)),
    ])
  }
}
