/// A kind of model: what its block is made of and what its tensors are called. A new family is one file that makes one of
/// these; forward and backward pass read nothing else.
public struct ModelFamily: Sendable, Equatable {
  public enum Norm: Sendable { case rms, layer }
  public enum FeedForward: Sendable {
    /// down(silu(gate(x)) · up(x))
    case gated
    /// down(gelu(up(x))), the tanh form
    case plain
  }
  public enum Positions: Sendable { case rotary, learned }
  /// A matrix of a block by what it does.
  public enum Linear: String, Sendable, CaseIterable { case queryKeyValue, query, key, value, output, gate, up, down }

  /// `model_type` of config.json.
  public let name: String
  public let norm: Norm
  public let feedForward: FeedForward
  public let positions: Positions
  /// In the order of use. `queryKeyValue` stands for three matrices whose rows lie one after the other.
  public let linears: [Linear]
  /// Modules with a `.weight`, and a `.bias` where the family has one.
  public let embedding: String
  public let positionEmbedding: String?
  public let head: String?
  public let finalNorm: String
  /// Before attention, and before the feed-forward part; `{}` stands for the layer.
  public let attentionNorm: String
  public let feedForwardNorm: String
  /// Whether every matrix of a block has a bias, whatever the configuration says of attention.
  public let hasBiasesEverywhere: Bool
  let linearNames: [Linear: String]

  public init(
    name: String, norm: Norm, feedForward: FeedForward, positions: Positions, embedding: String, positionEmbedding: String? = nil, head: String?,
    finalNorm: String, attentionNorm: String, feedForwardNorm: String, hasBiasesEverywhere: Bool = false, linears: KeyValuePairs<Linear, String>
  ) {
    (self.name, self.norm, self.feedForward, self.positions) = (name, norm, feedForward, positions)
    (self.embedding, self.positionEmbedding, self.head, self.finalNorm) = (embedding, positionEmbedding, head, finalNorm)
    (self.attentionNorm, self.feedForwardNorm) = (attentionNorm, feedForwardNorm)
    self.hasBiasesEverywhere = hasBiasesEverywhere
    self.linears = linears.map(\.key)
    linearNames = Dictionary(uniqueKeysWithValues: linears.map { ($0.key, $0.value) })
  }

  /// The module's name, such as `model.layers.3.mlp.up_proj`; PEFT's adapters name modules so.
  public func name(_ linear: Linear, layer: Int) -> String? { linearNames[linear].map { Self.name($0, layer: layer) } }
  public func attentionNorm(layer: Int) -> String { Self.name(attentionNorm, layer: layer) }
  public func feedForwardNorm(layer: Int) -> String { Self.name(feedForwardNorm, layer: layer) }

  private static func name(_ pattern: String, layer: Int) -> String {
    let parts = pattern.split(separator: "{}", omittingEmptySubsequences: false)
    return parts.joined(separator: String(layer))
  }

  /// The families that can be run and trained.
  public static let all: [ModelFamily] = [.gptByte, .llama, .qwen2]
}
