// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family session.
// swift-format-ignore-file

extension FieldRules {
  static func session(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireSigned.self)] = .init("Signed", [
      .init(1, "content", .length(1, 1048576)),
      .init(2, "signer", .length(32, 32)),
      .init(3, "signature", .length(64, 64)),
    ])
    table[ObjectIdentifier(WireResume.self)] = .init("Resume", [
      .init(1, "session", .length(16, 16)),
    ])
    table[ObjectIdentifier(WireHello.self)] = .init("Hello", [
      .init(1, "minimum_version", .integer(1, 65535)),
      .init(2, "maximum_version", .integer(1, 65535)),
      .init(3, "ephemeral_key", .length(32, 32)),
      .init(4, "nonce", .length(32, 32)),
      .init(5, "features", .items(0, 64, length: 1, 64)),
      .init(7, "agent", .length(0, 128)),
      .init(8, "network", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireHelloReply.self)] = .init("HelloReply", [
      .init(1, "minimum_version", .integer(1, 65535)),
      .init(2, "maximum_version", .integer(1, 65535)),
      .init(3, "ephemeral_key", .length(32, 32)),
      .init(4, "nonce", .length(32, 32)),
      .init(5, "features", .items(0, 64, length: 1, 64)),
      .init(7, "agent", .length(0, 128)),
      .init(8, "network", .lengthOrNone(32, 32)),
      .init(9, "chosen_version", .integer(1, 65535)),
    ])
    table[ObjectIdentifier(WireAuthProof.self)] = .init("AuthProof", [
      .init(1, "transcript", .length(32, 32)),
      .init(3, "signature", .length(64, 64)),
      .init(4, "confirmation", .length(32, 32)),
    ])
    table[ObjectIdentifier(WireAuthAccept.self)] = .init("AuthAccept", [
      .init(1, "session", .length(16, 16)),
      .init(4, "idle_timeout_ms", .integer(1000, 3600000)),
      .init(5, "resume_window_ms", .integer(0, 86400000)),
    ])
    table[ObjectIdentifier(WireAuthReject.self)] = .init("AuthReject", [
      .init(2, "message", .length(0, 512)),
      .init(3, "retry_after_ms", .integer(0, 86400000)),
    ])
    table[ObjectIdentifier(WirePluginVersion.self)] = .init("PluginVersion", [
      .init(1, "id", .length(1, 128)),
      .init(2, "version", .length(1, 64)),
    ])
    table[ObjectIdentifier(WireHeldModel.self)] = .init("HeldModel", [
      .init(1, "model", .length(32, 32)),
      .init(2, "name", .length(0, 128)),
      .init(3, "first_layer", .integer(0, 65535)),
      .init(4, "end_layer", .integer(0, 65535)),
      .init(5, "format", .length(0, 64)),
    ])
    table[ObjectIdentifier(WireCapabilities.self)] = .init("Capabilities", [
      .init(1, "revision", .integer(1, .max)),
      .init(2, "plugins", .items(0, 512)),
      .init(3, "gate_policy", .lengthOrNone(32, 32)),
      .init(4, "disabled_gate_layers", .items(0, 64, length: 1, 128)),
      .init(5, "models", .items(0, 512)),
      .init(8, "threads", .integer(0, 65535)),
      .init(9, "roles", .items(0, 32)),
      .init(10, "profiles", .items(0, 32, length: 1, 64)),
      .init(11, "maximum_requests", .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WireCapabilitiesUpdate.self)] = .init("CapabilitiesUpdate", [
      .init(1, "revision", .integer(1, .max)),
      .init(2, "plugins_added", .items(0, 512)),
      .init(3, "plugins_removed", .items(0, 512)),
      .init(4, "models_added", .items(0, 512)),
      .init(5, "models_removed", .items(0, 512, length: 32, 32)),
      .init(6, "gate_policy", .lengthOrNone(32, 32)),
      .init(7, "disabled_gate_layers", .items(0, 64, length: 1, 128)),
      .init(9, "roles", .items(0, 32)),
    ])
    table[ObjectIdentifier(WirePing.self)] = .init("Ping", [
      .init(3, "padding", .length(0, 1400)),
    ])
    table[ObjectIdentifier(WirePong.self)] = .init("Pong", [
      .init(3, "held_us", .integer(0, 3600000000)),
      .init(4, "padding", .length(0, 1400)),
    ])
    table[ObjectIdentifier(WireKeyRotationStatement.self)] = .init("KeyRotationStatement", [
      .init(1, "old_key", .length(32, 32)),
      .init(2, "new_key", .length(32, 32)),
      .init(3, "number", .integer(1, .max)),
      .init(4, "effective_ms", .integer(1, .max)),
      .init(5, "grace_ms", .integer(0, 604800000)),
    ])
    table[ObjectIdentifier(WireKeyRotation.self)] = .init("KeyRotation", [
      .init(1, "statement", .length(1, 512)),
      .init(2, "old_signature", .length(64, 64)),
      .init(3, "new_signature", .length(64, 64)),
    ])
    table[ObjectIdentifier(WireProtocolError.self)] = .init("ProtocolError", [
      .init(2, "message", .length(0, 1024)),
      .init(4, "refused_type", .integer(0, 65535)),
      .init(5, "retry_after_ms", .integer(0, 86400000)),
    ])
    table[ObjectIdentifier(WireGoodbye.self)] = .init("Goodbye", [
      .init(2, "message", .length(0, 512)),
      .init(4, "retry_after_ms", .integer(0, 86400000)),
    ])
  }
}
