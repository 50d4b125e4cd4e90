internal import CentramModel

/// What of the donor's config.json does not hold for the output.
struct ConfigurationPatch: Sendable {
  /// For each of the output's layers the model and the layer that it was picked from; nil where all layers stay.
  var layers: [LayerOrigin]?
  /// The output's floating-point format.
  var format: NumberFormat
  /// Rows of the output's embedding; nil where they stay.
  var vocabularyRows: Int?
  /// Whether the output has an `lm_head` of its own, where that differs from the donor.
  var hasHead: Bool?
  /// The configuration of the model whose tokenizer the output has, where that is not the donor.
  var tokenizerOwner: OrderedJSON.Object?

  /// Names of the number of layers, over the years and the families.
  private static let layerCountKeys = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"]
  /// Lists with an element a layer.
  private static let layerListKeys = ["layer_types", "mlp_layer_types", "layers_block_type", "block_types", "attn_type_list", "no_rope_layers"]
  /// Ids of tokens, which mean something only together with their tokenizer.
  private static let tokenIDKeys = ["bos_token_id", "eos_token_id", "pad_token_id"]
  /// Lists of layers by number.
  private static let layerIndexKeys = ["mlp_only_layers", "cross_attention_layers"]

  /// Patches the donor's configuration; keys that are not named keep place and spelling.
  /// - Parameters:
  ///   - configurations: each model's config.json, by the index that `layers` uses.
  ///   - donor: index of the one that is patched.
  /// - Throws: `.mismatch` where a picked layer has no place in its model's lists.
  func apply(to configurations: [OrderedJSON.Object?], donor: Int) throws(MergeError) -> OrderedJSON.Object {
    guard var root = configurations[donor] else { throw MergeError(.input, "the model that lends its config.json has none") }
    let texts = configurations.map { $0.map(Self.text) }
    if root["text_config"]?.object != nil {
      var text = Self.text(of: root)
      try patch(&text, isInner: true, texts, donor)
      root["text_config"] = .object(text)
      try patch(&root, isInner: false, texts, donor)
    } else {
      try patch(&root, isInner: true, texts, donor)
    }
    return root
  }

  /// The language model's part of a configuration.
  private static func text(of root: OrderedJSON.Object) -> OrderedJSON.Object { root["text_config"]?.object ?? root }

  /// - Parameter isInner: whether keys that the donor leaves out belong here.
  private func patch(_ object: inout OrderedJSON.Object, isInner: Bool, _ texts: [OrderedJSON.Object?], _ donor: Int) throws(MergeError) {
    // Loaders up to 2025 read `torch_dtype`, newer ones `dtype`.
    object.set("dtype", .string(format.torchName), after: "torch_dtype")
    object.set("torch_dtype", .string(format.torchName), after: "dtype")
    if let vocabularyRows, isInner || object["vocab_size"] != nil { object["vocab_size"] = .integer(vocabularyRows) }
    if let hasHead, isInner || object["tie_word_embeddings"] != nil { object["tie_word_embeddings"] = .bool(!hasHead) }
    if let owner = tokenizerOwner.map(Self.text) {
      // One that the owner does not have would name a token of another vocabulary.
      for key in Self.tokenIDKeys where isInner || object[key] != nil { object[key] = owner[key] }
    }
    guard let layers else { return }
    let counts = Self.layerCountKeys.filter { object[$0] != nil }
    for key in counts { object[key] = .integer(layers.count) }
    if counts.isEmpty && isInner { object["num_hidden_layers"] = .integer(layers.count) }
    guard isInner, !isIdentity(of: texts[donor]) else { return }
    for key in Self.layerListKeys {
      guard let list = object[key]?.array else { continue }
      var picked: [OrderedJSON] = []
      for origin in layers {
        let own = texts[origin.model]?[key]?.array ?? list
        guard own.indices.contains(origin.layer) else {
          throw MergeError(.mismatch, "layer \(origin.layer) was picked, but `\(key)` in config.json names \(own.count) layers")
        }
        picked.append(own[origin.layer])
      }
      object[key] = .array(picked)
    }
    for key in Self.layerIndexKeys where object[key]?.array != nil {
      let picked = layers.indices.filter { texts[layers[$0].model]?[key]?.array?.contains(.integer(layers[$0].layer)) ?? false }
      object[key] = .array(picked.map { .integer($0) })
    }
  }

  /// Whether the output has the donor's layers in the donor's order, so that its lists hold as they are.
  private func isIdentity(of donor: OrderedJSON.Object?) -> Bool {
    guard let layers, let donor else { return true }
    let count = Self.layerCountKeys.lazy.compactMap { donor[$0]?.integer }.first
    return layers.count == count && layers.enumerated().allSatisfy { $1.layer == $0 }
  }
}
