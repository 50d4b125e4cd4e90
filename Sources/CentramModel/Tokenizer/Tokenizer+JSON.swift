extension Tokenizer {
  /// Reads a tokenizer.json, as Hugging Face's `tokenizers` writes it.
  /// - Parameters:
  ///   - configuration: of tokenizer_config.json, which names the begin, end, padding and unknown tokens.
  ///   - file: for messages.
  /// - Throws: `.malformed` where the file breaks its own rules, `.unsupported` for a kind of tokenizer, normalizer, pre-tokenizer,
  ///   post-processor or decoder that is not byte-level BPE's, by its name.
  public convenience init(json: [UInt8], configuration: [UInt8]? = nil, file: String = "tokenizer.json") throws(ModelFileError) {
    let outcome: Result<TokenizerJSON, ModelFileError> = json.withUnsafeBytes { bytes in
      do throws(ModelFileError) { return .success(try TokenizerJSON(bytes, file: file)) } catch { return .failure(error) }
    }
    try self.init(contents: try outcome.get(), configuration: configuration, file: file)
  }

  /// Reads a tokenizer.json that is mapped into memory.
  public convenience init(json: UnsafeRawBufferPointer, configuration: [UInt8]? = nil, file: String) throws(ModelFileError) {
    try self.init(contents: try TokenizerJSON(json, file: file), configuration: configuration, file: file)
  }

  private convenience init(contents: TokenizerJSON, configuration: [UInt8]?, file: String) throws(ModelFileError) {
    var reader = TokenizerJSONParts(contents, file: file)
    try reader.readAll()
    if let configuration { try reader.readConfiguration(configuration) }
    self.init(reader.parts)
  }
}

/// Makes a tokenizer's parts of what stands in a tokenizer.json.
struct TokenizerJSONParts {
  private let contents: TokenizerJSON
  let file: String
  var parts = Tokenizer.Parts()
  private var vocabulary: Vocabulary

  static let longestAddedToken = 4096
  static let mostAddedTokens = 1 << 18

  init(_ contents: TokenizerJSON, file: String) {
    (self.contents, self.file) = (contents, file)
    vocabulary = contents.vocabulary
  }

  func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(file): \(message)") }
  func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }

  mutating func readAll() throws(ModelFileError) {
    try readModel()
    try readAddedTokens()
    parts.vocabulary = vocabulary
    parts.normalizer = try normalizer(contents.document["normalizer"])
    var isByteLevel = false
    parts.preTokenizer.steps = try preTokenizer(contents.document["pre_tokenizer"], &isByteLevel)
    guard isByteLevel else { throw unsupported("the pre-tokenizer has no ByteLevel; byte-level BPE is supported") }
    try checkDecoder(contents.document["decoder"])
    try postProcessor(contents.document["post_processor"])
  }

  private mutating func readModel() throws(ModelFileError) {
    let model = contents.model
    guard model["type"]?.text ?? "BPE" == "BPE" else { throw unsupported("the model is \(model["type"]?.shown ?? ""); byte-level BPE is supported") }
    for key in ["continuing_subword_prefix", "end_of_word_suffix", "dropout", "byte_fallback"] {
      guard let value = model[key], !value.isEmpty, value != .number(0) else { continue }
      throw unsupported("\(key) is \(value.shown); byte-level BPE without it is supported")
    }
    var unknown: Int32?
    if let text = model["unk_token"]?.text {
      guard let id = id(of: text) else { throw malformed("unk_token is \"\(text.prefix(100))\", which the vocabulary does not have") }
      unknown = id
    }
    parts.encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: contents.merges, ignoresMerges: model["ignore_merges"] == .boolean(true), unknown: unknown,
      fusesUnknown: model["fuse_unk"] == .boolean(true))
    parts.unknownToken = unknown
  }

  func id(of text: String) -> Int32? {
    var text = text
    return text.withUTF8 { vocabulary.id(of: UnsafeRawBufferPointer($0)) }.map { Int32($0) }
  }

  /// Tokens that the vocabulary does not have are numbered in their order, whatever their `id` says: so does the library.
  private mutating func readAddedTokens() throws(ModelFileError) {
    guard let list = contents.document["added_tokens"], list != .null else { return }
    guard case .array(let items) = list else { throw malformed("added_tokens is no list") }
    guard items.count <= Self.mostAddedTokens else { throw malformed("\(items.count) added tokens; \(Self.mostAddedTokens) is the limit") }
    var highest = -1, known = Set<String>()
    let size = vocabulary.entries
    for item in items {
      guard let text = item["content"]?.text else { throw malformed("an added token has no content") }
      guard text.utf8.count <= Self.longestAddedToken else { throw malformed("an added token is \(text.utf8.count) bytes long; \(Self.longestAddedToken) is the limit") }
      guard !text.isEmpty, known.insert(text).inserted else { continue }
      var token = AddedToken(text: Array(text.utf8), id: 0, isSpecial: item["special"] == .boolean(true))
      token.isSingleWord = item["single_word"] == .boolean(true)
      token.stripsLeft = item["lstrip"] == .boolean(true)
      token.stripsRight = item["rstrip"] == .boolean(true)
      token.isNormalized = item["normalized"].map { $0 == .boolean(true) } ?? !token.isSpecial
      if let id = id(of: text) {
        token.id = id
      } else {
        let next = highest >= size || size == 0 ? highest + 1 : size
        if let refusal = token.text.withUnsafeBytes({ vocabulary.insert($0, id: next) }) { throw malformed(refusal.sentence(token.text, next)) }
        token.id = Int32(next)
      }
      highest = max(highest, Int(token.id))
      parts.added.append(token)
    }
  }
}

extension OrderedJSON {
  var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  var items: [OrderedJSON]? {
    guard case .array(let items) = self else { return nil }
    return items
  }

  subscript(key: String) -> OrderedJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// For messages.
  var shown: String {
    switch self {
    case .string(let text): "\"\(text.prefix(100))\""
    case .number(let number): "\(number)"
    case .boolean(let flag): "\(flag)"
    case .null: "null"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
