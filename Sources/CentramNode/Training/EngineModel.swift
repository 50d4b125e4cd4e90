internal import CentramModel
public import CentramPluginAPI
internal import Foundation

/// A model with its training engine, as trainers see it. Passes run one after the other on a thread of their own.
public final class EngineModel: TrainableModel, @unchecked Sendable {
  /// What a trainer may change.
  public enum Kind: String, Sendable, Codable {
    /// Factors that the trainer asks for; nothing before that.
    case adapter
    /// Every weight.
    case full
  }

  let kind: Kind
  let configuration: ModelConfiguration
  private let weights: any WeightSource
  private let threads: Int, activationBudget: Int
  /// Guards the engine; passes hold it.
  private let queue = DispatchQueue(label: "centram.training")
  private var engine: TrainingEngine?
  private var request: AdapterRequest?
  /// The dropout counter of a checkpoint, for the engine that is still to be made.
  private var passIndex: UInt64
  /// Values that factors start from, by name, in the place of random ones.
  private let initialFactors: [String: [Float]]
  /// Asked once, before the first pass: whether what was made trainable can be trained.
  private var willTrain: (([TrainableTensor]) throws(PluginError) -> Void)?

  init(
    _ configuration: ModelConfiguration, _ weights: any WeightSource, kind: Kind, threads: Int, activationBudget: Int = 1 << 30, passIndex: UInt64 = 0,
    initialFactors: [String: [Float]] = [:], willTrain: @escaping ([TrainableTensor]) throws(PluginError) -> Void = { (_) throws(PluginError) in }
  ) {
    (self.configuration, self.weights, self.kind, self.threads, self.activationBudget) = (configuration, weights, kind, threads, activationBudget)
    (self.passIndex, self.initialFactors, self.willTrain) = (passIndex, initialFactors, willTrain)
  }

  public var tensors: [TrainableTensor] {
    (try? all())?.filter(\.isTrained).map(Self.trainable) ?? []
  }

  private static func trainable(_ tensor: TrainingTensor) -> TrainableTensor {
    TrainableTensor(
      name: tensor.name, shape: tensor.shape, values: UnsafeMutableBufferPointer(start: tensor.values, count: tensor.count),
      gradient: UnsafeMutableBufferPointer(start: tensor.gradients, count: tensor.count))
  }

  /// All tensors of the result, frozen ones too; none of an adapter that nobody asked for yet.
  func all() throws(PluginError) -> [TrainingTensor] {
    try queue.sync { Result { () throws(PluginError) in try made()?.tensors ?? [] } }.get()
  }

  /// What the adapter is, once it is attached.
  var adapter: AdapterRequest? { queue.sync { request } }

  /// How many passes with gradients there were; dropout is counted by it.
  var passes: UInt64 { queue.sync { engine?.passIndex ?? passIndex } }

  public func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {
    guard kind == .adapter else { throw PluginError(.unsupported, "this training changes every weight, so no adapter can be attached") }
    let request = try AdapterRequest(json: configurationJSON, configuration: configuration)
    try queue.sync {
      Result { () throws(PluginError) in
        guard engine == nil else { throw PluginError(.invalid, "an adapter is attached already") }
        self.request = request
        let made = try make(.lora(request.lora), seed: seed)
        try start(made)
        engine = made
      }
    }.get()
  }

  /// On the queue.
  private func made() throws(PluginError) -> TrainingEngine? {
    if engine == nil, kind == .full { engine = try make(.full, seed: 0) }
    return engine
  }

  private func make(_ method: TrainingMethod, seed: UInt64) throws(PluginError) -> TrainingEngine {
    do throws(ModelFileError) {
      let engine = try TrainingEngine(
        configuration: configuration, weights: weights, method: method,
        options: TrainingEngine.Options(threads: threads, seed: seed, activationBudget: activationBudget))
      engine.passIndex = passIndex
      return engine
    } catch { throw PluginError(.unsupported, error.message) }
  }

  /// Puts in the factors that training goes on from.
  private func start(_ engine: TrainingEngine) throws(PluginError) {
    guard !initialFactors.isEmpty else { return }
    for tensor in engine.tensors {
      guard let values = initialFactors[tensor.name], values.count == tensor.count else {
        throw PluginError(.shapeMismatch, "the adapter to start from has no \(tensor.name) of shape \(tensor.shape); take its rank and targets")
      }
      tensor.values.update(from: values, count: values.count)
    }
    guard initialFactors.count == engine.tensors.count else {
      throw PluginError(.shapeMismatch, "the adapter to start from has \(initialFactors.count) tensors, this one \(engine.tensors.count); take its targets")
    }
  }

  public func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    let rows = try rows(tokens, batch, length)
    let pass = try await onQueue { (engine) throws(PluginError) in
      guard rows.length > 0 else { return nil }
      do throws(TrainingError) {
        return try engine.accumulate(inputs: rows.inputs, targets: rows.targets, batch: batch, length: rows.length, clipNorm: clipNorm)
      } catch { throw Self.error(error) }
    }
    guard let pass else { return (0, clipNorm == nil ? [] : Array(repeating: 0, count: batch)) }
    return (pass.meanLoss, pass.exampleNorms)
  }

  public func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double {
    let rows = try rows(tokens, batch, length)
    let pass = try await onQueue { (engine) throws(PluginError) in
      guard rows.length > 0 else { return nil }
      do throws(TrainingError) { return try engine.loss(inputs: rows.inputs, targets: rows.targets, batch: batch, length: rows.length) } catch {
        throw Self.error(error)
      }
    }
    return pass?.meanLoss ?? 0
  }

  private static func error(_ error: TrainingError) -> PluginError { PluginError(.invalid, error.message) }

  private func onQueue(_ body: @escaping @Sendable (TrainingEngine) throws(PluginError) -> TrainingPass?) async throws(PluginError) -> TrainingPass? {
    let result: Result<TrainingPass?, PluginError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(
          returning: Result { () throws(PluginError) in
            guard let engine = try self.made() else { throw PluginError(.invalid, "there is nothing to train yet: attach an adapter first") }
            if let willTrain = self.willTrain {
              try willTrain(engine.tensors.filter(\.isTrained).map(Self.trainable))
              self.willTrain = nil
            }
            return try body(engine)
          })
      }
    }
    return try result.get()
  }

  /// Inputs and what should follow each. Columns at the end in which no row has anything counted are left out: by causality they
  /// change nothing.
  private func rows(_ tokens: [Int32], _ batch: Int, _ length: Int) throws(PluginError) -> (inputs: [Int32], targets: [Int32], length: Int) {
    guard batch > 0, length > 1, batch <= 1 << 20, length <= 1 << 24, tokens.count == batch * length else {
      throw PluginError(.shapeMismatch, "\(tokens.count) tokens for \(batch) rows of \(length)")
    }
    var used = 0
    for row in 0..<batch {
      if let last = (used..<length).last(where: { $0 > 0 && tokens[row * length + $0] >= 0 }) { used = max(used, last) }
    }
    var inputs: [Int32] = [], targets: [Int32] = []
    inputs.reserveCapacity(batch * used)
    targets.reserveCapacity(batch * used)
    for row in 0..<batch {
      for column in 0..<used {
        let token = tokens[row * length + column], next = tokens[row * length + column + 1]
        inputs.append(token < 0 ? ~token : token)
        targets.append(next < 0 ? TrainingEngine.ignored : next)
      }
    }
    return (inputs, targets, used)
  }
}
