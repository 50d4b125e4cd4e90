// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family economy.
// swift-format-ignore-file

extension FieldRules {
  static func economy(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireAccountHead.self)] = .init("AccountHead", [
      .init(1, "account", .length(32, 32)),
      .init(4, "digest", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireLedgerHeads.self)] = .init("LedgerHeads", [
      .init(1, "network", .length(32, 32)),
      .init(2, "heads", .items(0, 1024)),
      .init(3, "from", .lengthOrNone(32, 32)),
      .init(4, "next", .lengthOrNone(32, 32)),
      .init(5, "balances", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireAccountRange.self)] = .init("AccountRange", [
      .init(1, "account", .length(32, 32)),
      .init(3, "first", .integer(1, .max)),
      .init(4, "last", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireLedgerRangeRequest.self)] = .init("LedgerRangeRequest", [
      .init(1, "ranges", .items(1, 512)),
      .init(2, "maximum_bytes", .integer(0, 4194304)),
    ])
    table[ObjectIdentifier(WireCertifiedEntry.self)] = .init("CertifiedEntry", [
      .init(1, "entry", .required),
      .init(2, "statements", .items(0, 64)),
    ])
    table[ObjectIdentifier(WireLedgerRange.self)] = .init("LedgerRange", [
      .init(1, "account", .length(32, 32)),
      .init(3, "first", .integer(1, .max)),
      .init(4, "entries", .items(0, 4096)),
    ])
    table[ObjectIdentifier(WireSpendProposal.self)] = .init("SpendProposal", [
      .init(1, "entry", .required),
      .init(2, "credits", .items(0, 256)),
    ])
    table[ObjectIdentifier(WireWitnessStatement.self)] = .init("WitnessStatement", [
      .init(1, "account", .length(32, 32)),
      .init(3, "sequence", .integer(1, .max)),
      .init(4, "digest", .length(32, 32)),
      .init(5, "network", .length(32, 32)),
      .init(6, "signed_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireWitnessSignature.self)] = .init("WitnessSignature", [
      .init(1, "statement", .required),
    ])
    table[ObjectIdentifier(WireWitnessRefusal.self)] = .init("WitnessRefusal", [
      .init(1, "account", .length(32, 32)),
      .init(3, "sequence", .integer(1, .max)),
      .init(4, "digest", .length(32, 32)),
      .init(6, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireSpendCertificate.self)] = .init("SpendCertificate", [
      .init(1, "certificate", .required),
      .init(3, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRoyaltyShare.self)] = .init("RoyaltyShare", [
      .init(1, "account", .length(32, 32)),
      .init(2, "genome", .length(32, 32)),
      .init(3, "amount", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireRoyaltyStatement.self)] = .init("RoyaltyStatement", [
      .init(1, "payment", .required),
      .init(2, "genome", .length(32, 32)),
      .init(3, "amount", .integer(0, 9223372036854775807)),
      .init(4, "rule", .required),
      .init(5, "shares", .items(1, 4096)),
      .init(6, "entry", .required),
    ])
    table[ObjectIdentifier(WireEquivocationProof.self)] = .init("EquivocationProof", [
      .init(1, "first", .required),
      .init(2, "second", .required),
      .init(3, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRekeyRequest.self)] = .init("RekeyRequest", [
      .init(1, "entry", .required),
    ])
    table[ObjectIdentifier(WireRekeyStatement.self)] = .init("RekeyStatement", [
      .init(1, "account", .length(32, 32)),
      .init(2, "old_epoch", .integer(0, 4294967294)),
      .init(3, "new_epoch", .integer(1, .max)),
      .init(5, "digest", .lengthOrNone(32, 32)),
      .init(6, "request", .length(32, 32)),
      .init(7, "signed_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireRekeyCertificate.self)] = .init("RekeyCertificate", [
      .init(1, "entry", .required),
      .init(2, "statements", .items(1, 64)),
      .init(3, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireBalanceDigest.self)] = .init("BalanceDigest", [
      .init(1, "network", .length(32, 32)),
      .init(2, "balances", .length(32, 32)),
      .init(3, "heads", .length(32, 32)),
      .init(6, "total", .integer(0, 9223372036854775807)),
      .init(7, "disputed", .integer(0, 9223372036854775807)),
      .init(8, "witnesses", .integer(1, 64)),
    ])
  }
}
