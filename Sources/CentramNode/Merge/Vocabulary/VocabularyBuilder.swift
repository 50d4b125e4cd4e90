/// Puts the output's vocabulary together: one model's tokens with their ids, then what others add.
struct VocabularyBuilder {
  private var ids: [ExactText: Int] = [:]
  /// By id.
  private(set) var entries: [Vocabulary.Entry] = []
  private(set) var addedTokens: [AddedToken] = []
  private var addedTexts = Set<ExactText>()
  /// The id of the next new token.
  private(set) var nextID = 0
  /// Whether anything differs from the vocabulary that it started with.
  private(set) var isChanged = false

  /// - Parameter limit: tokens with this id or a higher one are left out.
  init(_ vocabulary: Vocabulary, limit: Int?) {
    entries = vocabulary.entries.filter { $0.id < limit ?? .max }
    addedTokens = vocabulary.addedTokens.filter { $0.id < limit ?? .max }
    ids = Dictionary(entries.map { ($0.text, $0.id) }, uniquingKeysWith: { first, _ in first })
    addedTexts = Set(addedTokens.map(\.content))
    nextID = entries.last.map { $0.id + 1 } ?? 0
    isChanged = entries.count != vocabulary.entries.count
  }

  /// Appends what is new in other vocabularies: first their models' tokens, then their added tokens, which every loader
  /// expects behind the others.
  mutating func append(_ vocabularies: [Vocabulary]) {
    for vocabulary in vocabularies {
      let added = Set(vocabulary.addedTokens.map(\.content))
      for entry in vocabulary.entries where !added.contains(entry.text) { append(entry.text) }
    }
    for vocabulary in vocabularies {
      for token in vocabulary.addedTokens { append(token) }
    }
  }

  /// Appends a token that the settings name, unless it is there, and returns its id. It has the flags of the first
  /// vocabulary that knows it as an added token; else it is one that is matched as it stands.
  mutating func append(_ text: String, flagsFrom vocabularies: [Vocabulary]) -> Int {
    let text = ExactText(text)
    if let id = ids[text] { return id }
    let known = vocabularies.lazy.compactMap { $0.addedTokens.first { $0.content == text } }.first
    append(known ?? AddedToken(text, id: 0))
    return nextID - 1
  }

  private mutating func append(_ token: AddedToken) {
    let id: Int
    if let present = ids[token.content] {
      // The base's tokenizer goes on treating its own tokens as it did. But a control token must be found in the text
      // whole, or the models that were trained with it never see it.
      guard token.special, !addedTexts.contains(token.content) else { return }
      id = present
      isChanged = true
    } else {
      append(token.content)
      id = nextID - 1
    }
    var token = token
    token.id = id
    addedTokens.append(token)
    addedTexts.insert(token.content)
  }

  private mutating func append(_ text: ExactText) {
    guard ids[text] == nil else { return }
    ids[text] = nextID
    entries.append(Vocabulary.Entry(text, id: nextID))
    nextID += 1
    isChanged = true
  }
}
