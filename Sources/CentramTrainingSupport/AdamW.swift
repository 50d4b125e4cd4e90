public import CentramPluginAPI
internal import CModelKernels

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101), with the operations of
/// PyTorch's `torch.optim.AdamW` in float32.
public struct AdamW: Sendable {
  public struct Settings: Sendable, Equatable {
    public var beta1 = 0.9, beta2 = 0.999
    /// Added to the root of the second moment.
    public var epsilon = 1e-8
    public var weightDecay = 0.01
    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
      (self.beta1, self.beta2, self.epsilon, self.weightDecay) = (beta1, beta2, epsilon, weightDecay)
    }
  }

  public let settings: Settings
  /// Steps done.
  public internal(set) var step = 0
  /// Running means of gradients and of their squares, one array a tensor.
  public internal(set) var first: [[Float]], second: [[Float]]

  /// - Parameter counts: elements of each tensor.
  public init(_ settings: Settings, counts: [Int]) {
    self.settings = settings
    first = counts.map { Array(repeating: 0, count: $0) }
    second = first
  }

  /// Changes the tensors by their gradients.
  /// - Parameter tensors: those that the counts were of, in the same order.
  public mutating func update(_ tensors: [TrainableTensor], learningRate: Double) {
    precondition(tensors.count == first.count, "\(tensors.count) tensors for an optimiser of \(first.count)")
    step += 1
    var rule = centram_adamw_t(
      decay: Float(1 - learningRate * settings.weightDecay), mix1: Float(1 - settings.beta1), beta2: Float(settings.beta2),
      mix2: Float(1 - settings.beta2), rate: Float(learningRate / (1 - Self.power(settings.beta1, step))),
      root: Float((1 - Self.power(settings.beta2, step)).squareRoot()), epsilon: Float(settings.epsilon))
    for (index, tensor) in tensors.enumerated() {
      precondition(tensor.values.count == first[index].count, "\(tensor.name) changed its size")
      guard let values = tensor.values.baseAddress, let gradient = tensor.gradient.baseAddress else { continue }
      centram_adamw(&rule, values, gradient, &first[index], &second[index], tensor.values.count)
    }
  }

  /// By repeated squaring: IEEE operations only, so the same bits everywhere.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}
