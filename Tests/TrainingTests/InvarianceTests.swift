import CModelKernels
import CentramModel
import ModelGoldens
import Testing

/// What must not show in the bits, and what must.
@Suite struct InvarianceTests {
  private func bits(_ model: LanguageModel, _ method: TrainingMethod, _ options: TrainingEngine.Options, length: Int = 13, clipNorm: Double? = nil) throws -> [UInt32] {
    let engine = try TrainingEngine(model: model, method: method, options: options)
    var random = Random(2)
    let (inputs, targets) = (random.tokens(5 * length, below: 20), random.tokens(5 * length, below: 20))
    var optimizer = engine.optimizer()
    var losses: [UInt32] = []
    for _ in 0..<2 {
      engine.zeroGradients()
      let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: 5, length: length, clipNorm: clipNorm)
      engine.scaleGradients(by: 1 / Double(pass.counted))
      optimizer.update(engine.trainable, learningRate: 1e-2)
      losses += [Float(pass.meanLoss).bitPattern, Float(engine.gradientNorm()).bitPattern]
    }
    return losses + engine.gradientBits + engine.valueBits
  }

  static let methods: [TrainingMethod] = [.full, .lora(LoRAConfiguration(rank: 3, alpha: 4, dropout: 0.2))]

  @Test(arguments: ModelConfiguration.everyKind, methods) func threadsAndMemoryDoNotShow(configuration: ModelConfiguration, method: TrainingMethod) throws {
    let model = try SmallModel(configuration).model()
    for shards in [1, 2] {
      for clipNorm in [nil, 0.5] {
        let right = try bits(model, method, .init(threads: 1, shards: shards), clipNorm: clipNorm)
        for threads in [2, 3] { #expect(try bits(model, method, .init(threads: threads, shards: shards), clipNorm: clipNorm) == right, "\(threads) threads") }
        for budget in [0, 20_000] {
          #expect(try bits(model, method, .init(threads: 2, shards: shards, activationBudget: budget), clipNorm: clipNorm) == right, "\(budget) bytes")
        }
      }
    }
  }

  @Test(arguments: ModelConfiguration.everyKind, methods) func theInstructionSetDoesNotShow(configuration: ModelConfiguration, method: TrainingMethod) throws {
    let model = try SmallModel(configuration).model()
    var found: [[UInt32]] = []
    defer { _ = mk_force_level(-1) }
    for level in [MK_BASE, MK_AVX2, MK_AVX512] where mk_force_level(Int32(level)) == 1 { found.append(try bits(model, method, .init(threads: 2))) }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  /// Sizes at which threads share the work of a kernel, and rows are a whole number of vectors.
  @Test func threadsDoNotShowInAWiderModel() throws {
    let model = try Golden.model("llama-gqa")
    for method in Self.methods {
      let right = try bits(model, method, .init(threads: 1, shards: 1), length: 70)
      #expect(try bits(model, method, .init(threads: 3, shards: 1, activationBudget: 0), length: 70) == right)
    }
  }

  @Test(arguments: [WeightFormat.bf16, .q8_0, .q4_0, .q4_1]) func aQuantisedBaseIsTheFloatsItStandsFor(format: WeightFormat) throws {
    var configuration = ModelConfiguration.smallLlama
    (configuration.hidden, configuration.intermediate, configuration.headSize) = (32, 64, 8)
    let (quantised, plain) = (SmallModel(configuration), SmallModel(configuration))
    quantised.quantize(format)
    for name in quantised.tensorNames { plain.set(name, quantised.values[name]!) }
    for method in Self.methods {
      #expect(try bits(quantised.model(), method, .init(threads: 2)) == bits(plain.model(), method, .init(threads: 1)))
    }
  }

  @Test func theSeedShows() throws {
    let model = try SmallModel(.smallQwen).model()
    #expect(try bits(model, Self.methods[1], .init(threads: 1, seed: 1)) != bits(model, Self.methods[1], .init(threads: 1, seed: 2)))
  }
}
