/// What a model is made of: read from config.json or from GGUF's metadata. Sizes are in elements.
public struct ModelConfiguration: Sendable, Equatable {
  public var family: ModelFamily
  public var layers: Int
  /// Width of the residual stream.
  public var hidden: Int
  /// Width of the feed-forward part.
  public var intermediate: Int
  public var heads: Int
  /// Divides `heads`.
  public var keyValueHeads: Int
  public var headSize: Int
  public var vocabulary: Int
  /// Positions that the model was made for.
  public var contextLength: Int
  public var normEpsilon: Float
  /// Nil where positions are learned.
  public var rope: RotaryEmbedding?
  /// Whether the head is the embedding.
  public var tiesEmbeddings: Bool
  /// Whether query, key and value have biases.
  public var hasAttentionBias: Bool
  public var beginToken: Int32?
  /// Any of them ends a text.
  public var endTokens: [Int32]

  public init(
    family: ModelFamily, layers: Int, hidden: Int, intermediate: Int, heads: Int, keyValueHeads: Int, headSize: Int, vocabulary: Int,
    contextLength: Int, normEpsilon: Float, rope: RotaryEmbedding?, tiesEmbeddings: Bool, hasAttentionBias: Bool, beginToken: Int32? = nil,
    endTokens: [Int32] = []
  ) {
    (self.family, self.layers, self.hidden, self.intermediate) = (family, layers, hidden, intermediate)
    (self.heads, self.keyValueHeads, self.headSize, self.vocabulary) = (heads, keyValueHeads, headSize, vocabulary)
    (self.contextLength, self.normEpsilon, self.rope, self.tiesEmbeddings) = (contextLength, normEpsilon, rope, tiesEmbeddings)
    (self.hasAttentionBias, self.beginToken, self.endTokens) = (hasAttentionBias, beginToken, endTokens)
  }
}

/// Rotary position embedding. Su et al., 2021, https://arxiv.org/abs/2104.09864; halves are rotated, as Hugging Face does.
public struct RotaryEmbedding: Sendable, Equatable {
  public enum Scaling: Sendable, Equatable {
    case none
    /// Positions divided by `factor`.
    case linear(factor: Double)
    /// Llama 3.1's: low frequencies divided by `factor`, high ones kept, a blend between.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Double)
  }
  public var theta: Double
  public var scaling: Scaling
  public init(theta: Double, scaling: Scaling = .none) { (self.theta, self.scaling) = (theta, scaling) }
}
