extension ModelFamily {
  /// Llama 1 to 3, SmolLM2 and their like. https://arxiv.org/abs/2302.13971
  public static let llama = decoder(name: "llama")

  /// What Llama and its descendants share: RMS norms, rotary positions, a gated feed-forward part.
  static func decoder(name: String) -> ModelFamily {
    ModelFamily(
      name: name, norm: .rms, feedForward: .gated, positions: .rotary, embedding: "model.embed_tokens", head: "lm_head", finalNorm: "model.norm",
      attentionNorm: "model.layers.{}.input_layernorm", feedForwardNorm: "model.layers.{}.post_attention_layernorm",
      linears: [
        .query: "model.layers.{}.self_attn.q_proj", .key: "model.layers.{}.self_attn.k_proj", .value: "model.layers.{}.self_attn.v_proj",
        .output: "model.layers.{}.self_attn.o_proj", .gate: "model.layers.{}.mlp.gate_proj", .up: "model.layers.{}.mlp.up_proj",
        .down: "model.layers.{}.mlp.down_proj",
      ])
  }
}
