/// How the vocabularies of the inputs are brought together.
public struct TokenizerConfiguration: Sendable, Equatable {
  public enum Source: Sendable, Equatable {
    /// The base model's tokens, then what the others have besides.
    case union
    /// The base model's tokenizer.
    case base
    case model(ModelReference)
  }

  /// Where the rows of a token come from.
  public enum TokenSource: Sendable, Equatable {
    /// The row of the same token in this model.
    case model(ModelReference)
    case zero
    /// The row of another token.
    case token(String, ModelReference)
    /// The row with this number.
    case row(Int, ModelReference)
  }

  public struct Token: Sendable, Equatable {
    public var text: String
    /// Nil for the usual rule.
    public var source: TokenSource?
    /// Whether it replaces the rows of models that have the token.
    public var isForced: Bool
    public var place: ConfigurationPlace
  }

  public var source: Source
  /// In the order of the text.
  public var tokens: [Token]
  public var padToMultipleOf: Int?
  public var place: ConfigurationPlace

  var models: [ModelReference] {
    var list: [ModelReference] = []
    if case .model(let model) = source { list.append(model) }
    for token in tokens {
      switch token.source {
      case .model(let model)?, .token(_, let model)?, .row(_, let model)?: list.append(model)
      case .zero?, nil: break
      }
    }
    return list
  }
}
