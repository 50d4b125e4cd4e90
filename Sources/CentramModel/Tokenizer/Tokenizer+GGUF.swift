extension Tokenizer {
  /// Reads the tokenizer that a GGUF file's metadata describes, the vocabulary straight from the mapping.
  /// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
  /// - Throws: `.unsupported` for another model than `gpt2` or a pre-tokenizer that is not known, `.malformed` where lists contradict each other.
  public convenience init(gguf: GGUFFile) throws(ModelFileError) {
    var reader = GGUFTokenizerReader(gguf)
    self.init(try reader.parts())
  }
}

private struct GGUFTokenizerReader {
  private let gguf: GGUFFile
  private var added: [AddedToken] = []
  private var unknown: Int32?

  init(_ gguf: GGUFFile) { self.gguf = gguf }

  private func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(gguf.path): \(message)") }

  private static func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

  mutating func parts() throws(ModelFileError) -> Tokenizer.Parts {
    let model = try gguf.string(Self.key("model"))
    guard model == "gpt2" else {
      throw ModelFileError(.unsupported, "\(gguf.path): tokenizer.ggml.model is \(model.map { "\"\($0.prefix(40))\"" } ?? "missing"); gpt2, byte-level BPE, is supported")
    }
    let pre = try GGUFPreTokenizer(gguf.string(Self.key("pre")), file: gguf.path)
    let vocabulary = try vocabulary()
    let merges = try merges(vocabulary)
    var parts = Tokenizer.Parts()
    parts.vocabulary = vocabulary
    parts.encoder = BytePairEncoder(vocabulary: vocabulary, merges: merges, ignoresMerges: pre.ignoresMerges)
    parts.normalizer = pre.normalizer
    parts.preTokenizer = PreTokenizer(steps: (try gguf.flag(Self.key("add_space_prefix")) == true ? [.prefixSpace] : []) + pre.steps)
    parts.added = added
    parts.beginToken = try token("bos_token_id", vocabulary)
    for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
      if let id = try token(name, vocabulary), !parts.endTokens.contains(id) { parts.endTokens.append(id) }
    }
    parts.unknownToken = try token("unknown_token_id", vocabulary)
    parts.paddingToken = try token("padding_token_id", vocabulary)
    if let begin = parts.beginToken, try gguf.flag(Self.key("add_bos_token")) ?? pre.addsBegin { parts.prefix = [begin] }
    if let end = parts.endTokens.first, try gguf.flag(Self.key("add_eos_token")) ?? false { parts.suffix = [end] }
    return parts
  }

  private mutating func vocabulary() throws(ModelFileError) -> Vocabulary {
    guard let tokens = try gguf.strings(Self.key("tokens")) else { throw malformed("there is no list tokenizer.ggml.tokens") }
    guard tokens.count <= TokenizerJSON.roomForHoles * 4 else { throw malformed("\(tokens.count) tokens; \(TokenizerJSON.roomForHoles * 4) is the limit") }
    let types = try gguf.array(Self.key("token_type"))?.integers
    guard types?.count ?? tokens.count == tokens.count else {
      throw malformed("tokenizer.ggml.token_type has \(types?.count ?? 0) entries for \(tokens.count) tokens")
    }
    var vocabulary = Vocabulary(expecting: tokens.count)
    for id in 0..<tokens.count {
      let text = tokens[id]
      if let refusal = vocabulary.insert(text, id: id) { throw malformed(refusal.sentence([UInt8](text.prefix(100)), id)) }
      // 1 is text and 5 unused; 2 unknown, 3 control, 4 defined by a user. 6, a byte, is not of this model's kind.
      guard let type = types?[id], type != 1, type != 5, !text.isEmpty else { continue }
      guard (2...4).contains(type) else { throw malformed("token \(id) is of type \(type); 1 to 5 are byte-level BPE's") }
      guard text.count <= TokenizerJSONParts.longestAddedToken else {
        throw malformed("token \(id) is \(text.count) bytes long; \(TokenizerJSONParts.longestAddedToken) is the limit for a special one")
      }
      added.append(AddedToken(text: [UInt8](text), id: Int32(id), isSpecial: type != 4))
    }
    return vocabulary
  }

  private func merges(_ vocabulary: Vocabulary) throws(ModelFileError) -> MergeTable {
    guard let list = try gguf.strings(Self.key("merges")) else { throw malformed("there is no list tokenizer.ggml.merges") }
    guard list.count < Int32.max else { throw malformed("\(list.count) merges are too many") }
    var merges = MergeTable(expecting: list.count)
    var both: [UInt8] = []
    for rank in 0..<list.count {
      if let problem = merges.insert(list[rank], rank: Int32(rank), vocabulary, &both) { throw malformed("merge \(rank) \(problem)") }
    }
    return merges
  }

  private func token(_ name: String, _ vocabulary: Vocabulary) throws(ModelFileError) -> Int32? {
    guard let id = try gguf.integer(Self.key(name)) else { return nil }
    guard vocabulary.contains(id) else { throw malformed("\(Self.key(name)) is \(id), which no token has") }
    return Int32(id)
  }
}
