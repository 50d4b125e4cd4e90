// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family content.
// swift-format-ignore-file

extension FieldRules {
  static func content(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireBlobQuery.self)] = .init("BlobQuery", [
      .init(1, "blobs", .items(1, 256, length: 32, 32)),
    ])
    table[ObjectIdentifier(WireBlobInfo.self)] = .init("BlobInfo", [
      .init(1, "blob", .length(32, 32)),
      .init(2, "size", .integer(0, 1125899906842624)),
      .init(3, "chunk_size", .integer(1, 1048576)),
      .init(4, "chunk_list", .lengthOrNone(32, 32)),
      .init(5, "have", .length(0, 65536)),
      .init(6, "price", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireBlobOffer.self)] = .init("BlobOffer", [
      .init(1, "blobs", .items(0, 256)),
      .init(2, "missing", .items(0, 256, length: 32, 32)),
    ])
    table[ObjectIdentifier(WireBlobRequest.self)] = .init("BlobRequest", [
      .init(1, "blob", .length(32, 32)),
      .init(3, "length", .integer(0, 1073741824)),
      .init(4, "priority", .integer(0, 255)),
    ])
    table[ObjectIdentifier(WireBlobChunk.self)] = .init("BlobChunk", [
      .init(1, "blob", .length(32, 32)),
      .init(3, "data", .length(0, 1048576)),
      .init(6, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireModelQuery.self)] = .init("ModelQuery", [
      .init(1, "name", .length(0, 128)),
      .init(2, "models", .items(0, 256, length: 32, 32)),
      .init(3, "family", .length(0, 64)),
      .init(4, "format", .length(0, 64)),
      .init(5, "maximum", .integer(1, 64)),
    ])
    table[ObjectIdentifier(WireModelFile.self)] = .init("ModelFile", [
      .init(1, "path", .length(1, 256)),
      .init(2, "blob", .required),
    ])
    table[ObjectIdentifier(WireModelRecord.self)] = .init("ModelRecord", [
      .init(1, "model", .length(32, 32)),
      .init(2, "name", .length(1, 128)),
      .init(3, "family", .length(1, 64)),
      .init(4, "format", .length(1, 64)),
      .init(6, "layers", .integer(0, 65535)),
      .init(7, "width", .integer(0, 1048576)),
      .init(8, "vocabulary", .integer(0, 16777216)),
      .init(9, "context", .integer(0, 16777216)),
      .init(10, "license", .length(0, 128)),
      .init(11, "files", .items(1, 256)),
      .init(12, "derived_from", .lengthOrNone(32, 32)),
    ])
    table[ObjectIdentifier(WireModelManifest.self)] = .init("ModelManifest", [
      .init(1, "models", .items(0, 64)),
    ])
    table[ObjectIdentifier(WireChatTurn.self)] = .init("ChatTurn", [
      .init(1, "role", .length(1, 32)),
      .init(2, "text", .length(0, 1048576)),
    ])
    table[ObjectIdentifier(WireMixtureMember.self)] = .init("MixtureMember", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "prior", .real(0, 1)),
    ])
    table[ObjectIdentifier(WireInferenceRequest.self)] = .init("InferenceRequest", [
      .init(1, "request", .length(16, 16)),
      .init(2, "model", .length(32, 32)),
      .init(3, "turns", .items(0, 1024)),
      .init(4, "prompt", .length(0, 1048576)),
      .init(5, "tokens", .items(0, 262144)),
      .init(6, "sampling", .required),
      .init(7, "maximum_tokens", .integer(1, 16777216)),
      .init(8, "stop", .items(0, 16, length: 1, 256)),
      .init(9, "top_log_probabilities", .integer(0, 256)),
      .init(10, "adapters", .items(0, 16)),
      .init(11, "mixture", .items(0, 16)),
      .init(12, "profile", .length(0, 64)),
      .init(15, "maximum_price", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireInferenceDelta.self)] = .init("InferenceDelta", [
      .init(1, "request", .length(16, 16)),
      .init(2, "index", .integer(0, 16777215)),
      .init(3, "text", .length(0, 65536)),
      .init(4, "tokens", .items(0, 1024)),
    ])
    table[ObjectIdentifier(WireInferenceReceipt.self)] = .init("InferenceReceipt", [
      .init(1, "request", .length(16, 16)),
      .init(2, "model", .length(32, 32)),
      .init(3, "peer", .length(32, 32)),
      .init(4, "client", .length(32, 32)),
      .init(7, "price", .integer(0, 9223372036854775807)),
      .init(8, "weights", .items(0, 16)),
      .init(9, "made_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireMixtureWeight.self)] = .init("MixtureWeight", [
      .init(1, "genome", .length(32, 32)),
      .init(2, "weight", .real(0, 16777216)),
    ])
    table[ObjectIdentifier(WireInferenceDone.self)] = .init("InferenceDone", [
      .init(1, "request", .length(16, 16)),
      .init(3, "message", .length(0, 1024)),
      .init(4, "text", .length(0, 1000000)),
      .init(5, "prompt_tokens", .integer(0, 16777216)),
      .init(6, "completion_tokens", .integer(0, 16777216)),
    ])
    table[ObjectIdentifier(WireInferenceCancel.self)] = .init("InferenceCancel", [
      .init(1, "request", .length(16, 16)),
      .init(2, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireChatMessage.self)] = .init("ChatMessage", [
      .init(1, "note", .length(16, 16)),
      .init(2, "conversation", .length(16, 16)),
      .init(3, "text", .length(0, 65536)),
      .init(4, "written_ms", .integer(1, .max)),
      .init(5, "reply_to", .lengthOrNone(16, 16)),
      .init(6, "attachments", .items(0, 16, length: 32, 32)),
    ])
    table[ObjectIdentifier(WireChatReceipt.self)] = .init("ChatReceipt", [
      .init(1, "notes", .items(1, 256, length: 16, 16)),
      .init(3, "at_ms", .integer(1, .max)),
    ])
  }
}
