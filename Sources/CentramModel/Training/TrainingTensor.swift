/// A trainable tensor. The pointers stay valid as long as the engine; nobody may use them while a pass runs.
public struct TrainingTensor: @unchecked Sendable {
  /// As in a checkpoint (`model.norm.weight`) or in PEFT's adapter file (`base_model.model.model.layers.0.mlp.up_proj.lora_A.weight`).
  public let name: String
  /// Outermost first.
  public let shape: [Int]
  /// Row-major, `count` numbers.
  public let values: UnsafeMutablePointer<Float>
  /// The sum of what the passes since the last `zeroGradients` added.
  public let gradients: UnsafeMutablePointer<Float>
  /// Whether the optimizer may change it. A frozen A of LoRA is listed, so that it is saved, and has no gradient.
  public let isTrained: Bool
  public var count: Int { shape.reduce(1, *) }
}
