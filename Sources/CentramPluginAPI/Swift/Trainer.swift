// SPDX-License-Identifier: Apache-2.0

public struct TrainerInfo: Sendable {
  public var parameters: [ParameterSpecification]
  public init(parameters: [ParameterSpecification] = []) { self.parameters = parameters }
}

/// Makes an adapter or a delta: reads batches, asks the model for gradients, updates what is trainable.
public protocol Trainer: Sendable {
  var info: TrainerInfo { get }
  /// Trains until done. Stops with `.cancelled` soon after the task is cancelled, with a checkpoint written.
  /// From the same request, resume state included, it ends with the same bits.
  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult
}

public struct TrainingRequest: Sendable {
  public let model: any TrainableModel
  public let data: any TokenStream
  /// Hyperparameters and, where asked for, privacy settings: a JSON object.
  public let settingsJSON: String
  public let seed: UInt64
  /// What a checkpoint was given before; nil: from the start.
  public let resumeState: [UInt8]?
  public let observer: any TrainingObserver

  public init(
    model: any TrainableModel, data: any TokenStream, settingsJSON: String, seed: UInt64, resumeState: [UInt8]?,
    observer: any TrainingObserver
  ) {
    (self.model, self.data, self.settingsJSON) = (model, data, settingsJSON)
    (self.seed, self.resumeState, self.observer) = (seed, resumeState, observer)
  }
}

/// The model to train, lent for the call.
public protocol TrainableModel: Sendable {
  /// What may be changed now, in a fixed order.
  var tensors: [TrainableTensor] { get }
  /// Makes adapter factors trainable on modules; they then count among `tensors`.
  /// - Parameter configurationJSON: PEFT's `adapter_config.json`.
  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError)
  /// Adds the gradients of a batch to the accumulators: those of the loss summed over all counted tokens, so a mean over a step is this
  /// divided by the counted tokens of its batches. With `clipNorm` those of each sequence's mean loss, bounded in norm, summed.
  ///
  /// Each token but a row's first is predicted from those before it, and counted where its id is 0 or above. `~id`, which is
  /// negative, stands for a token that is read and not counted, such as one of a prompt or of padding at a row's end.
  /// - Parameters:
  ///   - tokens: `batch` × `length` token ids, row-major.
  ///   - clipNorm: bounds each sequence's gradient norm before the sum (private training); nil: none.
  /// - Returns: the mean loss in nat a token, and each sequence's gradient norm where `clipNorm` was given.
  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double])
  /// Mean loss in nat a counted token without gradients.
  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double
}

@frozen public struct TrainableTensor: @unchecked Sendable {
  public let name: String
  public let shape: [Int]
  public let values: UnsafeMutableBufferPointer<Float>
  /// The accumulator; the trainer zeroes it.
  public let gradient: UnsafeMutableBufferPointer<Float>
  @inlinable public init(name: String, shape: [Int], values: UnsafeMutableBufferPointer<Float>, gradient: UnsafeMutableBufferPointer<Float>) {
    (self.name, self.shape, self.values, self.gradient) = (name, shape, values, gradient)
  }
}

/// Data as rows of token ids. An id of `~id` (below 0) is a token that is read and not counted in the loss: a prompt, padding.
public protocol TokenStream: Sendable {
  /// Sequences in the data, for sampling rates.
  var count: Int { get }
  /// `batch` × `length` token ids for a step; the same for the same step. Steps from 0 on go through the data in an order of the
  /// host's, epoch after epoch. Steps below 0 are the held-out data, `~0` its first batch; past its last, or where there is none,
  /// this throws `.unavailable`.
  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32]
  /// One sequence of the data, from 0 to `count` − 1, for Poisson sampling.
  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32]
}

public protocol TrainingObserver: Sendable {
  func report(_ event: TrainingEvent)
  /// Durable when it returns.
  func checkpoint(_ state: [UInt8]) throws(PluginError)
}

public struct TrainingEvent: Sendable {
  public var step: Int, steps: Int
  /// Nat a token.
  public var loss: Double?, validationLoss: Double?
  public var tokensPerSecond: Double?
  public var message: String?
  public init(step: Int, steps: Int, loss: Double? = nil, validationLoss: Double? = nil, tokensPerSecond: Double? = nil, message: String? = nil) {
    (self.step, self.steps, self.loss) = (step, steps, loss)
    (self.validationLoss, self.tokensPerSecond, self.message) = (validationLoss, tokensPerSecond, message)
  }
}

public struct TrainingResult: Sendable {
  public var metrics: [String: Double]
  /// What the gate's privacy layer reads; nil where nothing private was asked for.
  public var privacyRecordJSON: String?
  public init(metrics: [String: Double], privacyRecordJSON: String? = nil) {
    (self.metrics, self.privacyRecordJSON) = (metrics, privacyRecordJSON)
  }
}
