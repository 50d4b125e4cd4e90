// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family content.
// swift-format-ignore-file

extension FieldRules {
  static func content(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireBlobQuery.self)] = .init("BlobQuery", [
      .init(1, "blobs", .bytes, .items(1, 256, length: 32, 32), repeated: true),
    ])
    table[ObjectIdentifier(WireBlobInfo.self)] = .init("BlobInfo", [
      .init(1, "blob", .bytes, .length(32, 32)),
      .init(2, "size", .uint64, .integer(0, 1125899906842624)),
      .init(3, "chunk_size", .uint32, .integer(1, 1048576)),
      .init(4, "chunk_list", .bytes, .lengthOrNone(32, 32)),
      .init(5, "have", .bytes, .length(0, 65536)),
      .init(6, "price", .uint64, .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireBlobOffer.self)] = .init("BlobOffer", [
      .init(1, "blobs", .message(ObjectIdentifier(WireBlobInfo.self)), .items(0, 256), repeated: true),
      .init(2, "missing", .bytes, .items(0, 256, length: 32, 32), repeated: true),
    ])
    table[ObjectIdentifier(WireBlobRequest.self)] = .init("BlobRequest", [
      .init(1, "blob", .bytes, .length(32, 32)),
      .init(2, "offset", .uint64, .any),
      .init(3, "length", .uint64, .integer(0, 1073741824)),
      .init(4, "priority", .uint32, .integer(0, 255)),
      .init(5, "cancel", .other, .any),
    ])
    table[ObjectIdentifier(WireBlobChunk.self)] = .init("BlobChunk", [
      .init(1, "blob", .bytes, .length(32, 32)),
      .init(2, "offset", .uint64, .any),
      .init(3, "data", .bytes, .length(0, 1048576)),
      .init(4, "last", .other, .any),
      .init(5, "refusal", .other, .any),
      .init(6, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireModelQuery.self)] = .init("ModelQuery", [
      .init(1, "name", .bytes, .length(0, 128)),
      .init(2, "models", .bytes, .items(0, 256, length: 32, 32), repeated: true),
      .init(3, "family", .bytes, .length(0, 64)),
      .init(4, "format", .bytes, .length(0, 64)),
      .init(5, "maximum", .uint32, .integer(1, 64)),
    ])
    table[ObjectIdentifier(WireModelFile.self)] = .init("ModelFile", [
      .init(1, "path", .bytes, .length(1, 256)),
      .init(2, "blob", .message(ObjectIdentifier(WireBlobInfo.self)), .required),
    ])
    table[ObjectIdentifier(WireModelRecord.self)] = .init("ModelRecord", [
      .init(1, "model", .bytes, .length(32, 32)),
      .init(2, "name", .bytes, .length(1, 128)),
      .init(3, "family", .bytes, .length(1, 64)),
      .init(4, "format", .bytes, .length(1, 64)),
      .init(5, "parameters", .uint64, .any),
      .init(6, "layers", .uint32, .integer(0, 65535)),
      .init(7, "width", .uint32, .integer(0, 1048576)),
      .init(8, "vocabulary", .uint32, .integer(0, 16777216)),
      .init(9, "context", .uint32, .integer(0, 16777216)),
      .init(10, "license", .bytes, .length(0, 128)),
      .init(11, "files", .message(ObjectIdentifier(WireModelFile.self)), .items(1, 256), repeated: true),
      .init(12, "derived_from", .bytes, .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireModelManifest.self)] = .init("ModelManifest", [
      .init(1, "models", .message(ObjectIdentifier(WireSigned.self)), .items(0, 64), repeated: true),
      .init(2, "truncated", .other, .any),
    ])
    table[ObjectIdentifier(WireChatTurn.self)] = .init("ChatTurn", [
      .init(1, "role", .bytes, .length(1, 32)),
      .init(2, "text", .bytes, .length(0, 1048576)),
    ])
    table[ObjectIdentifier(WireMixtureMember.self)] = .init("MixtureMember", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "prior", .double, .real(0, 1)),
    ])
    table[ObjectIdentifier(WireInferenceRequest.self)] = .init("InferenceRequest", [
      .init(1, "request", .bytes, .length(16, 16)),
      .init(2, "model", .bytes, .length(32, 32)),
      .init(3, "turns", .message(ObjectIdentifier(WireChatTurn.self)), .items(0, 1024), repeated: true),
      .init(4, "prompt", .bytes, .length(0, 1048576)),
      .init(5, "tokens", .uint32, .items(0, 262144), repeated: true),
      .init(6, "sampling", .message(ObjectIdentifier(WireSampling.self)), .required),
      .init(7, "maximum_tokens", .uint32, .integer(1, 16777216)),
      .init(8, "stop", .bytes, .items(0, 16, length: 1, 256), repeated: true),
      .init(9, "top_log_probabilities", .uint32, .integer(0, 256)),
      .init(10, "adapters", .message(ObjectIdentifier(WireAdapterUse.self)), .items(0, 16), repeated: true),
      .init(11, "mixture", .message(ObjectIdentifier(WireMixtureMember.self)), .items(0, 16), repeated: true),
      .init(12, "profile", .bytes, .length(0, 64)),
      .init(13, "stream", .other, .any),
      .init(14, "deadline_ms", .uint64, .any),
      .init(15, "maximum_price", .uint64, .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireInferenceDelta.self)] = .init("InferenceDelta", [
      .init(1, "request", .bytes, .length(16, 16)),
      .init(2, "index", .uint32, .integer(0, 16777215)),
      .init(3, "text", .bytes, .length(0, 65536)),
      .init(4, "tokens", .message(ObjectIdentifier(WireSampledToken.self)), .items(0, 1024), repeated: true),
    ])
    table[ObjectIdentifier(WireInferenceReceipt.self)] = .init("InferenceReceipt", [
      .init(1, "request", .bytes, .length(16, 16)),
      .init(2, "model", .bytes, .length(32, 32)),
      .init(3, "peer", .bytes, .length(32, 32)),
      .init(4, "client", .bytes, .length(32, 32)),
      .init(5, "prompt_tokens", .uint64, .any),
      .init(6, "completion_tokens", .uint64, .any),
      .init(7, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(8, "weights", .message(ObjectIdentifier(WireMixtureWeight.self)), .items(0, 16), repeated: true),
      .init(9, "made_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireMixtureWeight.self)] = .init("MixtureWeight", [
      .init(1, "genome", .bytes, .length(32, 32)),
      .init(2, "weight", .double, .real(0, 16777216)),
    ])
    table[ObjectIdentifier(WireInferenceDone.self)] = .init("InferenceDone", [
      .init(1, "request", .bytes, .length(16, 16)),
      .init(2, "reason", .other, .any),
      .init(3, "message", .bytes, .length(0, 1024)),
      .init(4, "text", .bytes, .length(0, 1000000)),
      .init(5, "prompt_tokens", .uint32, .integer(0, 16777216)),
      .init(6, "completion_tokens", .uint32, .integer(0, 16777216)),
      .init(7, "prefill_us", .uint64, .any),
      .init(8, "decode_us", .uint64, .any),
      .init(9, "receipt", .message(ObjectIdentifier(WireSigned.self)), .any),
    ])
    table[ObjectIdentifier(WireInferenceCancel.self)] = .init("InferenceCancel", [
      .init(1, "request", .bytes, .length(16, 16)),
      .init(2, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireChatMessage.self)] = .init("ChatMessage", [
      .init(1, "note", .bytes, .length(16, 16)),
      .init(2, "conversation", .bytes, .length(16, 16)),
      .init(3, "text", .bytes, .length(0, 65536)),
      .init(4, "written_ms", .uint64, .integer(1, .max)),
      .init(5, "reply_to", .bytes, .lengthOrNone(16, 16)),
      .init(6, "attachments", .bytes, .items(0, 16, length: 32, 32), repeated: true),
    ])
    table[ObjectIdentifier(WireChatReceipt.self)] = .init("ChatReceipt", [
      .init(1, "notes", .bytes, .items(1, 256, length: 16, 16), repeated: true),
      .init(2, "state", .other, .any),
      .init(3, "at_ms", .uint64, .integer(1, .max)),
    ])
  }
}
