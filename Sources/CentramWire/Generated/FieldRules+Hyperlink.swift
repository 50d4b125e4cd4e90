// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family hyperlink.
// swift-format-ignore-file

extension FieldRules {
  static func hyperlink(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireLayerRange.self)] = .init("LayerRange", [
      .init(1, "first", .uint32, .integer(0, 65535)),
      .init(2, "end", .uint32, .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WirePipelineProbe.self)] = .init("PipelineProbe", [
      .init(1, "probe", .bytes, .length(16, 16)),
      .init(2, "model", .bytes, .length(32, 32)),
      .init(3, "layers", .message(ObjectIdentifier(WireLayerRange.self)), .required),
      .init(4, "prefill_tokens", .uint32, .integer(0, 4096)),
      .init(5, "decode_tokens", .uint32, .integer(0, 256)),
      .init(6, "profile", .bytes, .length(0, 64)),
      .init(7, "peers", .bytes, .items(0, 32, length: 32, 32), repeated: true),
      .init(8, "padding", .bytes, .length(0, 65536)),
    ])
    table[ObjectIdentifier(WireLinkMeasure.self)] = .init("LinkMeasure", [
      .init(1, "peer", .bytes, .length(32, 32)),
      .init(2, "round_trip_us", .uint64, .integer(0, 60000000)),
      .init(3, "bytes_per_second", .uint64, .any),
      .init(4, "relayed", .other, .any),
    ])
    table[ObjectIdentifier(WirePipelineProbeReply.self)] = .init("PipelineProbeReply", [
      .init(1, "probe", .bytes, .length(16, 16)),
      .init(2, "prefill_ns", .uint64, .any),
      .init(3, "decode_ns", .uint64, .any),
      .init(4, "embed_ns", .uint64, .any),
      .init(5, "head_ns", .uint64, .any),
      .init(6, "free_memory", .uint64, .any),
      .init(7, "cache_bytes", .uint64, .any),
      .init(8, "layer_bytes", .uint64, .any),
      .init(9, "loaded", .message(ObjectIdentifier(WireLayerRange.self)), .items(0, 64), repeated: true),
      .init(10, "links", .message(ObjectIdentifier(WireLinkMeasure.self)), .items(0, 32), repeated: true),
      .init(11, "open_sessions", .uint32, .integer(0, 65535)),
      .init(12, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(13, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireStage.self)] = .init("Stage", [
      .init(1, "peer", .bytes, .length(32, 32)),
      .init(2, "layers", .message(ObjectIdentifier(WireLayerRange.self)), .required),
      .init(3, "embeds", .other, .any),
      .init(4, "samples", .other, .any),
      .init(5, "url", .bytes, .length(0, 256)),
      .init(6, "predicted_us", .uint64, .integer(0, 3600000000)),
    ])
    table[ObjectIdentifier(WirePipelinePlan.self)] = .init("PipelinePlan", [
      .init(1, "plan", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "model", .bytes, .length(32, 32)),
      .init(4, "profile", .bytes, .length(1, 64)),
      .init(5, "encoding", .other, .any),
      .init(6, "stages", .message(ObjectIdentifier(WireStage.self)), .items(1, 64), repeated: true),
      .init(7, "stage", .uint32, .integer(0, 63)),
      .init(8, "context", .uint32, .integer(1, 16777216)),
      .init(9, "sessions", .uint32, .integer(1, 4096)),
      .init(10, "expires_ms", .uint64, .integer(1, .max)),
      .init(11, "maximum_price", .uint64, .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WirePipelinePlanReply.self)] = .init("PipelinePlanReply", [
      .init(1, "plan", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "accepted", .other, .any),
      .init(4, "reason", .other, .any),
      .init(5, "message", .bytes, .length(0, 512)),
      .init(6, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(7, "reserved_memory", .uint64, .any),
    ])
    table[ObjectIdentifier(WireShardLoad.self)] = .init("ShardLoad", [
      .init(1, "plan", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "model", .bytes, .length(32, 32)),
      .init(4, "format", .bytes, .length(0, 64)),
      .init(5, "layers", .message(ObjectIdentifier(WireLayerRange.self)), .required),
      .init(6, "embedding", .other, .any),
      .init(7, "head", .other, .any),
      .init(8, "adapters", .bytes, .items(0, 16, length: 32, 32), repeated: true),
      .init(9, "sources", .bytes, .items(0, 32, length: 32, 32), repeated: true),
      .init(10, "deadline_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireShardReady.self)] = .init("ShardReady", [
      .init(1, "plan", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "state", .other, .any),
      .init(4, "bytes_done", .uint64, .any),
      .init(5, "bytes_total", .uint64, .any),
      .init(6, "weights", .bytes, .lengthOrNone(32, 32)),
      .init(7, "elapsed_ms", .uint32, .integer(0, 604800000)),
      .init(8, "message", .bytes, .length(0, 512)),
    ])
    table[ObjectIdentifier(WireSampling.self)] = .init("Sampling", [
      .init(1, "temperature", .float, .real(0, 100)),
      .init(2, "top_k", .uint32, .integer(0, 1048576)),
      .init(3, "top_p", .float, .real(0, 1)),
      .init(4, "min_p", .float, .real(0, 1)),
      .init(5, "repetition_penalty", .float, .real(0, 100)),
      .init(6, "repetition_window", .uint32, .integer(0, 16777216)),
      .init(7, "seed", .uint64, .any),
    ])
    table[ObjectIdentifier(WireAdapterUse.self)] = .init("AdapterUse", [
      .init(1, "adapter", .bytes, .length(32, 32)),
      .init(2, "scale", .float, .finite),
    ])
    table[ObjectIdentifier(WireSessionOpen.self)] = .init("SessionOpen", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "plan", .bytes, .length(16, 16)),
      .init(3, "epoch", .uint32, .integer(1, .max)),
      .init(4, "stage", .uint32, .integer(0, 63)),
      .init(5, "context", .uint32, .integer(1, 16777216)),
      .init(6, "sampling", .message(ObjectIdentifier(WireSampling.self)), .required),
      .init(7, "top_log_probabilities", .uint32, .integer(0, 256)),
      .init(8, "adapters", .message(ObjectIdentifier(WireAdapterUse.self)), .items(0, 16), repeated: true),
      .init(9, "encoding", .other, .any),
      .init(10, "skip_signatures", .other, .any),
      .init(11, "coordinator", .bytes, .length(32, 32)),
      .init(12, "window", .uint32, .integer(1, 256)),
      .init(13, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(14, "audit_bps", .uint32, .integer(0, 10000)),
      .init(15, "stop_tokens", .uint32, .items(0, 64), repeated: true),
    ])
    table[ObjectIdentifier(WireSessionReady.self)] = .init("SessionReady", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "stage", .uint32, .integer(0, 63)),
      .init(4, "accepted", .other, .any),
      .init(5, "reason", .other, .any),
      .init(6, "message", .bytes, .length(0, 512)),
      .init(7, "skip_signatures", .other, .any),
      .init(8, "window", .uint32, .integer(0, 256)),
      .init(9, "position", .uint32, .integer(0, 16777216)),
    ])
    table[ObjectIdentifier(WireActivations.self)] = .init("Activations", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "stage", .uint32, .integer(0, 63)),
      .init(4, "step", .uint64, .integer(1, .max)),
      .init(5, "position", .uint32, .integer(0, 16777215)),
      .init(6, "count", .uint32, .integer(1, 8192)),
      .init(7, "width", .uint32, .integer(0, 1048576)),
      .init(8, "encoding", .other, .any),
      .init(9, "data", .bytes, .length(0, 8388608)),
      .init(10, "tokens", .uint32, .items(0, 8192), repeated: true),
      .init(11, "sample", .other, .any),
      .init(12, "draft", .uint32, .integer(0, 64)),
    ])
    table[ObjectIdentifier(WireTokenProbability.self)] = .init("TokenProbability", [
      .init(1, "token", .uint32, .any),
      .init(2, "log_probability", .float, .finite),
    ])
    table[ObjectIdentifier(WireSampledToken.self)] = .init("SampledToken", [
      .init(1, "token", .uint32, .any),
      .init(2, "log_probability", .float, .finite),
      .init(3, "top", .message(ObjectIdentifier(WireTokenProbability.self)), .items(0, 256), repeated: true),
    ])
    table[ObjectIdentifier(WireSampledTokens.self)] = .init("SampledTokens", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "step", .uint64, .integer(1, .max)),
      .init(4, "position", .uint32, .integer(0, 16777216)),
      .init(5, "tokens", .message(ObjectIdentifier(WireSampledToken.self)), .items(1, 65), repeated: true),
      .init(6, "accepted", .uint32, .integer(0, 64)),
      .init(7, "stopped", .other, .any),
      .init(8, "stage_us", .uint64, .items(0, 64), repeated: true),
    ])
    table[ObjectIdentifier(WireSessionRewind.self)] = .init("SessionRewind", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "position", .uint32, .integer(0, 16777216)),
      .init(4, "next_step", .uint64, .integer(1, .max)),
      .init(5, "reason", .other, .any),
      .init(6, "next_peer", .bytes, .lengthOrNone(32, 32)),
      .init(7, "next_url", .bytes, .length(0, 256)),
    ])
    table[ObjectIdentifier(WireStageReceipt.self)] = .init("StageReceipt", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "stage", .uint32, .integer(0, 63)),
      .init(3, "peer", .bytes, .length(32, 32)),
      .init(4, "coordinator", .bytes, .length(32, 32)),
      .init(5, "prefill_tokens", .uint64, .any),
      .init(6, "decode_tokens", .uint64, .any),
      .init(7, "compute_us", .uint64, .any),
      .init(8, "price", .uint64, .integer(0, 9223372036854775807)),
      .init(9, "trace", .bytes, .lengthOrNone(32, 32)),
      .init(10, "made_ms", .uint64, .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireSessionClose.self)] = .init("SessionClose", [
      .init(1, "pipeline", .bytes, .length(16, 16)),
      .init(2, "epoch", .uint32, .integer(1, .max)),
      .init(3, "stage", .uint32, .integer(0, 63)),
      .init(4, "reason", .other, .any),
      .init(5, "message", .bytes, .length(0, 512)),
      .init(6, "receipt", .message(ObjectIdentifier(WireSigned.self)), .any),
    ])
  }
}
