extension ModelFamily {
  /// Qwen2 and Qwen2.5: Llama's block with biases on query, key and value. https://arxiv.org/abs/2407.10671
  public static let qwen2 = decoder(name: "qwen2")
}
