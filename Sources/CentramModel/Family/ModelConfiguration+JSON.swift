extension ModelConfiguration {
  /// Reads config.json as transformers 4 and 5 write it.
  /// - Parameters:
  ///   - generation: generation_config.json, whose end tokens count where it has some.
  ///   - name: the path of config.json, for messages.
  /// - Throws: `.malformed`, or `.unsupported` with what is supported.
  public init(json: [UInt8], generation: [UInt8]? = nil, name: String = "config.json") throws(ModelFileError) {
    let fields = try ConfigurationFields(json: json, file: name)
    guard let type = try fields.string("model_type") else { throw fields.malformed("model_type is missing") }
    guard let family = ModelFamily.all.first(where: { $0.name == type }) else {
      throw fields.unsupported("model_type \"\(type.prefix(60))\" is not supported; supported are \(ModelFamily.all.map(\.name).joined(separator: ", "))")
    }
    self = family.positions == .learned ? try Self.toy(fields) : try Self.decoder(family, fields)
    try check(name)
    beginToken = try fields.tokens("bos_token_id", vocabulary: vocabulary)?.first
    endTokens = try fields.tokens("eos_token_id", vocabulary: vocabulary) ?? []
    if let generation {
      let generation = try ConfigurationFields(json: generation, file: Self.generationName(name))
      if let tokens = try generation.tokens("eos_token_id", vocabulary: vocabulary) { endTokens = tokens }
    }
  }

  static func generationName(_ name: String) -> String {
    guard let slash = name.lastIndex(of: "/") else { return "generation_config.json" }
    return "\(name[...slash])generation_config.json"
  }

  /// Llama and its descendants.
  private static func decoder(_ family: ModelFamily, _ fields: ConfigurationFields) throws(ModelFileError) -> ModelConfiguration {
    try refuseOtherArithmetic(fields, family)
    let layers = try fields.required("num_hidden_layers", in: ModelLimits.layers)
    let hidden = try fields.required("hidden_size", in: ModelLimits.hidden)
    let heads = try fields.required("num_attention_heads", in: ModelLimits.heads)
    let context = try fields.required("max_position_embeddings", in: ModelLimits.contextLength)
    try refuseSlidingWindow(fields, family, layers: layers, context: context)
    var headSize = try fields.integer("head_dim", in: ModelLimits.headSize)
    if headSize == nil {
      guard hidden % heads == 0, ModelLimits.headSize.contains(hidden / heads) else {
        throw fields.malformed("hidden_size \(hidden) does not divide among \(heads) heads, and there is no head_dim")
      }
      headSize = hidden / heads
    }
    return ModelConfiguration(
      family: family, layers: layers, hidden: hidden, intermediate: try fields.required("intermediate_size", in: ModelLimits.intermediate), heads: heads,
      keyValueHeads: try fields.integer("num_key_value_heads", in: ModelLimits.heads) ?? heads, headSize: headSize!,
      vocabulary: try fields.required("vocab_size", in: ModelLimits.vocabulary), contextLength: context,
      normEpsilon: Float(try fields.number("rms_norm_eps", in: ModelLimits.normEpsilon) ?? 1e-6), rope: try RotaryEmbedding(fields, contextLength: context),
      tiesEmbeddings: try fields.flag("tie_word_embeddings") ?? false,
      hasAttentionBias: family == .qwen2 ? true : try fields.flag("attention_bias") ?? false)
  }

  /// Keys that change what a block computes.
  private static func refuseOtherArithmetic(_ fields: ConfigurationFields, _ family: ModelFamily) throws(ModelFileError) {
    let activation = try fields.string("hidden_act") ?? "silu"
    guard activation == "silu" || activation == "swish" else {
      throw fields.unsupported("hidden_act \"\(activation.prefix(40))\" is not supported; \(family.name) models are run with silu")
    }
    if try fields.flag("mlp_bias") == true { throw fields.unsupported("mlp_bias true is not supported; feed-forward parts without biases are") }
    if fields["quantization_config"] != nil {
      throw fields.unsupported("quantization_config: weights quantised by other tools are not supported; take the float16 or bfloat16 model, or a GGUF file of it")
    }
    if let part = try fields.number("partial_rotary_factor"), part != 1 {
      throw fields.unsupported("partial_rotary_factor \(part) is not supported; heads are rotated whole")
    }
  }

  private static func refuseSlidingWindow(_ fields: ConfigurationFields, _ family: ModelFamily, layers: Int, context: Int) throws(ModelFileError) {
    if let types = fields["layer_types"] {
      guard case .array(let items) = types else { throw fields.malformed("layer_types is not a list") }
      for item in items where item != .string("full_attention") {
        guard case .string(let type) = item else { throw fields.malformed("layer_types holds something other than strings") }
        throw fields.unsupported("layer_types has \"\(type.prefix(40))\"; only full_attention is supported")
      }
      return
    }
    guard family == .qwen2, try fields.flag("use_sliding_window") == true else { return }
    let window = try fields.integer("sliding_window", in: 0...Int.max) ?? 4096
    let full = try fields.integer("max_window_layers", in: 0...Int.max) ?? 28
    guard full < layers, window < context else { return }
    throw fields.unsupported("use_sliding_window with a window of \(window) is not supported; full attention is, so set it to false for texts up to \(window) tokens")
  }

  /// Our own byte-level GPT; what is not said is the toy's.
  private static func toy(_ fields: ConfigurationFields) throws(ModelFileError) -> ModelConfiguration {
    var model = ModelConfiguration.gptByte
    model.layers = try fields.integer("num_hidden_layers", in: ModelLimits.layers) ?? model.layers
    model.hidden = try fields.integer("hidden_size", in: ModelLimits.hidden) ?? model.hidden
    model.heads = try fields.integer("num_attention_heads", in: ModelLimits.heads) ?? model.heads
    model.intermediate = try fields.integer("intermediate_size", in: ModelLimits.intermediate) ?? 4 * model.hidden
    model.vocabulary = try fields.integer("vocab_size", in: ModelLimits.vocabulary) ?? model.vocabulary
    model.contextLength = try fields.integer("max_position_embeddings", in: ModelLimits.contextLength) ?? model.contextLength
    model.normEpsilon = Float(try fields.number("layer_norm_eps", in: ModelLimits.normEpsilon) ?? Double(model.normEpsilon))
    guard model.hidden % model.heads == 0, ModelLimits.headSize.contains(model.hidden / model.heads) else {
      throw fields.malformed("hidden_size \(model.hidden) does not divide among \(model.heads) heads")
    }
    (model.keyValueHeads, model.headSize) = (model.heads, model.hidden / model.heads)
    return model
  }
}
