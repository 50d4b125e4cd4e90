/// One model as far as its vocabulary goes.
public struct VocabularyModel: Sendable {
  /// As the configuration writes it.
  public let reference: String
  public let folder: String
  public let vocabulary: Vocabulary
  /// Rows of its embedding. Tokens with higher ids have no row.
  public let rows: Int

  public init(reference: String, folder: String, vocabulary: Vocabulary, rows: Int) {
    (self.reference, self.folder, self.vocabulary, self.rows) = (reference, folder, vocabulary, rows)
  }

  /// Reads the vocabulary from the folder's tokenizer.json.
  public init(reference: String, folder: String, rows: Int) throws(MergeError) {
    self.init(reference: reference, folder: folder, vocabulary: try Vocabulary(folder: folder), rows: rows)
  }
}

/// The output's tokens and their ids, and for each model which of its rows belongs to which of them.
///
/// Known before any tensor is read. `AlignedRowsSource` applies it to the embeddings and to the output head.
public struct VocabularyPlan: Sendable {
  /// What the settings say about one token.
  struct Override: Sendable {
    var source: VocabularySettings.TokenSource?
    var force: Bool
  }

  /// As they were given; sources of rows are given in the same order.
  public let models: [VocabularyModel]
  public let base: Int?
  /// The model whose tokenizer the output's is made from.
  public let pattern: Int
  /// Whether the output has the tokens of all models.
  public let isUnion: Bool
  /// The output's tokens, added ones included, by id.
  public let entries: [Vocabulary.Entry]
  /// By id.
  public let addedTokens: [AddedToken]
  /// Rows up to the highest id.
  public let tokenRows: Int
  /// Rows of the output's embeddings, with those of `padToMultipleOf`.
  public let rowCount: Int
  /// Whether the files of the pattern's tokenizer hold for the output as they are.
  public let keepsFiles: Bool
  private let ids: [ExactText: Int]
  /// By output row.
  let overrides: [Int: Override]

  /// - Parameters:
  ///   - models: in the order of the configuration, each with another reference; the base is one of them.
  ///   - base: index of `base_model`, nil without one.
  /// - Throws: `.configuration` where the settings name what is not there.
  public init(_ settings: VocabularySettings, models: [VocabularyModel], base: Int?) throws(MergeError) {
    precondition(!models.isEmpty, "a vocabulary needs a model")
    let padding = settings.padToMultipleOf ?? 1
    guard (1...Vocabulary.maximumID).contains(padding) else {
      throw MergeError(.configuration, "tokenizer.pad_to_multiple_of is \(padding); it must lie between 1 and \(Vocabulary.maximumID)")
    }
    (self.models, self.base) = (models, base)
    let pattern =
      switch settings.source {
      case .base, .union: base ?? 0
      case .model(let reference): try Self.index(of: reference, in: models, "tokenizer.source")
      }
    (self.pattern, isUnion) = (pattern, settings.source == .union)
    var builder = VocabularyBuilder(models[pattern].vocabulary, limit: settings.source == .base ? models[pattern].rows : nil)
    if isUnion {
      builder.append(models.indices.filter { $0 != pattern }.map { models[$0].vocabulary })
    }
    var overrides: [Int: Override] = [:]
    for token in settings.tokens {
      try Self.check(token, models)
      let id = builder.append(token.text, flagsFrom: models.map(\.vocabulary))
      overrides[id] = Override(source: token.source, force: token.force)
    }
    self.overrides = overrides
    keepsFiles = !builder.isChanged
    entries = builder.entries
    ids = Dictionary(builder.entries.map { ($0.text, $0.id) }, uniquingKeysWith: { first, _ in first })
    addedTokens = builder.addedTokens.sorted { $0.id < $1.id }
    tokenRows = builder.nextID
    rowCount = (builder.nextID + padding - 1) / padding * padding
  }

  public func id(of text: ExactText) -> Int? { ids[text] }

  private static func index(of reference: String, in models: [VocabularyModel], _ place: String) throws(MergeError) -> Int {
    guard let index = models.firstIndex(where: { $0.reference == reference }) else {
      throw MergeError(
        .configuration,
        "\(place) is \(reference), which is none of the merge's models: \(models.map(\.reference).joined(separator: ", "))")
    }
    return index
  }

  /// Checks that a token's source is there, so that a wrong name fails before anything is read or written.
  private static func check(_ token: VocabularySettings.Token, _ models: [VocabularyModel]) throws(MergeError) {
    let place = "tokenizer.tokens.\(token.text)"
    let index: Int, id: Int?, wanted: String
    switch token.source {
    case nil, .zero?: return
    case .model(let reference)?:
      index = try self.index(of: reference, in: models, "\(place).source")
      (id, wanted) = (models[index].vocabulary.id(of: ExactText(token.text)), "the token \"\(token.text)\"")
    case .token(let text, let reference)?:
      index = try self.index(of: reference, in: models, "\(place).source.model")
      (id, wanted) = (models[index].vocabulary.id(of: ExactText(text)), "the token \"\(text)\"")
    case .id(let number, let reference)?:
      index = try self.index(of: reference, in: models, "\(place).source.model")
      (id, wanted) = (number, "a token with the id \(number)")
    }
    guard let id, (0..<models[index].rows).contains(id) else {
      throw MergeError(.configuration, "\(place): \(models[index].reference) has no row for \(wanted)")
    }
  }
}
