extension TokenizerTranslation {
  /// tokenizer.json into GGUF's metadata.
  /// - Parameters:
  ///   - settings: tokenizer_config.json.
  ///   - model: says the vocabulary's size and the tokens that end a text.
  /// - Throws: `.unsupported` where GGUF has no words for it, `.malformed`.
  static func gguf(_ json: [UInt8], settings: [UInt8]?, model: ModelConfiguration, name file: String, into metadata: inout GGUFMetadata) throws(ModelFileError) {
    let root = try parse(json, file)
    guard let bpe = root["model"], bpe["type"]?.text == "BPE" else { throw unsupported(file, "only byte-level BPE goes into GGUF files") }
    guard bpe["byte_fallback"]?.isTrue != true else { throw unsupported(file, "BPE with byte_fallback does not go into GGUF files") }
    let cut = try cut(root, ignoresMerges: bpe["ignore_merges"]?.isTrue == true, file)
    let (tokens, types) = try tokens(bpe, root["added_tokens"]?.items ?? [], count: model.vocabulary, file)
    metadata.set("tokenizer.ggml.model", "gpt2")
    metadata.set("tokenizer.ggml.pre", cut.name)
    metadata.set("tokenizer.ggml.tokens", strings: tokens)
    metadata.set("tokenizer.ggml.token_type", int32s: types)
    metadata.set("tokenizer.ggml.merges", strings: try merges(bpe, file))
    let ids = Dictionary(zip(tokens, tokens.indices), uniquingKeysWith: { first, _ in first })
    var fields: OrderedJSON?
    if let settings { fields = try parse(settings, "tokenizer_config.json") }
    func token(_ key: String) -> Int? {
      let value = fields?[key]
      return (value?.text ?? value?["content"]?.text).flatMap { ids[$0] }
    }
    let begin = token("bos_token") ?? model.beginToken.map(Int.init), end = model.endTokens.first.map(Int.init) ?? token("eos_token")
    if let begin { metadata.set("tokenizer.ggml.bos_token_id", uint32: begin) }
    if let end { metadata.set("tokenizer.ggml.eos_token_id", uint32: end) }
    for (name, token) in zip(["eot", "eom"], model.endTokens.dropFirst()) { metadata.set("tokenizer.ggml.\(name)_token_id", uint32: Int(token)) }
    if let unknown = token("unk_token") { metadata.set("tokenizer.ggml.unknown_token_id", uint32: unknown) }
    if let padding = token("pad_token") { metadata.set("tokenizer.ggml.padding_token_id", uint32: padding) }
    metadata.set("tokenizer.ggml.add_bos_token", begin != nil && addsBegin(root, begin.map { tokens[$0] }))
  }

  static func parse(_ json: [UInt8], _ file: String) throws(ModelFileError) -> OrderedJSON {
    do throws(OrderedJSON.Failure) {
      return try OrderedJSON(parsing: json)
    } catch {
      throw malformed(file, "not good JSON: \(error.message) (byte \(error.position))")
    }
  }

  /// The known way to cut words that tokenizer.json spells out.
  private static func cut(_ root: OrderedJSON, ignoresMerges: Bool, _ file: String) throws(ModelFileError) -> Cut {
    let normalizer = root["normalizer"]?.present
    guard normalizer == nil || normalizer?["type"]?.text == "NFC" else {
      throw unsupported(file, "the normalizer \(normalizer?["type"]?.text?.prefix(40) ?? "without a type") has no name in GGUF")
    }
    guard let steps = root["pre_tokenizer"]?.present.flatMap(steps) else { throw unsupported(file, "its pre_tokenizer has no name in GGUF") }
    guard let cut = cuts.first(where: { $0.steps == steps && $0.isNormalized == (normalizer != nil) && $0.ignoresMerges == ignoresMerges }) else {
      throw unsupported(file, "its pre_tokenizer, normalizer and ignore_merges together have no name in GGUF; known are \(cuts.map(\.name).joined(separator: ", "))")
    }
    return cut
  }

  /// One text a step; nil for a step that no known way has.
  private static func steps(_ json: OrderedJSON) -> [String]? {
    switch json["type"]?.text {
    case "Sequence":
      var list: [String] = []
      for part in json["pretokenizers"]?.items ?? [] {
        guard let steps = steps(part) else { return nil }
        list += steps
      }
      return list
    case "Digits": return json["individual_digits"]?.isTrue == true ? ["digits"] : nil
    case "ByteLevel":
      guard json["add_prefix_space"]?.isTrue != true else { return nil }
      return [json["use_regex"] == .boolean(false) ? "bytes" : "words"]
    case "Split":
      guard let pattern = json["pattern"]?["Regex"]?.text, json["behavior"]?.text == "Isolated", json["invert"]?.isTrue != true else { return nil }
      return ["split \(pattern)"]
    default: return nil
    }
  }

  /// Tokens by id, and their kinds: 1 text, 3 control, 4 defined by a user, 5 unused.
  private static func tokens(_ bpe: OrderedJSON, _ added: [OrderedJSON], count: Int, _ file: String) throws(ModelFileError) -> ([String], [Int32]) {
    var tokens = [String?](repeating: nil, count: count)
    var types = [Int32](repeating: 5, count: count)
    func set(_ text: String, _ id: Int?, _ type: Int32) throws(ModelFileError) {
      guard let id, tokens.indices.contains(id) else { throw malformed(file, "the token \"\(text.prefix(60))\" has the id \(id ?? -1), but the model has \(count) tokens") }
      guard tokens[id] == nil || tokens[id] == text else { throw malformed(file, "the id \(id) stands for two tokens, \"\(tokens[id]!.prefix(60))\" and \"\(text.prefix(60))\"") }
      (tokens[id], types[id]) = (text, type)
    }
    for member in bpe["vocab"]?.members ?? [] { try set(member.key, member.value.integer, 1) }
    for token in added {
      guard let text = token["content"]?.text else { throw malformed(file, "an added token has no content") }
      try set(text, token["id"]?.integer, token["special"]?.isTrue == true ? 3 : 4)
    }
    return (tokens.enumerated().map { $1 ?? "[PAD\($0)]" }, types)
  }

  private static func merges(_ bpe: OrderedJSON, _ file: String) throws(ModelFileError) -> [String] {
    var list: [String] = []
    for merge in bpe["merges"]?.items ?? [] {
      switch merge {
      case .string(let text): list.append(text)
      case .array(let parts) where parts.count == 2:
        guard let first = parts[0].text, let second = parts[1].text else { throw malformed(file, "a merge is not two strings") }
        list.append("\(first) \(second)")
      default: throw malformed(file, "a merge is not two strings")
      }
    }
    return list
  }

  /// Whether the post-processor puts the begin token in front of a text.
  private static func addsBegin(_ root: OrderedJSON, _ begin: String?) -> Bool {
    guard let processor = root["post_processor"]?.present else { return false }
    let all = processor["type"]?.text == "Sequence" ? processor["processors"]?.items ?? [] : [processor]
    return all.contains { $0["type"]?.text == "TemplateProcessing" && $0["single"]?.items?.first?["SpecialToken"]?["id"]?.text == begin }
  }
}
