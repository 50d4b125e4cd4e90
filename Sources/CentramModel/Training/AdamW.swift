/// AdamW with PyTorch's arithmetic. Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101
public final class AdamW {
  public struct Configuration: Sendable, Equatable {
    public var beta1: Double, beta2: Double, epsilon: Double
    /// Taken from every trained tensor, multiplied by the learning rate, or only from those of two dimensions and more.
    public var weightDecay: Double
    public var decaysVectors: Bool

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01, decaysVectors: Bool = true) {
      (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
      (self.weightDecay, self.decaysVectors) = (weightDecay, decaysVectors)
    }
  }

  /// The averages of a trained tensor's gradients and of their squares, for checkpoints.
  public struct Moments: @unchecked Sendable {
    public let name: String
    public let count: Int
    public let first: UnsafeMutablePointer<Float>
    public let second: UnsafeMutablePointer<Float>
  }

  public let configuration: Configuration
  /// Of the trained tensors, in their order.
  public let moments: [Moments]
  /// Steps made; a resumed run sets it, and the moments, to what they were.
  public var step = 0

  public init(_ engine: TrainingEngine, _ configuration: Configuration = Configuration()) { fatalError() }

  /// Moves the trained tensors along their gradients.
  public func update(learningRate: Double) { fatalError() }
}
