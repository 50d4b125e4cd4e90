/// config.json of a model that is written.
enum ConfigurationText {
  /// With the keys that transformers 4 knows, which 5 reads too.
  static func json(_ model: ModelConfiguration, format: NumberFormat) -> String {
    var members: [OrderedJSON.Member] = []
    func set(_ key: String, _ value: OrderedJSON) { members.append(.init(key: key, value: value)) }
    func set(_ key: String, _ value: Int) { set(key, .number(Double(value))) }
    set("model_type", .string(model.family.name))
    if model.family.positions == .rotary {
      set("architectures", .array([.string(model.family == .qwen2 ? "Qwen2ForCausalLM" : "LlamaForCausalLM")]))
    }
    set("vocab_size", model.vocabulary)
    set("hidden_size", model.hidden)
    set("intermediate_size", model.intermediate)
    set("num_hidden_layers", model.layers)
    set("num_attention_heads", model.heads)
    set("max_position_embeddings", model.contextLength)
    // The shortest text that reads back as the same float.
    let epsilon = Double("\(model.normEpsilon)") ?? Double(model.normEpsilon)
    guard let rope = model.rope else {
      set("layer_norm_eps", .number(epsilon))
      return OrderedJSON.object(members).text() + "\n"
    }
    set("num_key_value_heads", model.keyValueHeads)
    set("head_dim", model.headSize)
    set("hidden_act", .string("silu"))
    set("rms_norm_eps", .number(epsilon))
    set("rope_theta", .number(rope.theta))
    set("rope_scaling", scaling(rope))
    set("tie_word_embeddings", .boolean(model.tiesEmbeddings))
    if model.family == .llama { set("attention_bias", .boolean(model.hasAttentionBias)) }
    if model.family == .qwen2 { set("use_sliding_window", .boolean(false)) }
    set("torch_dtype", .string(format.torchName))
    set("bos_token_id", model.beginToken.map { .number(Double($0)) } ?? .null)
    set("eos_token_id", model.endTokens.count < 2 ? model.endTokens.first.map { .number(Double($0)) } ?? .null : .array(model.endTokens.map { .number(Double($0)) }))
    return OrderedJSON.object(members).text() + "\n"
  }

  private static func scaling(_ rope: RotaryEmbedding) -> OrderedJSON {
    func object(_ members: KeyValuePairs<String, OrderedJSON>) -> OrderedJSON { .object(members.map { .init(key: $0.key, value: $0.value) }) }
    switch rope.scaling {
    case .none: return .null
    case .linear(let factor): return object(["rope_type": .string("linear"), "factor": .number(factor)])
    case .llama3(let factor, let low, let high, let context):
      return object([
        "rope_type": .string("llama3"), "factor": .number(factor), "low_freq_factor": .number(low), "high_freq_factor": .number(high),
        "original_max_position_embeddings": .number(context.rounded()),
      ])
    }
  }

  /// The same text with another value of `dtype` and `torch_dtype`; numbers keep the way they are written.
  static func changing(_ json: [UInt8], format: NumberFormat) -> [UInt8] {
    var result = json
    for key in ["\"dtype\"", "\"torch_dtype\""] {
      guard let place = place(of: Array(key.utf8), in: result) else { continue }
      result.replaceSubrange(place, with: Array("\"\(format.torchName)\"".utf8))
    }
    return result
  }

  /// The value of a key of the outermost object, where it is a string.
  private static func place(of key: [UInt8], in json: [UInt8]) -> Range<Int>? {
    let quote = UInt8(ascii: "\""), backslash = UInt8(ascii: "\\")
    func end(ofStringAt start: Int) -> Int? {
      var place = start + 1
      while place < json.count, json[place] != quote { place += json[place] == backslash ? 2 : 1 }
      return place < json.count ? place + 1 : nil
    }
    func skipSpace(_ start: Int) -> Int {
      var place = start
      while place < json.count, [0x20, 0x09, 0x0a, 0x0d].contains(json[place]) { place += 1 }
      return place
    }
    var depth = 0, position = 0
    while position < json.count {
      switch json[position] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case quote:
        guard let after = end(ofStringAt: position) else { return nil }
        let colon = skipSpace(after)
        if depth == 1, json[position..<after].elementsEqual(key), colon < json.count, json[colon] == UInt8(ascii: ":") {
          let value = skipSpace(colon + 1)
          guard value < json.count, json[value] == quote, let valueEnd = end(ofStringAt: value) else { return nil }
          return value..<valueEnd
        }
        position = after
        continue
      default: break
      }
      position += 1
    }
    return nil
  }
}
