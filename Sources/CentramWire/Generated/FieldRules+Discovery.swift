// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family discovery.
// swift-format-ignore-file

extension FieldRules {
  static func discovery(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireAddress.self)] = .init("Address", [
      .init(1, "url", .length(1, 256)),
      .init(3, "priority", .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WireRelayRoute.self)] = .init("RelayRoute", [
      .init(1, "relay", .length(32, 32)),
      .init(2, "url", .length(1, 256)),
      .init(3, "expires_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WirePeerRecord.self)] = .init("PeerRecord", [
      .init(1, "key", .length(32, 32)),
      .init(2, "number", .integer(1, .max)),
      .init(3, "made_ms", .integer(1, .max)),
      .init(4, "expires_ms", .integer(1, .max)),
      .init(5, "addresses", .items(0, 16)),
      .init(6, "relays", .items(0, 4)),
      .init(7, "roles", .items(0, 32)),
      .init(8, "network", .lengthOrNone(32, 32)),
      .init(9, "name", .length(0, 64)),
      .init(10, "minimum_version", .integer(1, 65535)),
      .init(11, "maximum_version", .integer(1, 65535)),
    ])
    table[ObjectIdentifier(WireAnnounce.self)] = .init("Announce", [
      .init(1, "record", .required),
      .init(2, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WireWithdrawalRecord.self)] = .init("WithdrawalRecord", [
      .init(1, "key", .length(32, 32)),
      .init(2, "number", .integer(1, .max)),
      .init(3, "made_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireWithdraw.self)] = .init("Withdraw", [
      .init(1, "record", .required),
      .init(2, "hops", .integer(0, 8)),
    ])
    table[ObjectIdentifier(WirePeerExchangeRequest.self)] = .init("PeerExchangeRequest", [
      .init(1, "maximum", .integer(1, 64)),
      .init(2, "transports", .items(0, 16, length: 1, 32)),
      .init(3, "known", .length(0, 2048)),
      .init(4, "salt", .lengthOrNone(16, 16)),
      .init(5, "hashes", .integer(0, 8)),
      .init(6, "network", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WirePeerExchangeReply.self)] = .init("PeerExchangeReply", [
      .init(1, "records", .items(0, 64)),
    ])
    table[ObjectIdentifier(WireFindNode.self)] = .init("FindNode", [
      .init(1, "target", .length(32, 32)),
      .init(2, "maximum", .integer(1, 20)),
    ])
    table[ObjectIdentifier(WireFindNodeReply.self)] = .init("FindNodeReply", [
      .init(1, "records", .items(0, 20)),
      .init(2, "token", .length(0, 64)),
    ])
    table[ObjectIdentifier(WireProviderRecord.self)] = .init("ProviderRecord", [
      .init(1, "content", .length(32, 32)),
      .init(2, "provider", .length(32, 32)),
      .init(4, "number", .integer(1, .max)),
      .init(5, "made_ms", .integer(1, .max)),
      .init(6, "expires_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireProvide.self)] = .init("Provide", [
      .init(1, "record", .required),
      .init(2, "token", .length(1, 64)),
      .init(3, "peer", .required),
    ])
    table[ObjectIdentifier(WireFindProviders.self)] = .init("FindProviders", [
      .init(1, "content", .length(32, 32)),
      .init(2, "maximum", .integer(1, 20)),
    ])
    table[ObjectIdentifier(WireFindProvidersReply.self)] = .init("FindProvidersReply", [
      .init(1, "providers", .items(0, 20)),
      .init(2, "provider_peers", .items(0, 20)),
      .init(3, "nearer", .items(0, 20)),
      .init(4, "token", .length(0, 64)),
    ])
    table[ObjectIdentifier(WireDialResult.self)] = .init("DialResult", [
      .init(1, "url", .length(1, 256)),
      .init(3, "elapsed_us", .integer(0, 3600000000)),
    ])
    table[ObjectIdentifier(WireObservedAddress.self)] = .init("ObservedAddress", [
      .init(2, "url", .length(0, 256)),
      .init(3, "candidates", .items(0, 8, length: 1, 256)),
      .init(4, "nonce", .lengthOrNone(16, 16)),
      .init(5, "results", .items(0, 8)),
    ])
    table[ObjectIdentifier(WireRelayOpen.self)] = .init("RelayOpen", [
      .init(2, "circuit", .lengthOrNone(16, 16)),
      .init(3, "initiator", .lengthOrNone(32, 32)),
      .init(4, "target", .lengthOrNone(32, 32)),
      .init(6, "maximum_ms", .integer(0, 86400000)),
      .init(10, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireHolePunchSync.self)] = .init("HolePunchSync", [
      .init(2, "circuit", .length(16, 16)),
      .init(3, "candidates", .items(0, 8, length: 1, 256)),
      .init(4, "nonce", .length(16, 16)),
      .init(5, "round_trip_us", .integer(0, 60000000)),
      .init(6, "attempt", .integer(1, 8)),
    ])
  }
}
