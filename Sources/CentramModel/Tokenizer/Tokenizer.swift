/// Turns text into the tokens of a model and back: byte-level byte-pair encoding, with the ids that Hugging Face's
/// `tokenizers` gives. Made from a tokenizer.json, from a GGUF file's metadata, or for the bytes themselves.
///
/// Not read: truncation, padding, and `clean_up_tokenization_spaces`, which are the callers' business.
public final class Tokenizer: Sendable {
  let vocabulary: Vocabulary
  /// Nil where the tokens are the bytes.
  let encoder: BytePairEncoder?
  let normalizer: Normalizer
  let preTokenizer: PreTokenizer
  /// Looked for in the text as it is, and in the normalised text.
  let plainMatcher: AddedTokenMatcher, normalizedMatcher: AddedTokenMatcher
  let special: Set<Int32>
  /// What the model's own rule puts before and behind a text, as `<|begin_of_text|>`.
  public let prefix: [Int32], suffix: [Int32]
  /// The token that a text begins with in the model's own words, whether the rule puts it there or not.
  public let beginToken: Int32?
  /// The tokens that end a text or a turn, as far as the files say it: the first is the end-of-text token.
  public let endTokens: [Int32]
  public let unknownToken: Int32?, paddingToken: Int32?
  let cache = PieceCacheBox()

  init(_ parts: Parts) {
    vocabulary = parts.vocabulary
    encoder = parts.encoder
    normalizer = parts.normalizer
    preTokenizer = parts.preTokenizer
    plainMatcher = AddedTokenMatcher(parts.added.filter { !$0.isNormalized })
    normalizedMatcher = AddedTokenMatcher(
      parts.added.filter(\.isNormalized).map { token in
        var token = token
        token.text = token.text.withUnsafeBytes { parts.normalizer.apply($0) } ?? token.text
        return token
      })
    special = Set(parts.added.filter(\.isSpecial).map(\.id))
    (prefix, suffix) = (parts.prefix, parts.suffix)
    (beginToken, endTokens, unknownToken, paddingToken) = (parts.beginToken, parts.endTokens, parts.unknownToken, parts.paddingToken)
  }

  /// What the readers of the file formats make.
  struct Parts {
    var vocabulary = Vocabulary()
    var encoder: BytePairEncoder?
    var normalizer = Normalizer.none
    var preTokenizer = PreTokenizer(steps: [])
    var added: [AddedToken] = []
    var prefix: [Int32] = [], suffix: [Int32] = []
    var beginToken: Int32?, endTokens: [Int32] = [], unknownToken: Int32?, paddingToken: Int32?
  }

  /// Token 0 to 255 for each byte: the tokenizer of `gpt-byte`.
  public static let bytes = Tokenizer(Parts())

  /// The highest id and one. There may be ids below it without a token.
  public var count: Int { encoder == nil ? 256 : vocabulary.count }

  /// Whether a token controls the model rather than being text.
  public func isSpecial(_ id: Int32) -> Bool { special.contains(id) }

  /// The token whose written form is the text: `Ġthe` for " the", `<|im_end|>` for itself.
  public func id(of text: String) -> Int32? {
    guard encoder != nil else {
      return text.utf8.count == 1 ? text.utf8.first.map { Int32($0) } : nil
    }
    var text = text
    return text.withUTF8 { vocabulary.id(of: UnsafeRawBufferPointer($0)) }.map { Int32($0) }
  }

  /// The written form of a token, as tokenizer.json has it; nil where no token has the id, or it is a byte and no character.
  public func text(of id: Int32) -> String? {
    guard encoder != nil else { return (0..<128).contains(id) ? String(Unicode.Scalar(UInt8(id))) : nil }
    return vocabulary.withText(Int(id)) { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes that a token stands for; none where no token has the id.
  public func bytes(of id: Int32) -> [UInt8] {
    guard encoder != nil else { return (0..<256).contains(id) ? [UInt8(id)] : [] }
    return vocabulary.withText(Int(id)) { ByteAlphabet.decode($0) } ?? []
  }
}
