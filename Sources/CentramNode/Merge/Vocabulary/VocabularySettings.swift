/// Which tokens the output has, and where the rows of its embeddings come from: what the configuration says under
/// `tokenizer` or `tokenizer_source`.
public struct VocabularySettings: Sendable, Equatable {
  /// Whose tokens the output has.
  public enum Source: Sendable, Equatable {
    /// The base model's, or without one the first model's.
    case base
    /// Those of the model with this reference.
    case model(String)
    /// Those of all models: the base's with their ids, then the others' in the order of the models.
    case union
  }

  /// Where the row of a token comes from.
  public enum TokenSource: Sendable, Equatable {
    case zero
    /// The row of the same token in the model with this reference.
    case model(String)
    /// The row of another token of a model.
    case token(String, of: String)
    /// A row of a model by number.
    case id(Int, of: String)
  }

  public struct Token: Sendable, Equatable {
    public var text: String
    /// Nil asks for what fills a token that the settings do not name.
    public var source: TokenSource?
    /// Whether models that have the token take the source's row too.
    public var force: Bool

    public init(_ text: String, source: TokenSource? = nil, force: Bool = false) {
      (self.text, self.source, self.force) = (text, source, force)
    }
  }

  public var source: Source
  /// In the order of the configuration, which is the order in which new tokens are appended.
  public var tokens: [Token]
  /// The output's rows are filled up to a multiple of this.
  public var padToMultipleOf: Int?

  public init(source: Source = .base, tokens: [Token] = [], padToMultipleOf: Int? = nil) {
    (self.source, self.tokens, self.padToMultipleOf) = (source, tokens, padToMultipleOf)
  }
}
