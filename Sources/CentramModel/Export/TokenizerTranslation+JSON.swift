extension TokenizerTranslation {
  /// GGUF's metadata into tokenizer.json and tokenizer_config.json.
  /// - Throws: `.unsupported` for tokenizers other than byte-level BPE with a known way to cut words, `.malformed`.
  static func huggingFace(_ file: GGUFFile) throws(ModelFileError) -> [(name: String, text: String)] {
    let path = file.path
    guard let kind = try file.string("tokenizer.ggml.model"), kind == "gpt2" else {
      throw unsupported(path, "only byte-level BPE (tokenizer.ggml.model gpt2) becomes a tokenizer.json")
    }
    let pre = try file.string("tokenizer.ggml.pre") ?? "default"
    guard let cut = cuts.first(where: { $0.name == pre || $0.others.contains(pre) }) else {
      throw unsupported(path, "tokenizer.ggml.pre \"\(pre.prefix(40))\" is not among \(cuts.map(\.name).joined(separator: ", "))")
    }
    guard let tokens = try file.strings("tokenizer.ggml.tokens"), let merges = try file.strings("tokenizer.ggml.merges") else {
      throw malformed(path, "tokenizer.ggml.tokens or tokenizer.ggml.merges is missing")
    }
    let types = try file.array("tokenizer.ggml.token_type")?.integers ?? Array(repeating: 1, count: tokens.count)
    guard types.count == tokens.count else { throw malformed(path, "tokenizer.ggml.token_type has \(types.count) entries for \(tokens.count) tokens") }
    func text(_ bytes: UnsafeRawBufferPointer) throws(ModelFileError) -> String {
      guard let text = String(validating: bytes, as: UTF8.self) else { throw malformed(path, "a token is not UTF-8") }
      return text
    }
    var vocabulary: [OrderedJSON.Member] = [], added: [OrderedJSON] = []
    var seen = Set<String>()
    for (id, type) in types.enumerated() where type != 5 {
      let text = try text(tokens[id])
      guard seen.insert(text).inserted else { throw malformed(path, "the token \"\(text.prefix(60))\" stands twice") }
      // Added tokens stand in the vocabulary too: those that do not are given new ids behind it.
      vocabulary.append(.init(key: text, value: .number(Double(id))))
      guard type != 1 else { continue }
      let off = OrderedJSON.boolean(false)
      added.append(
        .object([
          "id": .number(Double(id)), "content": .string(text), "single_word": off, "lstrip": off, "rstrip": off, "normalized": off, "special": .boolean(type != 4),
        ]))
    }
    var pairs: [OrderedJSON] = []
    for index in merges.indices { pairs.append(.string(try text(merges[index]))) }
    func token(_ name: String) throws(ModelFileError) -> String? {
      guard let id = try file.integer("tokenizer.ggml.\(name)_token_id"), tokens.indices.contains(id) else { return nil }
      return try text(tokens[id])
    }
    let begin = try token("bos"), addsBegin = try file.flag("tokenizer.ggml.add_bos_token") ?? (cut.name == "llama-bpe")
    let beginID = try file.integer("tokenizer.ggml.bos_token_id")
    let root = OrderedJSON.object([
      "version": .string("1.0"), "truncation": .null, "padding": .null, "added_tokens": .array(added),
      "normalizer": cut.isNormalized ? .object(["type": .string("NFC")]) : .null, "pre_tokenizer": preTokenizer(cut),
      "post_processor": begin.flatMap { addsBegin ? processor($0, beginID ?? 0) : nil } ?? byteLevel(usesWords: false), "decoder": byteLevel(usesWords: true),
      "model": .object([
        "type": .string("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null, "end_of_word_suffix": .null, "fuse_unk": .boolean(false),
        "byte_fallback": .boolean(false), "ignore_merges": .boolean(cut.ignoresMerges), "vocab": .object(vocabulary), "merges": .array(pairs),
      ]),
    ])
    var settings: [OrderedJSON.Member] = [.init(key: "tokenizer_class", value: .string("PreTrainedTokenizerFast"))]
    for (key, name) in [("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding")] {
      if let token = try token(name) { settings.append(.init(key: key, value: .string(token))) }
    }
    settings.append(.init(key: "clean_up_tokenization_spaces", value: .boolean(false)))
    return [("tokenizer.json", root.text() + "\n"), ("tokenizer_config.json", OrderedJSON.object(settings).text() + "\n")]
  }

  private static func byteLevel(usesWords: Bool) -> OrderedJSON {
    .object(["type": .string("ByteLevel"), "add_prefix_space": .boolean(false), "trim_offsets": .boolean(false), "use_regex": .boolean(usesWords)])
  }

  private static func preTokenizer(_ cut: Cut) -> OrderedJSON {
    let parts = cut.steps.map { step -> OrderedJSON in
      switch step {
      case "words": byteLevel(usesWords: true)
      case "bytes": byteLevel(usesWords: false)
      case "digits": .object(["type": .string("Digits"), "individual_digits": .boolean(true)])
      default:
        .object([
          "type": .string("Split"), "pattern": .object(["Regex": .string(String(step.dropFirst("split ".count)))]), "behavior": .string("Isolated"),
          "invert": .boolean(false),
        ])
      }
    }
    return parts.count == 1 ? parts[0] : .object(["type": .string("Sequence"), "pretokenizers": .array(parts)])
  }

  /// Puts the begin token in front of each text.
  private static func processor(_ begin: String, _ id: Int) -> OrderedJSON {
    func special(_ type: Int) -> OrderedJSON { .object(["SpecialToken": .object(["id": .string(begin), "type_id": .number(Double(type))])]) }
    func sequence(_ name: String, _ type: Int) -> OrderedJSON { .object(["Sequence": .object(["id": .string(name), "type_id": .number(Double(type))])]) }
    return .object([
      "type": .string("TemplateProcessing"), "single": .array([special(0), sequence("A", 0)]),
      "pair": .array([special(0), sequence("A", 0), special(1), sequence("B", 1)]),
      "special_tokens": .object([OrderedJSON.Member(key: begin, value: .object(["id": .string(begin), "ids": .array([.number(Double(id))]), "tokens": .array([.string(begin)])]))]),
    ])
  }
}
