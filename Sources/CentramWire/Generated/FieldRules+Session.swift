// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family session.
// swift-format-ignore-file

extension FieldRules {
  static func session(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireSigned.self)] = .init("Signed", [
      .init(1, "content", .bytes, .length(1, 1048576)),
      .init(2, "signer", .bytes, .length(32, 32)),
      .init(3, "signature", .bytes, .length(64, 64)),
    ])
    table[ObjectIdentifier(WireResume.self)] = .init("Resume", [
      .init(1, "session", .bytes, .length(16, 16)),
      .init(2, "received", .uint64, .any),
    ])
    table[ObjectIdentifier(WireHello.self)] = .init("Hello", [
      .init(1, "minimum_version", .uint32, .integer(1, 65535)),
      .init(2, "maximum_version", .uint32, .integer(1, 65535)),
      .init(3, "ephemeral_key", .bytes, .length(32, 32)),
      .init(4, "nonce", .bytes, .length(32, 32)),
      .init(5, "features", .bytes, .items(0, 64, length: 1, 64), repeated: true),
      .init(6, "resume", .message(ObjectIdentifier(WireResume.self)), .any),
      .init(7, "agent", .bytes, .length(0, 128)),
      .init(8, "network", .bytes, .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireHelloReply.self)] = .init("HelloReply", [
      .init(1, "minimum_version", .uint32, .integer(1, 65535)),
      .init(2, "maximum_version", .uint32, .integer(1, 65535)),
      .init(3, "ephemeral_key", .bytes, .length(32, 32)),
      .init(4, "nonce", .bytes, .length(32, 32)),
      .init(5, "features", .bytes, .items(0, 64, length: 1, 64), repeated: true),
      .init(6, "resume", .message(ObjectIdentifier(WireResume.self)), .any),
      .init(7, "agent", .bytes, .length(0, 128)),
      .init(8, "network", .bytes, .lengthOrNone(32, 32)),
      .init(9, "chosen_version", .uint32, .integer(1, 65535)),
    ])
    table[ObjectIdentifier(WireAuthProof.self)] = .init("AuthProof", [
      .init(1, "transcript", .bytes, .length(32, 32)),
      .init(2, "binding", .other, .any),
      .init(3, "signature", .bytes, .length(64, 64)),
      .init(4, "confirmation", .bytes, .length(32, 32)),
    ])
    table[ObjectIdentifier(WireAuthAccept.self)] = .init("AuthAccept", [
      .init(1, "session", .bytes, .length(16, 16)),
      .init(2, "resumed", .other, .any),
      .init(3, "received", .uint64, .any),
      .init(4, "idle_timeout_ms", .uint32, .integer(1000, 3600000)),
      .init(5, "resume_window_ms", .uint32, .integer(0, 86400000)),
    ])
    table[ObjectIdentifier(WireAuthReject.self)] = .init("AuthReject", [
      .init(1, "reason", .other, .any),
      .init(2, "message", .bytes, .length(0, 512)),
      .init(3, "retry_after_ms", .uint32, .integer(0, 86400000)),
    ])
    table[ObjectIdentifier(WirePluginVersion.self)] = .init("PluginVersion", [
      .init(1, "id", .bytes, .length(1, 128)),
      .init(2, "version", .bytes, .length(1, 64)),
    ])
    table[ObjectIdentifier(WireHeldModel.self)] = .init("HeldModel", [
      .init(1, "model", .bytes, .length(32, 32)),
      .init(2, "name", .bytes, .length(0, 128)),
      .init(3, "first_layer", .uint32, .integer(0, 65535)),
      .init(4, "end_layer", .uint32, .integer(0, 65535)),
      .init(5, "format", .bytes, .length(0, 64)),
      .init(6, "loaded", .other, .any),
    ])
    table[ObjectIdentifier(WireCapabilities.self)] = .init("Capabilities", [
      .init(1, "revision", .uint32, .integer(1, .max)),
      .init(2, "plugins", .message(ObjectIdentifier(WirePluginVersion.self)), .items(0, 512), repeated: true),
      .init(3, "gate_policy", .bytes, .lengthOrNone(32, 32)),
      .init(4, "disabled_gate_layers", .bytes, .items(0, 64, length: 1, 128), repeated: true),
      .init(5, "models", .message(ObjectIdentifier(WireHeldModel.self)), .items(0, 512), repeated: true),
      .init(6, "free_memory", .uint64, .any),
      .init(7, "total_memory", .uint64, .any),
      .init(8, "threads", .uint32, .integer(0, 65535)),
      .init(9, "roles", .other, .items(0, 32), repeated: true),
      .init(10, "profiles", .bytes, .items(0, 32, length: 1, 64), repeated: true),
      .init(11, "maximum_requests", .uint32, .integer(0, 65535)),
      .init(12, "maximum_bytes_in_flight", .uint64, .any),
    ])
    table[ObjectIdentifier(WireCapabilitiesUpdate.self)] = .init("CapabilitiesUpdate", [
      .init(1, "revision", .uint32, .integer(1, .max)),
      .init(2, "plugins_added", .message(ObjectIdentifier(WirePluginVersion.self)), .items(0, 512), repeated: true),
      .init(3, "plugins_removed", .message(ObjectIdentifier(WirePluginVersion.self)), .items(0, 512), repeated: true),
      .init(4, "models_added", .message(ObjectIdentifier(WireHeldModel.self)), .items(0, 512), repeated: true),
      .init(5, "models_removed", .bytes, .items(0, 512, length: 32, 32), repeated: true),
      .init(6, "gate_policy", .bytes, .lengthOrNone(32, 32)),
      .init(7, "disabled_gate_layers", .bytes, .items(0, 64, length: 1, 128), repeated: true),
      .init(8, "free_memory", .uint64, .any),
      .init(9, "roles", .other, .items(0, 32), repeated: true),
    ])
    table[ObjectIdentifier(WirePing.self)] = .init("Ping", [
      .init(1, "nonce", .uint64, .any),
      .init(2, "received", .uint64, .any),
      .init(3, "padding", .bytes, .length(0, 1400)),
      .init(4, "want_capabilities", .other, .any),
    ])
    table[ObjectIdentifier(WirePong.self)] = .init("Pong", [
      .init(1, "nonce", .uint64, .any),
      .init(2, "received", .uint64, .any),
      .init(3, "held_us", .uint64, .integer(0, 3600000000)),
      .init(4, "padding", .bytes, .length(0, 1400)),
    ])
    table[ObjectIdentifier(WireKeyRotationStatement.self)] = .init("KeyRotationStatement", [
      .init(1, "old_key", .bytes, .length(32, 32)),
      .init(2, "new_key", .bytes, .length(32, 32)),
      .init(3, "number", .uint32, .integer(1, .max)),
      .init(4, "effective_ms", .uint64, .integer(1, .max)),
      .init(5, "grace_ms", .uint32, .integer(0, 604800000)),
      .init(6, "compromised", .other, .any),
    ])
    table[ObjectIdentifier(WireKeyRotation.self)] = .init("KeyRotation", [
      .init(1, "statement", .bytes, .length(1, 512)),
      .init(2, "old_signature", .bytes, .length(64, 64)),
      .init(3, "new_signature", .bytes, .length(64, 64)),
    ])
    table[ObjectIdentifier(WireProtocolError.self)] = .init("ProtocolError", [
      .init(1, "code", .other, .any),
      .init(2, "message", .bytes, .length(0, 1024)),
      .init(3, "refused_sequence", .uint64, .any),
      .init(4, "refused_type", .uint32, .integer(0, 65535)),
      .init(5, "retry_after_ms", .uint32, .integer(0, 86400000)),
      .init(6, "closing", .other, .any),
    ])
    table[ObjectIdentifier(WireGoodbye.self)] = .init("Goodbye", [
      .init(1, "reason", .other, .any),
      .init(2, "message", .bytes, .length(0, 512)),
      .init(3, "received", .uint64, .any),
      .init(4, "retry_after_ms", .uint32, .integer(0, 86400000)),
      .init(5, "resumable", .other, .any),
    ])
  }
}
