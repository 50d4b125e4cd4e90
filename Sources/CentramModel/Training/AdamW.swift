internal import CModelKernels

/// AdamW with PyTorch's arithmetic. Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101
public final class AdamW {
  public struct Configuration: Sendable, Equatable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    /// Taken from the trained tensors, multiplied by the learning rate: from all, or from those of two dimensions and more.
    public var weightDecay: Double
    public var decaysVectors: Bool

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01, decaysVectors: Bool = true) {
      (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
      (self.weightDecay, self.decaysVectors) = (weightDecay, decaysVectors)
    }
  }

  /// The averages of a trained tensor's gradients and of their squares, for checkpoints. Valid as long as the optimizer.
  public struct Moments: @unchecked Sendable {
    public let name: String
    public let shape: [Int]
    public let first: UnsafeMutablePointer<Float>
    public let second: UnsafeMutablePointer<Float>
    public var count: Int { shape.reduce(1, *) }
  }

  public let configuration: Configuration
  /// Of the trained tensors, in their order.
  public let moments: [Moments]
  /// Updates made; a resumed run sets it, and the moments, to what they were.
  public var step = 0
  private let engine: TrainingEngine
  private let memory: FloatBuffer

  public init(_ engine: TrainingEngine, _ configuration: Configuration = Configuration()) {
    let trained = engine.bound.storage.entries.filter(\.isTrained)
    let count = engine.bound.storage.count
    let memory = FloatBuffer(count: 2 * count)
    memory.base.update(repeating: 0, count: 2 * count)
    moments = trained.map { Moments(name: $0.name, shape: $0.shape, first: memory.base + $0.offset, second: memory.base + count + $0.offset) }
    (self.engine, self.configuration, self.memory) = (engine, configuration, memory)
  }

  /// Moves the trained tensors along their gradients.
  public func update(learningRate: Double) {
    step += 1
    var settings = mt_adamw_step(
      beta1: configuration.beta1, beta2: configuration.beta2, epsilon: configuration.epsilon, learning_rate: learningRate, weight_decay: 0, step: UInt64(step))
    for (tensor, moments) in zip(engine.tensors.filter(\.isTrained), moments) {
      settings.weight_decay = tensor.shape.count > 1 || configuration.decaysVectors ? configuration.weightDecay : 0
      mt_adamw(engine.context, &settings, tensor.values, tensor.gradients, moments.first, moments.second, tensor.count)
    }
  }
}
