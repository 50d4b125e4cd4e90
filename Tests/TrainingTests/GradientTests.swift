import CentramModel
import CentramNumerics
import Testing

/// Gradients of each block kind against differences of the plain reference, in double.
@Suite struct GradientTests {
  static let length = 6

  /// The loss, and for each tensor the slope along a random direction, to a fifty-thousandth of the gradient's norm.
  private func compare(_ engine: TrainingEngine, _ reference: Reference, targets: [Int32], inputs: [Int32]) throws {
    var (reference, random) = (reference, Random(5))
    engine.zeroGradients()
    let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: inputs.count / Self.length, length: Self.length)
    let right = reference.loss(inputs: inputs, targets: targets, length: Self.length)
    #expect(abs(pass.lossSum - right) < 1e-4, "loss \(pass.lossSum), by the reference \(right)")
    for tensor in engine.tensors {
      let gradients = tensor.gradientList
      guard tensor.isTrained else {
        #expect(gradients.allSatisfy { $0 == 0 }, "\(tensor.name)")
        continue
      }
      let direction = gradients.map { _ in random.next() }
      let slope = reference.slope(tensor.name, along: direction.map(Double.init), inputs: inputs, targets: targets, length: Self.length)
      let (found, size) = zip(gradients, direction).reduce((0.0, 0.0)) { ($0.0 + Double($1.0) * Double($1.1), $0.1 + Double($1.0) * Double($1.0)) }
      #expect(abs(found - slope) < 2e-5 * max(1, size.squareRoot()), "\(tensor.name): \(found) along a direction, by differences \(slope)")
    }
  }

  private func batch(_ configuration: ModelConfiguration) -> (inputs: [Int32], targets: [Int32]) {
    var random = Random(9)
    let inputs = random.tokens(2 * Self.length, below: configuration.vocabulary)
    var targets = random.tokens(2 * Self.length, below: configuration.vocabulary)
    for place in [0, 1, 9] { targets[place] = TrainingEngine.ignored }
    return (inputs, targets)
  }

  @Test(arguments: ModelConfiguration.everyKind) func ofAllParameters(configuration: ModelConfiguration) throws {
    let model = SmallModel(configuration)
    let engine = try TrainingEngine(model: model.model(), method: .full, options: .init(threads: 2))
    let (inputs, targets) = batch(configuration)
    #expect(Set(engine.tensors.map(\.name)) == Set(model.tensorNames))
    try compare(engine, Reference(model), targets: targets, inputs: inputs)
  }

  private func factored(_ model: SmallModel, _ lora: LoRAConfiguration) throws -> (TrainingEngine, Reference) {
    let engine = try TrainingEngine(model: model.model(), method: .lora(lora), options: .init(threads: 2, seed: 3))
    var (reference, random) = (Reference(model), Random(4))
    reference.scale = lora.scale
    for tensor in engine.tensors {
      if tensor.name.contains("lora_B") { tensor.set((0..<tensor.count).map { _ in 0.3 * random.next() }) }
      reference.values[tensor.name] = tensor.valueList.map(Double.init)
    }
    return (engine, reference)
  }

  @Test(arguments: ModelConfiguration.everyKind) func ofFactors(configuration: ModelConfiguration) throws {
    let (engine, reference) = try factored(SmallModel(configuration), LoRAConfiguration(rank: 3, alpha: 5))
    #expect(engine.tensors.count == 2 * 2 * configuration.family.linears.count)
    let (inputs, targets) = batch(configuration)
    try compare(engine, reference, targets: targets, inputs: inputs)
  }

  @Test func ofFactorsInOneBlockWithFrozenA() throws {
    let lora = LoRAConfiguration(
      rank: 2, alpha: 5, targets: ["model.layers.1.self_attn.k_proj", "model.layers.1.mlp.down_proj"], usesRankStabilizedScale: true, freezesA: true)
    let (engine, reference) = try factored(SmallModel(.smallLlama), lora)
    #expect(abs(lora.scale - 5 / 2.0.squareRoot()) < 1e-12)
    #expect(engine.tensors.map(\.isTrained) == [false, true, false, true])
    let (inputs, targets) = batch(.smallLlama)
    try compare(engine, reference, targets: targets, inputs: inputs)
  }

  @Test(arguments: [ModelConfiguration.smallBytes, .smallQwen]) func ofFactorsWithDropout(configuration: ModelConfiguration) throws {
    let lora = LoRAConfiguration(rank: 3, alpha: 5, dropout: 0.3)
    var (engine, reference) = try factored(SmallModel(configuration), lora)
    let (inputs, targets) = batch(configuration)
    for layer in 0..<configuration.layers {
      for linear in configuration.family.linears {
        let module = configuration.family.name(linear, layer: layer)!
        var words = [UInt32](repeating: 0, count: inputs.count * configuration.shape(linear).inputs)
        ElementRandom(seed: 3, name: "dropout " + module, stream: 1).fill(&words, index: 0, count: words.count)
        reference.masks[module] = words.map { $0 < ElementRandom.limit(0.3)! ? 0 : 1 / 0.7 }
      }
    }
    try compare(engine, reference, targets: targets, inputs: inputs)
    // Another pass drops others; the same pass the same; losses alone drop nothing.
    let first = engine.gradientBits
    for (index, same) in [(UInt64(0), true), (1, false)] {
      engine.zeroGradients()
      engine.passIndex = index
      _ = try engine.accumulate(inputs: inputs, targets: targets, batch: 2, length: Self.length)
      #expect((engine.gradientBits == first) == same)
    }
    reference.masks = [:]
    let whole = try engine.loss(inputs: inputs, targets: targets, batch: 2, length: Self.length)
    #expect(abs(whole.lossSum - reference.loss(inputs: inputs, targets: targets, length: Self.length)) < 1e-4)
  }
}
