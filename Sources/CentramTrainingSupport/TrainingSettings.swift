public import CentramPluginAPI

/// The hyperparameters that all trainers share, checked.
public struct TrainingSettings: Sendable {
  public var adam: AdamW.Settings
  public var rate: LearningRate
  /// Largest norm of all gradients together; nil: no limit.
  public var clip: Double?
  /// Sequences an accumulation, and tokens a sequence; the first token of each is context only.
  public var batch: Int, length: Int
  /// Batches a step.
  public var accumulation: Int
  public var steps: Int
  public var validateEvery: Int, validationBatches: Int, checkpointEvery: Int
  /// Of all settings that change a result.
  public var fingerprint: String

  /// - Parameter sequences: in the data, for epochs.
  public init(_ reader: SettingsReader, sequences: Int) throws(PluginError) {
    func number(_ name: String) -> Double { reader.number(name) ?? 0 }
    func integer(_ name: String) -> Int { reader.integer(name) ?? 0 }
    guard sequences > 0 else { throw PluginError(.invalid, "the data holds no sequence") }
    adam = AdamW.Settings(
      beta1: number("beta1"), beta2: number("beta2"), epsilon: number("adam_epsilon"), weightDecay: number("weight_decay"))
    (batch, length, accumulation) = (integer("batch"), integer("length"), integer("accumulation"))
    clip = number("clip") > 0 ? number("clip") : nil
    let epochs = number("epochs")
    if reader.isGiven("epochs"), reader.isGiven("steps") { throw PluginError(.invalid, "steps and epochs are both given; give one") }
    if epochs > 0, !reader.isGiven("steps") {
      let exact = (epochs * Double(sequences) / Double(batch * accumulation)).rounded(.up)
      guard exact <= 1e9 else { throw PluginError(.limitExceeded, "\(epochs) epochs of \(sequences) sequences are \(exact) steps; 1,000,000,000 is the limit") }
      steps = max(1, Int(exact))
    } else {
      steps = integer("steps")
    }
    let name = reader.string("schedule") ?? "cosine"
    guard let schedule = LearningRate.Schedule(rawValue: name) else {
      throw PluginError(.invalid, "schedule is \"\(name.prefix(40))\"; known are \(LearningRate.Schedule.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let warmUp = integer("warm_up")
    guard warmUp <= steps else { throw PluginError(.invalid, "a warm-up of \(warmUp) steps is longer than the \(steps) steps") }
    rate = LearningRate(peak: number("learning_rate"), warmUp: warmUp, schedule: schedule, minimum: number("minimum_learning_rate"), steps: steps)
    (validateEvery, validationBatches, checkpointEvery) = (integer("validate_every"), integer("validation_batches"), integer("checkpoint_every"))
    fingerprint = reader.fingerprint(without: ["validate_every", "validation_batches", "checkpoint_every", "data_hash", "epochs", "steps"]) + ";steps=\(steps)"
  }
}

extension ParameterSpecification {
  /// The parameters behind `TrainingSettings`.
  public static func training(learningRate: Double, clip: Double = 1, weightDecay: Double = 0.01) -> [ParameterSpecification] {
    [
      .init("learning_rate", .number, default: .number(learningRate), limits: 0...100, "peak of the learning rate"),
      .init("minimum_learning_rate", .number, default: .number(0), limits: 0...100, "learning rate at the last step, for linear and cosine"),
      .init("warm_up", .integer, default: .number(0), limits: 0...1e9, "steps in which the learning rate rises"),
      .init("schedule", .string, default: .string("cosine"), "after the warm-up: constant, linear or cosine"),
      .init("weight_decay", .number, default: .number(weightDecay), limits: 0...10, "AdamW's decay of weights"),
      .init("beta1", .number, default: .number(0.9), limits: 0...0.999999, "AdamW's mean of gradients"),
      .init("beta2", .number, default: .number(0.999), limits: 0...0.9999999, "AdamW's mean of squared gradients"),
      .init("adam_epsilon", .number, default: .number(1e-8), limits: 1e-30...1, "what AdamW adds to the root"),
      .init("clip", .number, default: .number(clip), limits: 0...1e9, "largest norm of all gradients together; 0: no limit"),
      .init("batch", .integer, default: .number(4), limits: 1...65536, "sequences a batch"),
      .init("length", .integer, default: .number(512), limits: 2...1_048_576, "tokens a sequence"),
      .init("accumulation", .integer, default: .number(1), limits: 1...65536, "batches a step"),
      .init("steps", .integer, default: .number(1000), limits: 1...1e9, "steps of the optimiser"),
      .init("epochs", .number, default: .number(0), limits: 0...1e6, "passes over the data, in the place of steps"),
      .init("validate_every", .integer, default: .number(200), limits: 0...1e9, "steps between validations; 0: none"),
      .init("validation_batches", .integer, default: .number(25), limits: 1...1e6, "batches a validation"),
      .init("checkpoint_every", .integer, default: .number(100), limits: 0...1e9, "steps between checkpoints; 0: at the end only"),
    ]
  }

  /// The parameters of LoRA factors, behind `AdapterSettings`.
  public static let adapter: [ParameterSpecification] = [
    .init("rank", .integer, default: .number(8), limits: 1...4096, "rank of the factors"),
    .init("alpha", .number, default: .number(16), limits: 0...1e6, "the factors' product is scaled by alpha / rank"),
    .init("targets", .string, default: .string("all-linear"), "names of modules, commas between them, or all-linear"),
    .init("layers", .string, default: .string(""), "layers that get factors, such as 8-15; all where empty"),
    .init("rslora", .boolean, default: .boolean(false), "scale alpha / √rank instead"),
    .init("dropout", .number, default: .number(0), limits: 0...0.99, "share of inputs to the factors that is dropped while training"),
  ]
}
