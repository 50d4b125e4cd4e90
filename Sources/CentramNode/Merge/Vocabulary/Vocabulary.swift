/// The tokens of one model and their ids, read from tokenizer.json.
public struct Vocabulary: Sendable {
  /// How the tokenizer's model cuts words.
  public enum Kind: String, Sendable {
    case bpe = "BPE", wordPiece = "WordPiece", unigram = "Unigram", wordLevel = "WordLevel"
  }

  public struct Entry: Sendable, Hashable {
    public let text: ExactText
    public let id: Int

    public init(_ text: ExactText, id: Int) { (self.text, self.id) = (text, id) }
  }

  /// More tokens than any model has; keeps a damaged id from asking for terabytes.
  public static let maximumID = 1 << 22

  public let kind: Kind
  /// Added tokens included, by id and then by bytes.
  public let entries: [Entry]
  /// By id.
  public let addedTokens: [AddedToken]
  private let ids: [ExactText: Int]

  /// Reads the tokenizer.json of a model's folder.
  /// - Throws: `.input` where it is missing or malformed.
  public init(folder: String) throws(MergeError) {
    let files = FolderFiles(folder: folder)
    guard let json = try files.jsonObject("tokenizer.json") else {
      throw MergeError(
        .input,
        "\(folder) has no tokenizer.json, which the tokenizer setting needs; copy that of the model it was trained from, or save one with "
          + "AutoTokenizer.from_pretrained(...).save_pretrained(...)")
    }
    try self.init(json, path: files.path("tokenizer.json"))
  }

  /// - Parameter path: what errors call the file.
  init(_ json: OrderedJSON.Object, path: String) throws(MergeError) {
    func malformed(_ message: String) -> MergeError { MergeError(.input, "\(path): \(message)") }
    guard let model = json["model"]?.object else { throw malformed("no `model`") }
    kind = try Self.kind(of: model, path: path)
    var ids: [ExactText: Int] = [:], entries: [Entry] = []
    func add(_ text: ExactText, _ id: Int) throws(MergeError) {
      guard (0..<Self.maximumID).contains(id) else {
        throw malformed("the token \"\(text)\" has the id \(id); ids lie between 0 and \(Self.maximumID - 1)")
      }
      guard ids.updateValue(id, forKey: text) == nil else { return }
      entries.append(Entry(text, id: id))
    }
    switch model["vocab"] {
    case .object(let vocabulary)?:
      for member in vocabulary.members {
        guard let id = member.value.integer else { throw malformed("the token \"\(member.key)\" has no whole number as its id") }
        try add(ExactText(member.key), id)
      }
    case .array(let pieces)?:
      for (id, piece) in pieces.enumerated() {
        guard let text = piece.array?.first?.string else { throw malformed("piece \(id) is not a pair of a text and a score") }
        try add(ExactText(text), id)
      }
    default: throw malformed("`model.vocab` is neither an object nor a list")
    }
    var added: [AddedToken] = []
    for element in json["added_tokens"]?.array ?? [] {
      guard var token = AddedToken(element) else { throw malformed("an element of `added_tokens` has no content or no id") }
      // The tokenizers library asks the model first.
      if let id = ids[token.content] { token.id = id } else { try add(token.content, token.id) }
      added.append(token)
    }
    self.ids = ids
    self.entries = entries.sorted { $0.id == $1.id ? Self.precedes($0.text, $1.text) : $0.id < $1.id }
    addedTokens = added.sorted { $0.id < $1.id }
  }

  /// A vocabulary from its parts, for vocabularies that lie in no tokenizer.json.
  public init(kind: Kind = .bpe, entries: [Entry], addedTokens: [AddedToken] = []) {
    self.kind = kind
    self.entries = entries.sorted { $0.id == $1.id ? Self.precedes($0.text, $1.text) : $0.id < $1.id }
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    ids = Dictionary(entries.map { ($0.text, $0.id) }, uniquingKeysWith: { first, _ in first })
  }

  public func id(of text: ExactText) -> Int? { ids[text] }

  /// One more than the highest id.
  public var idLimit: Int { entries.last.map { $0.id + 1 } ?? 0 }

  private static func precedes(_ one: ExactText, _ other: ExactText) -> Bool {
    one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
  }

  /// Old files do not name their model's type.
  private static func kind(of model: OrderedJSON.Object, path: String) throws(MergeError) -> Kind {
    guard let type = model["type"] else {
      if model["merges"] != nil { return .bpe }
      if model["vocab"]?.array != nil { return .unigram }
      return model["continuing_subword_prefix"] != nil ? .wordPiece : .wordLevel
    }
    guard let kind = type.string.flatMap(Kind.init) else {
      throw MergeError(.input, "\(path): a tokenizer model of another type than BPE, WordPiece, Unigram or WordLevel")
    }
    return kind
  }
}
