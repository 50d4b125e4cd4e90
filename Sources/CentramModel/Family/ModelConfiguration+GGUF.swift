extension ModelConfiguration {
  /// Reads GGUF's metadata. What the metadata leaves open (vocabulary, tied head, biases) the tensors say.
  /// - Throws: `.malformed`, or `.unsupported` with what is supported.
  public init(_ file: GGUFFile) throws(ModelFileError) {
    func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(file.path): \(message)") }
    let type = try file.string("general.type") ?? "model"
    guard type == "model" else { throw unsupported("general.type is \"\(type.prefix(40))\", not a model; give the model that it belongs to") }
    guard let architecture = try file.string("general.architecture") else {
      throw ModelFileError(.malformed, "\(file.path): general.architecture is missing")
    }
    guard let family = Self.ggufFamilies.first(where: { $0.name == architecture }) else {
      let known = Self.ggufFamilies.map(\.name).joined(separator: " and ")
      throw unsupported("the architecture \"\(architecture.prefix(60))\" is not supported in GGUF files; supported are \(known)")
    }
    if let parts = try file.integer("split.count"), parts > 1 {
      throw unsupported("one of \(parts) parts of a model; join them with llama-gguf-split --merge")
    }
    let fields = GGUFFields(file: file, architecture: architecture)
    if let experts = try fields.integer("expert_count", in: 0...Int.max), experts > 0 {
      throw unsupported("\(architecture).expert_count is \(experts); mixtures of experts are not supported, models with one feed-forward part a layer are")
    }
    let layers = try fields.required("block_count", in: ModelLimits.layers)
    let hidden = try fields.required("embedding_length", in: ModelLimits.hidden)
    let heads = try fields.required("attention.head_count", in: ModelLimits.heads)
    let context = try fields.required("context_length", in: ModelLimits.contextLength)
    if let window = try fields.integer("attention.sliding_window", in: 0...Int.max), window > 0, window < context {
      throw unsupported("\(architecture).attention.sliding_window is \(window), which is not supported; full attention is")
    }
    var headSize = try fields.integer("attention.key_length", in: ModelLimits.headSize)
    if headSize == nil {
      guard hidden % heads == 0, ModelLimits.headSize.contains(hidden / heads) else {
        throw fields.malformed("embedding_length", "\(hidden), which does not divide among \(heads) heads, and there is no attention.key_length")
      }
      headSize = hidden / heads
    }
    if let values = try fields.integer("attention.value_length", in: ModelLimits.headSize), values != headSize! {
      throw unsupported("\(architecture).attention.value_length is \(values) beside keys of \(headSize!); only equal sizes are supported")
    }
    guard let embedding = file.tensor("token_embd.weight"), embedding.shape.count == 2 else {
      throw ModelFileError(.malformed, "\(file.path): the matrix token_embd.weight is missing")
    }
    guard ModelLimits.vocabulary.contains(embedding.shape[0]) else {
      throw ModelFileError(.malformed, "\(file.path): token_embd.weight has \(embedding.shape[0]) rows; \(ModelLimits.vocabulary.upperBound) is the limit")
    }
    self.init(
      family: family, layers: layers, hidden: hidden, intermediate: try fields.required("feed_forward_length", in: ModelLimits.intermediate), heads: heads,
      keyValueHeads: try fields.integer("attention.head_count_kv", in: ModelLimits.heads) ?? heads, headSize: headSize!, vocabulary: embedding.shape[0],
      contextLength: context, normEpsilon: Float(try fields.number("attention.layer_norm_rms_epsilon", in: ModelLimits.normEpsilon) ?? 1e-6),
      rope: try RotaryEmbedding(fields, headSize: headSize!), tiesEmbeddings: file.tensor("output.weight") == nil,
      hasAttentionBias: file.tensor("blk.0.attn_q.bias") != nil)
    try check(file.path)
    beginToken = try Self.token("bos", in: file, vocabulary)
    for name in ["eos", "eot", "eom"] {
      if let token = try Self.token(name, in: file, vocabulary), !endTokens.contains(token) { endTokens.append(token) }
    }
  }

  /// GGUF calls these architectures as config.json does.
  static let ggufFamilies: [ModelFamily] = [.llama, .qwen2]

  private static func token(_ name: String, in file: GGUFFile, _ vocabulary: Int) throws(ModelFileError) -> Int32? {
    guard let id = try file.integer("tokenizer.ggml.\(name)_token_id"), (0..<vocabulary).contains(id) else { return nil }
    return Int32(id)
  }
}

/// The keys of a GGUF file that start with the architecture's name.
struct GGUFFields {
  let file: GGUFFile
  let architecture: String

  func malformed(_ key: String, _ message: String) -> ModelFileError {
    ModelFileError(.malformed, "\(file.path): \(architecture).\(key) is \(message)")
  }

  /// A number, or an array that says the same number for each layer.
  func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelFileError) -> Int? {
    let name = "\(architecture).\(key)"
    guard let value = try file.value(name) else { return nil }
    var number = value.integer
    if case .array(let array) = value {
      guard let list = array.integers, let first = list.first else { throw malformed(key, "an array of \(array.elementType.name), not of whole numbers") }
      guard list.allSatisfy({ $0 == first }) else {
        throw ModelFileError(.unsupported, "\(file.path): \(name) differs between layers, which is not supported; layers of one shape are")
      }
      number = first
    }
    guard let number else { throw malformed(key, "of type \(value.type.name), not a whole number") }
    guard range.contains(number) else { throw malformed(key, "\(number), not from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }

  func required(_ key: String, in range: ClosedRange<Int>) throws(ModelFileError) -> Int {
    guard let value = try integer(key, in: range) else { throw malformed(key, "missing") }
    return value
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(ModelFileError) -> Double? {
    guard let number = try file.number("\(architecture).\(key)") else { return nil }
    guard range.contains(number) else { throw malformed(key, "\(number), not from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }

  func string(_ key: String) throws(ModelFileError) -> String? { try file.string("\(architecture).\(key)") }
}
