/// What training changes.
public enum TrainingMethod: Sendable, Equatable {
  /// Every parameter, as float32.
  case full
  /// Low-rank factors beside frozen matrices, which keep the format of their file. Hu et al., 2021, https://arxiv.org/abs/2106.09685
  case lora(LoRAConfiguration)
}

/// Which matrices get factors, and of which kind; the fields mean what they mean in PEFT's adapter_config.json.
public struct LoRAConfiguration: Sendable, Equatable {
  public var rank: Int
  public var alpha: Double
  /// Last parts of module names, such as `q_proj`, or whole names, such as `model.layers.3.mlp.up_proj`. Empty: every matrix of the blocks.
  public var targets: [String]
  /// Whether the product is scaled by alpha / √rank in place of alpha / rank. Kalajdzievski, 2023, https://arxiv.org/abs/2312.03732
  public var usesRankStabilizedScale: Bool
  /// The probability with which an input of a factor is dropped in training.
  public var dropout: Double
  /// Leaves A as it was drawn: with noise on the gradients of both factors their product would have noise squared.
  /// Sun et al., 2024, https://arxiv.org/abs/2403.12313
  public var freezesA: Bool

  public init(rank: Int, alpha: Double, targets: [String] = [], usesRankStabilizedScale: Bool = false, dropout: Double = 0, freezesA: Bool = false) {
    (self.rank, self.alpha, self.targets) = (rank, alpha, targets)
    (self.usesRankStabilizedScale, self.dropout, self.freezesA) = (usesRankStabilizedScale, dropout, freezesA)
  }

  /// What the product of the factors is multiplied by.
  public var scale: Double { usesRankStabilizedScale ? alpha / Double(rank).squareRoot() : alpha / Double(rank) }
}
