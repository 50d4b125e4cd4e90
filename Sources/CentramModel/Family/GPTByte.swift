extension ModelFamily {
  /// The toy: a GPT over bytes, 842,496 parameters in its one size. Biases everywhere, tied head, context 128.
  public static let gptByte = ModelFamily(
    name: "gpt-byte", norm: .layer, feedForward: .plain, positions: .learned, embedding: "tok", positionEmbedding: "pos", head: nil, finalNorm: "ln_f",
    attentionNorm: "layers.{}.ln_1", feedForwardNorm: "layers.{}.ln_2", hasBiasesEverywhere: true,
    linears: [.queryKeyValue: "layers.{}.attn_qkv", .output: "layers.{}.attn_out", .up: "layers.{}.fc1", .down: "layers.{}.fc2"])
}

extension ModelConfiguration {
  public static let gptByte = ModelConfiguration(
    family: .gptByte, layers: 4, hidden: 128, intermediate: 512, heads: 4, keyValueHeads: 4, headSize: 32, vocabulary: 256, contextLength: 128,
    normEpsilon: 1e-5, rope: nil, tiesEmbeddings: true, hasAttentionBias: true)
}
