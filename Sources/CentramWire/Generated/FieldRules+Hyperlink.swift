// Made by Scripts/protobuf from Sources/CentramWire/Proto: rules of the fields, family hyperlink.
// swift-format-ignore-file

extension FieldRules {
  static func hyperlink(_ table: inout [ObjectIdentifier: FieldRules]) {
    table[ObjectIdentifier(WireLayerRange.self)] = .init("LayerRange", [
      .init(1, "first", .integer(0, 65535)),
      .init(2, "end", .integer(0, 65535)),
    ])
    table[ObjectIdentifier(WirePipelineProbe.self)] = .init("PipelineProbe", [
      .init(1, "probe", .length(16, 16)),
      .init(2, "model", .length(32, 32)),
      .init(3, "layers", .required),
      .init(4, "prefill_tokens", .integer(0, 4096)),
      .init(5, "decode_tokens", .integer(0, 256)),
      .init(6, "profile", .length(0, 64)),
      .init(7, "peers", .items(0, 32, length: 32, 32)),
      .init(8, "padding", .length(0, 65536)),
    ])
    table[ObjectIdentifier(WireLinkMeasure.self)] = .init("LinkMeasure", [
      .init(1, "peer", .length(32, 32)),
      .init(2, "round_trip_us", .integer(0, 60000000)),
    ])
    table[ObjectIdentifier(WirePipelineProbeReply.self)] = .init("PipelineProbeReply", [
      .init(1, "probe", .length(16, 16)),
      .init(9, "loaded", .items(0, 64)),
      .init(10, "links", .items(0, 32)),
      .init(11, "open_sessions", .integer(0, 65535)),
      .init(12, "price", .integer(0, 9223372036854775807)),
      .init(13, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireStage.self)] = .init("Stage", [
      .init(1, "peer", .length(32, 32)),
      .init(2, "layers", .required),
      .init(5, "url", .length(0, 256)),
      .init(6, "predicted_us", .integer(0, 3600000000)),
    ])
    table[ObjectIdentifier(WirePipelinePlan.self)] = .init("PipelinePlan", [
      .init(1, "plan", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "model", .length(32, 32)),
      .init(4, "profile", .length(1, 64)),
      .init(6, "stages", .items(1, 64)),
      .init(7, "stage", .integer(0, 63)),
      .init(8, "context", .integer(1, 16777216)),
      .init(9, "sessions", .integer(1, 4096)),
      .init(10, "expires_ms", .integer(1, .max)),
      .init(11, "maximum_price", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WirePipelinePlanReply.self)] = .init("PipelinePlanReply", [
      .init(1, "plan", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(5, "message", .length(0, 512)),
      .init(6, "price", .integer(0, 9223372036854775807)),
    ])
    table[ObjectIdentifier(WireShardLoad.self)] = .init("ShardLoad", [
      .init(1, "plan", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "model", .length(32, 32)),
      .init(4, "format", .length(0, 64)),
      .init(5, "layers", .required),
      .init(8, "adapters", .items(0, 16, length: 32, 32)),
      .init(9, "sources", .items(0, 32, length: 32, 32)),
      .init(10, "deadline_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireShardReady.self)] = .init("ShardReady", [
      .init(1, "plan", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(6, "weights", .lengthOrNone(32, 32)),
      .init(7, "elapsed_ms", .integer(0, 604800000)),
      .init(8, "message", .length(0, 512)),
    ])
    table[ObjectIdentifier(WireSampling.self)] = .init("Sampling", [
      .init(1, "temperature", .real(0, 100)),
      .init(2, "top_k", .integer(0, 1048576)),
      .init(3, "top_p", .real(0, 1)),
      .init(4, "min_p", .real(0, 1)),
      .init(5, "repetition_penalty", .real(0, 100)),
      .init(6, "repetition_window", .integer(0, 16777216)),
    ])
    table[ObjectIdentifier(WireAdapterUse.self)] = .init("AdapterUse", [
      .init(1, "adapter", .length(32, 32)),
      .init(2, "scale", .finite),
    ])
    table[ObjectIdentifier(WireSessionOpen.self)] = .init("SessionOpen", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "plan", .length(16, 16)),
      .init(3, "epoch", .integer(1, .max)),
      .init(4, "stage", .integer(0, 63)),
      .init(5, "context", .integer(1, 16777216)),
      .init(6, "sampling", .required),
      .init(7, "top_log_probabilities", .integer(0, 256)),
      .init(8, "adapters", .items(0, 16)),
      .init(11, "coordinator", .length(32, 32)),
      .init(12, "window", .integer(1, 256)),
      .init(13, "price", .integer(0, 9223372036854775807)),
      .init(14, "audit_bps", .integer(0, 10000)),
      .init(15, "stop_tokens", .items(0, 64)),
    ])
    table[ObjectIdentifier(WireSessionReady.self)] = .init("SessionReady", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "stage", .integer(0, 63)),
      .init(6, "message", .length(0, 512)),
      .init(8, "window", .integer(0, 256)),
      .init(9, "position", .integer(0, 16777216)),
    ])
    table[ObjectIdentifier(WireActivations.self)] = .init("Activations", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "stage", .integer(0, 63)),
      .init(4, "step", .integer(1, .max)),
      .init(5, "position", .integer(0, 16777215)),
      .init(6, "count", .integer(1, 8192)),
      .init(7, "width", .integer(0, 1048576)),
      .init(9, "data", .length(0, 8388608)),
      .init(10, "tokens", .items(0, 8192)),
      .init(12, "draft", .integer(0, 64)),
    ])
    table[ObjectIdentifier(WireTokenProbability.self)] = .init("TokenProbability", [
      .init(2, "log_probability", .finite),
    ])
    table[ObjectIdentifier(WireSampledToken.self)] = .init("SampledToken", [
      .init(2, "log_probability", .finite),
      .init(3, "top", .items(0, 256)),
    ])
    table[ObjectIdentifier(WireSampledTokens.self)] = .init("SampledTokens", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "step", .integer(1, .max)),
      .init(4, "position", .integer(0, 16777216)),
      .init(5, "tokens", .items(1, 65)),
      .init(6, "accepted", .integer(0, 64)),
      .init(8, "stage_us", .items(0, 64)),
    ])
    table[ObjectIdentifier(WireSessionRewind.self)] = .init("SessionRewind", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "position", .integer(0, 16777216)),
      .init(4, "next_step", .integer(1, .max)),
      .init(6, "next_peer", .lengthOrNone(32, 32)),
      .init(7, "next_url", .length(0, 256)),
    ])
    table[ObjectIdentifier(WireStageReceipt.self)] = .init("StageReceipt", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "stage", .integer(0, 63)),
      .init(3, "peer", .length(32, 32)),
      .init(4, "coordinator", .length(32, 32)),
      .init(8, "price", .integer(0, 9223372036854775807)),
      .init(9, "trace", .lengthOrNone(32, 32)),
      .init(10, "made_ms", .integer(1, .max)),
    ])
    table[ObjectIdentifier(WireSessionClose.self)] = .init("SessionClose", [
      .init(1, "pipeline", .length(16, 16)),
      .init(2, "epoch", .integer(1, .max)),
      .init(3, "stage", .integer(0, 63)),
      .init(5, "message", .length(0, 512)),
    ])
  }
}
