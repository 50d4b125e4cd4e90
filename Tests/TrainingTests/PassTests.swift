import CentramModel
import ModelGoldens
import Testing

/// What passes add up, count, clip and refuse.
@Suite struct PassTests {
  private func engine(_ method: TrainingMethod = .full, shards: Int = 2) throws -> TrainingEngine {
    try TrainingEngine(model: SmallModel(.smallLlama).model(), method: method, options: .init(threads: 1, shards: shards))
  }

  private func batch(_ count: Int, length: Int = 6) -> (inputs: [Int32], targets: [Int32]) {
    var random = Random(8)
    return (random.tokens(count * length, below: 21), random.tokens(count * length, below: 21))
  }

  private func close(_ a: [Float], _ b: [Float]) -> Bool { distance(a, b) < 1e-5 * max(1, a.map(abs).max() ?? 0) }

  @Test func gradientsAddUpOverPasses() throws {
    let engine = try engine()
    let (inputs, targets) = batch(4)
    let whole = try engine.accumulate(inputs: inputs, targets: targets, batch: 4, length: 6)
    let right = engine.tensors.map(\.gradientList)
    engine.zeroGradients()
    var sum = 0.0
    for half in 0..<2 {
      sum += try engine.accumulate(inputs: Array(inputs[half * 12..<half * 12 + 12]), targets: Array(targets[half * 12..<half * 12 + 12]), batch: 2, length: 6).lossSum
    }
    #expect(abs(sum - whole.lossSum) < 1e-9)
    for (tensor, right) in zip(engine.tensors, right) { #expect(close(tensor.gradientList, right), "\(tensor.name)") }
  }

  @Test func targetsThatAreIgnoredCountForNothing() throws {
    let engine = try engine()
    var (inputs, targets) = batch(2)
    for place in [0, 1, 2, 3, 4, 5, 8] { targets[place] = TrainingEngine.ignored }
    let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: 2, length: 6)
    #expect(pass.counted == 5 && pass.exampleCounts == [0, 5] && pass.exampleLossSums[0] == 0)
    let gradients = engine.gradientBits
    engine.zeroGradients()
    inputs[..<6] = [20, 19, 18, 17, 16, 15]  // of an example that does not count
    _ = try engine.accumulate(inputs: inputs, targets: targets, batch: 2, length: 6)
    #expect(engine.gradientBits.map { $0 & 0x7fff_ffff } == gradients.map { $0 & 0x7fff_ffff })
    engine.zeroGradients()
    let none = try engine.accumulate(inputs: inputs, targets: [Int32](repeating: TrainingEngine.ignored, count: 12), batch: 2, length: 6)
    #expect(none.counted == 0 && none.meanLoss == 0 && engine.gradientNorm() == 0)
  }

  static let methods: [TrainingMethod] = [.full, .lora(LoRAConfiguration(rank: 2, alpha: 4)), .lora(LoRAConfiguration(rank: 2, alpha: 4, freezesA: true))]

