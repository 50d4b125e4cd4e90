// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family economy.
// swift-format-ignore-file

extension FieldRules {
  static func economy(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireAccountHead.self)] = .init("AccountHead", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "epoch", .uint32, .any),
      .init(3, "sequence", .uint64, .any),
      .init(4, "digest", .bytes, .lengthOrNone(32, 32)),
      .init(5, "frozen", .other, .any),
    ])
    table[ObjectIdentifier(WireLedgerHeads.self)] = .init("LedgerHeads", [
      .init(1, "network", .bytes, .length(32, 32)),
      .init(2, "heads", .message(ObjectIdentifier(WireAccountHead.self)), .items(0, 1024), repeated: true),
      .init(3, "from", .bytes, .lengthOrNone(32, 32)),
      .init(4, "next", .bytes, .lengthOrNone(32, 32)),
      .init(5, "balances", .bytes, .lengthOrNone(32, 32)),
      .init(6, "want_reply", .other, .any),
    ])
    table[ObjectIdentifier(WireAccountRange.self)] = .init("AccountRange", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "epoch", .uint32, .any),
      .init(3, "first", .uint64, .integer(1, .max)),
      .init(4, "last", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireLedgerRangeRequest.self)] = .init("LedgerRangeRequest", [
      .init(1, "ranges", .message(ObjectIdentifier(WireAccountRange.self)), .items(1, 512), repeated: true),
      .init(2, "maximum_bytes", .uint32, .integer(0, 4194304)),
    ])
    table[ObjectIdentifier(WireCertifiedEntry.self)] = .init("CertifiedEntry", [
      .init(1, "entry", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "statements", .message(ObjectIdentifier(WireSigned.self)), .items(0, 64), repeated: true),
    ])
    table[ObjectIdentifier(WireLedgerRange.self)] = .init("LedgerRange", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "epoch", .uint32, .any),
      .init(3, "first", .uint64, .integer(1, .max)),
      .init(4, "entries", .message(ObjectIdentifier(WireCertifiedEntry.self)), .items(0, 4096), repeated: true),
      .init(5, "more", .other, .any),
      .init(6, "last", .other, .any),
    ])
    table[ObjectIdentifier(WireSpendProposal.self)] = .init("SpendProposal", [
      .init(1, "entry", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "credits", .message(ObjectIdentifier(WireCertifiedEntry.self)), .items(0, 256), repeated: true),
    ])
    table[ObjectIdentifier(WireWitnessStatement.self)] = .init("WitnessStatement", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "epoch", .uint32, .any),
      .init(3, "sequence", .uint64, .integer(1, .max)),
      .init(4, "digest", .bytes, .length(32, 32)),
      .init(5, "network", .bytes, .length(32, 32)),
      .init(6, "signed_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireWitnessSignature.self)] = .init("WitnessSignature", [
      .init(1, "statement", .message(ObjectIdentifier(WireSigned.self)), .required),
    ])
    table[ObjectIdentifier(WireWitnessRefusal.self)] = .init("WitnessRefusal", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "epoch", .uint32, .any),
      .init(3, "sequence", .uint64, .integer(1, .max)),
      .init(4, "digest", .bytes, .length(32, 32)),
      .init(5, "reason", .other, .any),
      .init(6, "message", .bytes, .length(0, 512)),
      .init(7, "locked", .message(ObjectIdentifier(WireSigned.self)), .any),
      .init(8, "missing_from", .uint64, .any),
    ])
    table[ObjectIdentifier(WireSpendCertificate.self)] = .init("SpendCertificate", [
      .init(1, "certificate", .message(ObjectIdentifier(WireCertifiedEntry.self)), .required),
      .init(2, "want_acknowledgement", .other, .any),
      .init(3, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRoyaltyShare.self)] = .init("RoyaltyShare", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "genome", .bytes, .length(32, 32)),
      .init(3, "amount", .uint64, .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireRoyaltyStatement.self)] = .init("RoyaltyStatement", [
      .init(1, "payment", .message(ObjectIdentifier(WireCertifiedEntry.self)), .required),
      .init(2, "genome", .bytes, .length(32, 32)),
      .init(3, "amount", .uint64, .integer(0, 9223372036854775807)),
      .init(4, "rule", .message(ObjectIdentifier(WirePluginVersion.self)), .required),
      .init(5, "shares", .message(ObjectIdentifier(WireRoyaltyShare.self)), .items(1, 4096), repeated: true),
      .init(6, "entry", .message(ObjectIdentifier(WireSigned.self)), .required),
    ])
    table[ObjectIdentifier(WireEquivocationProof.self)] = .init("EquivocationProof", [
      .init(1, "first", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "second", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(3, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireRekeyRequest.self)] = .init("RekeyRequest", [
      .init(1, "entry", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "last_certified", .uint64, .any),
    ])
    table[ObjectIdentifier(WireRekeyStatement.self)] = .init("RekeyStatement", [
      .init(1, "account", .bytes, .length(32, 32)),
      .init(2, "old_epoch", .uint32, .integer(0, 4294967294)),
      .init(3, "new_epoch", .uint32, .integer(1, .max)),
      .init(4, "highest_locked", .uint64, .any),
      .init(5, "digest", .bytes, .lengthOrNone(32, 32)),
      .init(6, "request", .bytes, .length(32, 32)),
      .init(7, "signed_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireRekeyCertificate.self)] = .init("RekeyCertificate", [
      .init(1, "entry", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "statements", .message(ObjectIdentifier(WireSigned.self)), .items(1, 64), repeated: true),
      .init(3, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireBalanceDigest.self)] = .init("BalanceDigest", [
      .init(1, "network", .bytes, .length(32, 32)),
      .init(2, "balances", .bytes, .length(32, 32)),
      .init(3, "heads", .bytes, .length(32, 32)),
      .init(4, "accounts", .uint64, .any),
      .init(5, "entries", .uint64, .any),
      .init(6, "total", .uint64, .integer(0, 9223372036854775807)),
      .init(7, "disputed", .uint64, .integer(0, 9223372036854775807)),
      .init(8, "witnesses", .uint32, .integer(1, 64)),
    ])
  }
}
