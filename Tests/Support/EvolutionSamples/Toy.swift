internal import CentramNode
public import CentramPluginAPI
internal import Foundation

/// Trains the toy and adapters of it on real text.
public enum Toy {
  /// A byte model of 842,496 parameters from scratch.
  ///
  /// A warm-up and a second moment that forgets sooner get it past the statistics of single bytes in a fraction of the steps.
  public static func base(text: String, steps: Int, batch: Int = 8, warmUp: Int = 0, beta2: Double = 0.999, seed: UInt64 = 1, threads: Int = 2, to folder: String) async throws {
    var plan = TrainingPlan(trainer: "trainer.full-delta", model: nil, fromScratch: "gpt-byte", data: text, seed: seed)
    plan.settings = [
      "steps": .number(Double(steps)), "batch": .number(Double(batch)), "length": .number(128), "learning_rate": .number(0.002), "checkpoint_every": .number(1e6),
      "warm_up": .number(Double(warmUp)), "beta2": .number(beta2),
    ]
    try await run(plan, threads, folder)
  }

  public struct Recipe: Sendable {
    public var steps: Int, rank: Int, seed: UInt64
    public var batch = 8, learningRate = 0.001
    public init(steps: Int, rank: Int, seed: UInt64) { (self.steps, self.rank, self.seed) = (steps, rank, seed) }
  }

  /// An adapter on all linear modules.
  public static func adapter(_ recipe: Recipe, base: String, text: String, threads: Int = 1, to folder: String) async throws {
    var plan = TrainingPlan(trainer: "trainer.lora", model: base, data: text, seed: recipe.seed)
    plan.settings = [
      "steps": .number(Double(recipe.steps)), "batch": .number(Double(recipe.batch)), "length": .number(128), "learning_rate": .number(recipe.learningRate),
      "rank": .number(Double(recipe.rank)), "alpha": .number(Double(2 * recipe.rank)), "checkpoint_every": .number(1e6),
    ]
    plan.baseName = "toy"
    try await run(plan, threads, folder)
  }

  /// A full difference; the recipe's rank is of no use to it.
  public static func delta(_ recipe: Recipe, base: String, text: String, threads: Int = 1, to folder: String) async throws {
    var plan = TrainingPlan(trainer: "trainer.full-delta", model: base, data: text, seed: recipe.seed)
    plan.settings = [
      "steps": .number(Double(recipe.steps)), "batch": .number(Double(recipe.batch)), "length": .number(128), "learning_rate": .number(recipe.learningRate),
      "checkpoint_every": .number(1e6),
    ]
    plan.baseName = "toy"
    try await run(plan, threads, folder)
  }

  private static func run(_ plan: TrainingPlan, _ threads: Int, _ folder: String) async throws {
    var options = TrainingJob.Options()
    (options.threads, options.keeps) = (threads, 1)
    _ = try await TrainingJob(plan, output: folder, trainer: Linked.trainer(plan.trainer), id: plan.trainer, version: "1.0.0", options: options).run()
  }
}

/// Randomness for the hold-out's secret, the same in every run.
public struct FixedRandom: RandomService {
  private let byte: UInt8
  public init(_ byte: UInt8 = 7) { self.byte = byte }
  public func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = byte &+ UInt8(truncatingIfNeeded: index) } }
}
