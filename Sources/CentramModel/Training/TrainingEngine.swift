/// Losses and gradients of a model.
///
/// The bits of every result depend on the model, the method, the seed, the arguments and the number of shards, and on nothing else: neither on
/// threads nor on the instruction set nor on how much was kept for the backward pass. One caller at a time.
public final class TrainingEngine {
  /// How the work is done. Only `shards` and `seed` have a say in the bits.
  public struct Options: Sendable, Equatable {
    public var threads: Int
    /// Parts of a batch that have gradients of their own, added in order at the end. Nil: a rule by the size of the model.
    public var shards: Int?
    /// Of the factors' first values and of dropout.
    public var seed: UInt64
    /// Bytes of activations kept for the backward pass; layers beyond it are computed again from their inputs.
    public var activationBudget: Int

    public init(threads: Int, shards: Int? = nil, seed: UInt64 = 0, activationBudget: Int = 1 << 30) {
      (self.threads, self.shards, self.seed, self.activationBudget) = (threads, shards, seed, activationBudget)
    }
  }

  /// A target that is not counted; what PyTorch calls `ignore_index`.
  public static let ignored: Int32 = -100

  public let configuration: ModelConfiguration
  public let method: TrainingMethod
  public let options: Options
  /// What is trained, in an order that depends on the family and the method alone.
  public let tensors: [TrainingTensor]
  /// Numbers the passes with gradients; keys dropout. A resumed run sets it to what it was.
  public var passIndex: UInt64 = 0

  /// Binds the weights. With `.full` each is copied as float32; with `.lora` they stay where they are, and factors start as PEFT's do:
  /// A uniform in ±1/√columns, B zero.
  /// - Throws: `.malformed` where a tensor is missing or has another shape, `.unsupported` where the method cannot train this model.
  public init(configuration: ModelConfiguration, weights: any WeightSource, method: TrainingMethod, options: Options) throws(ModelFileError) {
    fatalError()
  }

  /// Adds the gradients of the batch's loss, summed over its counted targets, to those of `tensors`.
  ///
  /// With `clipNorm` the gradient of each example (of its loss, averaged over the example's own counted targets) is scaled down to this norm
  /// where it is above it, and the sum of these is added. Abadi et al., 2016, https://arxiv.org/abs/1607.00133
  /// - Parameters:
  ///   - inputs: `batch` rows of `length` tokens.
  ///   - targets: what should follow each; `ignored` for what does not count.
  /// - Throws: `.invalidArgument`, nothing changed; `.notFinite`, after which `zeroGradients` is due.
  public func accumulate(inputs: [Int32], targets: [Int32], batch: Int, length: Int, clipNorm: Double? = nil) throws(TrainingError) -> TrainingPass {
    fatalError()
  }

  /// The loss alone, without dropout.
  public func loss(inputs: [Int32], targets: [Int32], batch: Int, length: Int) throws(TrainingError) -> TrainingPass { fatalError() }

  public func zeroGradients() { fatalError() }
  /// Multiplies the gradients, such as by 1 / counted targets of all passes of a step.
  public func scaleGradients(by factor: Double) { fatalError() }
  /// The Euclidean norm over all trained tensors: squares summed as double, tensor after tensor.
  public func gradientNorm() -> Double { fatalError() }
}