  @Test(arguments: methods) func clipsTheGradientOfEachExample(method: TrainingMethod) throws {
    let engine = try engine(method)
    for tensor in engine.tensors where tensor.name.contains("lora_B") { tensor.set((0..<tensor.count).map { Float($0 % 5) * 0.1 }) }
    var (inputs, targets) = batch(5)
    for place in [7, 8, 15] { targets[place] = TrainingEngine.ignored }
    for place in 24..<30 { targets[place] = TrainingEngine.ignored }  // an example without targets
    // A plain loop over examples, in double.
    var (sums, norms) = (engine.tensors.map { [Double](repeating: 0, count: $0.count) }, [Double]())
    var limit = 0.0
    for round in 0..<2 {
      for example in 0..<5 {
        engine.zeroGradients()
        let range = example * 6..<example * 6 + 6
        let pass = try engine.accumulate(inputs: Array(inputs[range]), targets: Array(targets[range]), batch: 1, length: 6)
        let gradients = engine.tensors.map { $0.gradientList.map { Double($0) / Double(max(1, pass.counted)) } }
        let norm = gradients.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }.squareRoot()
        if round == 0 { norms.append(norm) }
        for (tensor, gradient) in gradients.enumerated() where round == 1 {
          for (index, value) in gradient.enumerated() { sums[tensor][index] += value * min(1, limit / max(norm, 1e-300)) }
        }
      }
      limit = (norms.sorted()[2] + norms.sorted()[3]) / 2  // above some, below others
    }
    engine.zeroGradients()
    let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: 5, length: 6, clipNorm: limit)
    #expect(zip(pass.exampleNorms, norms).allSatisfy { abs($0 - $1) <= 1e-5 * $1 } && pass.exampleNorms.count == 5)
    #expect(norms.contains { $0 > limit } && norms.contains { $0 < limit && $0 > 0 })
    for (tensor, sum) in zip(engine.tensors, sums) { #expect(close(tensor.gradientList, sum.map(Float.init)), "\(tensor.name)") }
    #expect(engine.gradientNorm() <= 5 * limit * 1.00001)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let engine = try engine()
    let (inputs, targets) = batch(2)
    _ = try engine.accumulate(inputs: inputs, targets: targets, batch: 2, length: 6)
    let before = engine.gradientBits
    func refused(_ inputs: [Int32], _ targets: [Int32], _ batch: Int, _ length: Int, _ part: String, clipNorm: Double? = nil) {
      #expect { try engine.accumulate(inputs: inputs, targets: targets, batch: batch, length: length, clipNorm: clipNorm) } throws: { error in
        guard let error = error as? TrainingError else { return false }
        return error.code == .invalidArgument && error.message.contains(part)
      }
    }
    refused(inputs, targets, 0, 6, "batch of 0")
    refused(inputs, targets, -1, 6, "batch of -1")
    refused(inputs, targets, 2, 0, "of 0 tokens")
    refused(inputs, targets, 2, 7, "12 input tokens for 2 examples of 7")
    refused(inputs, targets, Int.max, 6, "are the limit")
    refused(inputs, targets, 1, Int.max, "context is 64")
    refused(inputs, Array(targets.dropLast()), 2, 6, "11 targets for 12")
    refused([21] + inputs.dropFirst(), targets, 2, 6, "input token 21 at 0")
    refused([Int32.min] + inputs.dropFirst(), targets, 2, 6, "input token -2147483648")
    refused(inputs, [-1] + targets.dropFirst(), 2, 6, "target -1 at 0")
    refused(inputs, [21] + targets.dropFirst(), 2, 6, "target 21 at 0")
    for norm in [0, -1, Double.nan, .infinity] { refused(inputs, targets, 2, 6, "clipping norm", clipNorm: norm) }
    #expect(engine.gradientBits == before)
  }

  @Test(arguments: [Float.nan, .infinity, 1e38]) func reportsALossThatIsNotFinite(value: Float) throws {
    let model = SmallModel(.smallLlama)
    let name = "model.embed_tokens.weight"
    model.set(name, model.values[name]!.enumerated().map { $0 / 20 == 7 ? value : $1 })  // the row of token 7
    for clipNorm in [nil, 1.0] {
      let engine = try TrainingEngine(model: model.model(), method: .lora(LoRAConfiguration(rank: 2, alpha: 2)), options: .init(threads: 1))
      let inputs: [Int32] = [1, 2, 3, 4, 7, 6]
      guard value.isFinite else {
        #expect { try engine.accumulate(inputs: inputs, targets: inputs, batch: 2, length: 3, clipNorm: clipNorm) } throws: {
          ($0 as? TrainingError)?.code == .notFinite && ($0 as? TrainingError)?.message.contains("example 1 of 2") == true
        }
        continue
      }
      // Its square overflows: the norm makes it nothing, or the pass is refused; never a silent NaN.
      if (try? engine.accumulate(inputs: inputs, targets: inputs, batch: 2, length: 3, clipNorm: clipNorm)) != nil { #expect(engine.gradientNorm().isFinite) }
    }
  }

  @Test func refusesFactorsThatCannotBe() throws {
    let model = try SmallModel(.smallLlama).model()
    func refused(_ lora: LoRAConfiguration, _ part: String) {
      #expect { try TrainingEngine(model: model, method: .lora(lora), options: .init(threads: 1)) } throws: {
        ($0 as? ModelFileError)?.code == .unsupported && ($0 as? ModelFileError)?.message.contains(part) == true
      }
    }
    refused(LoRAConfiguration(rank: 0, alpha: 1), "rank is 0")
    refused(LoRAConfiguration(rank: 5000, alpha: 1), "rank is 5000")
    refused(LoRAConfiguration(rank: 1, alpha: .nan), "alpha is nan")
    refused(LoRAConfiguration(rank: 1, alpha: 1, dropout: 1), "dropout is 1.0")
    refused(LoRAConfiguration(rank: 1, alpha: 1, targets: ["q_proj", "attn_qkv"]), "is called attn_qkv; there are down_proj")
    refused(LoRAConfiguration(rank: 1, alpha: 1, targets: ["lm_head"]), "lm_head")
    for options in [TrainingEngine.Options(threads: 0), .init(threads: 1, shards: 0), .init(threads: 1, shards: 65), .init(threads: 1, activationBudget: -1)] {
      #expect(throws: ModelFileError.self) { try TrainingEngine(model: model, method: .full, options: options) }
    }
  }
}
