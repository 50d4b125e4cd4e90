// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family discovery.
// swift-format-ignore-file

extension FieldRules {
  static func discovery(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireAddress.self)] = .init("Address", [
      .init(1, "url", .bytes, .length(1, 256)),
      .init(2, "scope", .other, .any),
      .init(3, "priority", .uint32, .integer(0, 65535)),
      .init(4, "confirmed", .other, .any),
    ])
    table[ObjectIdentifier(WireRelayRoute.self)] = .init("RelayRoute", [
      .init(1, "relay", .bytes, .length(32, 32)),
      .init(2, "url", .bytes, .length(1, 256)),
      .init(3, "expires_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WirePeerRecord.self)] = .init("PeerRecord", [
      .init(1, "key", .bytes, .length(32, 32)),
      .init(2, "number", .uint64, .integer(1, .max)),
      .init(3, "made_ms", .uint64, .integer(1, .max)),
      .init(4, "expires_ms", .uint64, .integer(1, .max)),
      .init(5, "addresses", .message(ObjectIdentifier(WireAddress.self)), .items(0, 16), repeated: true),
      .init(6, "relays", .message(ObjectIdentifier(WireRelayRoute.self)), .items(0, 4), repeated: true),
      .init(7, "roles", .other, .items(0, 32), repeated: true),
      .init(8, "network", .bytes, .lengthOrNone(32, 32)),
      .init(9, "name", .bytes, .length(0, 64)),
      .init(10, "minimum_version", .uint32, .integer(1, 65535)),
      .init(11, "maximum_version", .uint32, .integer(1, 65535)),
    ])
    table[ObjectIdentifier(WireAnnounce.self)] = .init("Announce", [
      .init(1, "record", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireWithdrawalRecord.self)] = .init("WithdrawalRecord", [
      .init(1, "key", .bytes, .length(32, 32)),
      .init(2, "number", .uint64, .integer(1, .max)),
      .init(3, "made_ms", .uint64, .integer(1, .max)),
      .init(4, "reason", .other, .any),
    ])
    table[ObjectIdentifier(WireWithdraw.self)] = .init("Withdraw", [
      .init(1, "record", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "hops", .uint32, .integer(0, 8)),
    ])
    table[ObjectIdentifier(WirePeerExchangeRequest.self)] = .init("PeerExchangeRequest", [
      .init(1, "maximum", .uint32, .integer(1, 64)),
      .init(2, "transports", .bytes, .items(0, 16, length: 1, 32), repeated: true),
      .init(3, "known", .bytes, .length(0, 2048)),
      .init(4, "salt", .bytes, .lengthOrNone(16, 16)),
      .init(5, "hashes", .uint32, .integer(0, 8)),
      .init(6, "network", .bytes, .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WirePeerExchangeReply.self)] = .init("PeerExchangeReply", [
      .init(1, "records", .message(ObjectIdentifier(WireSigned.self)), .items(0, 64), repeated: true),
      .init(2, "truncated", .other, .any),
    ])
    table[ObjectIdentifier(WireFindNode.self)] = .init("FindNode", [
      .init(1, "target", .bytes, .length(32, 32)),
      .init(2, "maximum", .uint32, .integer(1, 20)),
    ])
    table[ObjectIdentifier(WireFindNodeReply.self)] = .init("FindNodeReply", [
      .init(1, "records", .message(ObjectIdentifier(WireSigned.self)), .items(0, 20), repeated: true),
      .init(2, "token", .bytes, .length(0, 64)),
    ])
    table[ObjectIdentifier(WireProviderRecord.self)] = .init("ProviderRecord", [
      .init(1, "content", .bytes, .length(32, 32)),
      .init(2, "provider", .bytes, .length(32, 32)),
      .init(3, "kind", .other, .any),
      .init(4, "number", .uint64, .integer(1, .max)),
      .init(5, "made_ms", .uint64, .integer(1, .max)),
      .init(6, "expires_ms", .uint64, .integer(1, .max)),
      .init(7, "size", .uint64, .any),
    ])
    table[ObjectIdentifier(WireProvide.self)] = .init("Provide", [
      .init(1, "record", .message(ObjectIdentifier(WireSigned.self)), .required),
      .init(2, "token", .bytes, .length(1, 64)),
      .init(3, "peer", .message(ObjectIdentifier(WireSigned.self)), .required),
    ])
    table[ObjectIdentifier(WireFindProviders.self)] = .init("FindProviders", [
      .init(1, "content", .bytes, .length(32, 32)),
      .init(2, "maximum", .uint32, .integer(1, 20)),
      .init(3, "kind", .other, .any),
    ])
    table[ObjectIdentifier(WireFindProvidersReply.self)] = .init("FindProvidersReply", [
      .init(1, "providers", .message(ObjectIdentifier(WireSigned.self)), .items(0, 20), repeated: true),
      .init(2, "provider_peers", .message(ObjectIdentifier(WireSigned.self)), .items(0, 20), repeated: true),
      .init(3, "nearer", .message(ObjectIdentifier(WireSigned.self)), .items(0, 20), repeated: true),
      .init(4, "token", .bytes, .length(0, 64)),
    ])
    table[ObjectIdentifier(WireDialResult.self)] = .init("DialResult", [
      .init(1, "url", .bytes, .length(1, 256)),
      .init(2, "outcome", .other, .any),
      .init(3, "elapsed_us", .uint64, .integer(0, 3600000000)),
    ])
    table[ObjectIdentifier(WireObservedAddress.self)] = .init("ObservedAddress", [
      .init(1, "step", .other, .any),
      .init(2, "url", .bytes, .length(0, 256)),
      .init(3, "candidates", .bytes, .items(0, 8, length: 1, 256), repeated: true),
      .init(4, "nonce", .bytes, .lengthOrNone(16, 16)),
      .init(5, "results", .message(ObjectIdentifier(WireDialResult.self)), .items(0, 8), repeated: true),
    ])
    table[ObjectIdentifier(WireRelayOpen.self)] = .init("RelayOpen", [
      .init(1, "step", .other, .any),
      .init(2, "circuit", .bytes, .lengthOrNone(16, 16)),
      .init(3, "initiator", .bytes, .lengthOrNone(32, 32)),
      .init(4, "target", .bytes, .lengthOrNone(32, 32)),
      .init(5, "maximum_bytes", .uint64, .any),
      .init(6, "maximum_ms", .uint32, .integer(0, 86400000)),
      .init(7, "bytes_per_second", .uint64, .any),
      .init(8, "expires_ms", .uint64, .any),
      .init(9, "reason", .other, .any),
      .init(10, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireHolePunchSync.self)] = .init("HolePunchSync", [
      .init(1, "step", .other, .any),
      .init(2, "circuit", .bytes, .length(16, 16)),
      .init(3, "candidates", .bytes, .items(0, 8, length: 1, 256), repeated: true),
      .init(4, "nonce", .bytes, .length(16, 16)),
      .init(5, "round_trip_us", .uint64, .integer(0, 60000000)),
      .init(6, "attempt", .uint32, .integer(1, 8)),
      .init(7, "connected", .other, .any),
    ])
  }
}
