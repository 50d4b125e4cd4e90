internal import CModelKernels

/// Losses and gradients of a model.
///
/// The bits of every result depend on the model, the method, the seed, the arguments and the number of shards, and on nothing else: neither on
/// threads nor on the instruction set nor on how much was kept for the backward pass. Matrices are multiplied in the order of training (see
/// centram_training_kernels.h), so losses differ from those of `Engine` by rounding. One caller at a time.
public final class TrainingEngine {
  /// How the work is done. Only `shards` and `seed` have a say in the bits.
  public struct Options: Sendable, Equatable {
    public var threads: Int
    /// Parts of a batch that have gradients of their own, added in order at the end. Nil: two for small models, which one thread each then
    /// takes through a whole pass, and one for others.
    public var shards: Int?
    /// Of the factors' first values and of dropout.
    public var seed: UInt64
    /// Bytes of activations kept for the backward pass; blocks beyond it are computed again from their inputs.
    public var activationBudget: Int

    public init(threads: Int, shards: Int? = nil, seed: UInt64 = 0, activationBudget: Int = 1 << 30) {
      (self.threads, self.shards, self.seed, self.activationBudget) = (threads, shards, seed, activationBudget)
    }
  }

  /// A target that is not counted; what PyTorch calls `ignore_index`.
  public static let ignored: Int32 = -100
  /// Tokens of a pass; larger batches are passes added up.
  public static let maximumTokens = 1 << 17
  public static let maximumShards = 64

  /// What is trained.
  public let model: LanguageModel
  public let method: TrainingMethod
  public let options: Options
  public let shards: Int
  /// What is trained, in an order that depends on the family and the method alone: embeddings, blocks from the first on, final norm, head.
  public let tensors: [TrainingTensor]
  /// Numbers the passes with gradients; keys dropout. A resumed run sets it to what it was.
  public var passIndex: UInt64 = 0

  let bound: TrainingModel
  let pool: OpaquePointer
  /// For work between passes.
  let context: OpaquePointer
  /// One with the pool, or one a thread where shards run side by side.
  let workers: [TrainingWorker]
  /// Gradients of the shards but the first, which adds to the tensors' own.
  var shardGradients: [FloatBuffer] = []
  /// Gradients of one example, for each shard.
  var exampleGradients: [FloatBuffer] = []

  public var configuration: ModelConfiguration { model.configuration }
  var runsShardsSideBySide: Bool { workers.count > 1 }

  /// With `.full` each weight is copied as float32; with `.lora` weights stay where they are, and factors start as PEFT's do: A uniform in
  /// ±1/√columns, B zero.
  /// - Throws: `.unsupported` where the method cannot train this model, `.limit` for threads or shards beyond the limits.
  public init(model: LanguageModel, method: TrainingMethod, options: Options) throws(ModelFileError) {
    guard (1...Engine.maximumThreads).contains(options.threads) else {
      throw ModelFileError(.limit, "training with \(options.threads) threads; 1 to \(Engine.maximumThreads) are possible")
    }
    let bound = try TrainingModel(model, method: method, seed: options.seed)
    let shards = options.shards ?? (bound.configuration.hidden <= 256 ? 2 : 1)
    guard (1...Self.maximumShards).contains(shards) else { throw ModelFileError(.limit, "training with \(shards) shards; 1 to \(Self.maximumShards) are possible") }
    guard options.activationBudget >= 0 else { throw ModelFileError(.limit, "an activation budget of \(options.activationBudget) bytes; 0 or more are possible") }
    guard let pool = mk_pool_create(Int32(options.threads)) else {
      throw ModelFileError(.limit, "\(options.threads) threads cannot be started here; ask for fewer")
    }
    let side = shards > 1 && options.threads > 1 && shards % options.threads == 0
    let workers = (0..<(side ? options.threads : 1)).compactMap { _ in
      TrainingWorker(bound, pool: side ? nil : pool, activationBudget: options.activationBudget / (side ? options.threads : 1))
    }
    guard let context = mt_context_create(pool), workers.count == (side ? options.threads : 1) else {
      mk_pool_destroy(pool)
      throw ModelFileError(.limit, "there is no memory for \(options.threads) threads; ask for fewer")
    }
    (self.model, self.method, self.options, self.shards, self.bound, self.pool, self.context) = (model, method, options, shards, bound, pool, context)
    self.workers = workers
    tensors = bound.storage.tensors
  }

  /// Binds the weights, and trains them.
  /// - Throws: also what `LanguageModel` does.
  public convenience init(configuration: ModelConfiguration, weights: any WeightSource, method: TrainingMethod, options: Options) throws(ModelFileError) {
    try self.init(model: try LanguageModel(configuration: configuration, weights: weights), method: method, options: options)
  }

  deinit {
    mt_context_destroy(context)
    mk_pool_destroy(pool)
  }

  public func zeroGradients() { bound.storage.gradients.base.update(repeating: 0, count: bound.storage.count) }

  /// Multiplies the gradients, such as by 1 / counted targets of all passes of a step.
  public func scaleGradients(by factor: Double) { mt_scale(context, bound.storage.gradients.base, Float(factor), bound.storage.count) }

  /// The Euclidean norm over all trained tensors: squares summed as double, tensor after tensor. Not finite where a gradient is not.
  public func gradientNorm() -> Double { norm(bound.storage.gradients.base, context) }

  func norm(_ gradients: UnsafePointer<Float>, _ context: OpaquePointer) -> Double {
    var sum = 0.0
    for entry in bound.storage.entries where entry.isTrained { sum += mt_square_sum(context, gradients + entry.offset, entry.count) }
    return sum.squareRoot()
  }
}
