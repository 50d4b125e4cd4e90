/// A byte-level BPE tokenizer as tokenizer.json says it and as GGUF's metadata says it. GGUF knows ways to cut words by name,
/// tokenizer.json spells them out; only ways that are known on both sides are translated.
enum TokenizerTranslation {
  static let maximumLength = 256 << 20

  /// A way to cut words.
  struct Cut {
    /// `tokenizer.ggml.pre`.
    let name: String
    /// Other names for the same in GGUF files.
    var others: Set<String> = []
    /// The steps of tokenizer.json, each in the form of `step`.
    let steps: [String]
    /// Whether text becomes NFC first.
    var isNormalized = false
    /// Whether a word that is a token is taken whole.
    var ignoresMerges = false
  }

  /// The words of the tokenizers of GPT-4 and its descendants, with numbers of up to so many digits.
  private static func words(_ digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  static let cuts: [Cut] = [
    Cut(name: "gpt-2", steps: ["words"]),
    Cut(name: "smollm", others: ["starcoder"], steps: ["digits", "words"]),
    Cut(name: "qwen2", others: ["deepseek-r1-qwen"], steps: ["split " + words(#"\p{N}"#), "bytes"], isNormalized: true),
    Cut(name: "llama-bpe", others: ["llama3", "llama-v3"], steps: ["split " + words(#"\p{N}{1,3}"#), "bytes"], ignoresMerges: true),
  ]

  static func unsupported(_ file: String, _ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(file): \(message)") }
  static func malformed(_ file: String, _ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }
}

extension OrderedJSON {
  /// Nil for null.
  var present: OrderedJSON? { self == .null ? nil : self }
  var members: [Member]? {
    guard case .object(let members) = self else { return nil }
    return members
  }
  var integer: Int? {
    guard case .number(let number) = self else { return nil }
    return Int(exactly: number)
  }
  var isTrue: Bool { self == .boolean(true) }

  static func object(_ members: KeyValuePairs<String, OrderedJSON>) -> OrderedJSON { .object(members.map { .init(key: $0.key, value: $0.value) }) }
}
