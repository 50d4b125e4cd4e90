import CentramModel
import ModelGoldens
import Testing

/// Losses, gradients and optimizer steps against PyTorch's.
@Suite struct GoldenTests {
  static let tolerance: Float = 1e-4

  /// The engine with the factors of a golden adapter.
  private func adapted(_ name: String, adapter: String, targets: [String] = []) throws -> TrainingEngine {
    let engine = try TrainingEngine(
      model: Golden.model(name), method: .lora(LoRAConfiguration(rank: 4, alpha: 8, targets: targets)), options: .init(threads: 2))
    let file = try Golden.tensors(adapter + "/adapter_model.safetensors")
    #expect(engine.tensors.count == file.tensors.count)
    for tensor in engine.tensors { tensor.set(try file.floats(tensor.name)) }
    return engine
  }

  @Test(arguments: Golden.random) func adapterGradientsArePyTorchs(name: String) throws {
    let engine = try adapted(name, adapter: name + "/adapter")
    let golden = try Golden.tensors(name + "/golden-adapter.safetensors")
    let (inputs, targets) = (try golden.tokens("input_ids"), try golden.tokens("labels"))
    let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: 2, length: 40)
    #expect(abs(Float(pass.meanLoss) - (try golden.floats("loss"))[0]) < Self.tolerance)
    engine.scaleGradients(by: 1 / Double(pass.counted))
    for tensor in engine.tensors {
      let right = try golden.floats("grad|" + tensor.name.replacing(".weight", with: ".default.weight"))
      #expect(distance(tensor.gradientList, right) < Self.tolerance, "\(tensor.name)")
    }
    #expect(abs(try engine.loss(inputs: inputs, targets: targets, batch: 2, length: 40).meanLoss - pass.meanLoss) == 0)
  }

  @Test(arguments: Golden.random) func twentyAdapterStepsArePyTorchs(name: String) throws {
    let engine = try adapted(name, adapter: name + "/adapter")
    let golden = try Golden.tensors(name + "/golden-adapter.safetensors")
    let (inputs, targets) = (try golden.tokens("input_ids"), try golden.tokens("labels"))
    var optimizer = engine.optimizer()
    for (step, right) in try Golden.json(name + "/golden-losses.json", as: [Double].self).enumerated() {
      let loss = try engine.step(&optimizer, inputs: inputs, targets: targets, batch: 2, length: 40, rate: 1e-3, clip: 1)
      #expect(abs(loss - right) < Double(Self.tolerance), "step \(step)")
    }
  }

  @Test func stepsOfTheTinyAdapter() throws {
    struct Text: Decodable { let ids: [Int32] }
    struct Losses: Decodable { let loss: Double, adamw20: [Double] }
    let engine = try adapted("tiny/tiny-qwen2-f32", adapter: "tiny/adapter", targets: ["q_proj", "v_proj", "down_proj"])
    let ids = try Golden.json("tiny/tiny-qwen2-f32/golden.json", as: Text.self).ids
    let targets = ids.dropFirst() + [TrainingEngine.ignored]
    let golden = try Golden.tensors("tiny/adapter/golden.safetensors")
    let losses = try Golden.json("tiny/adapter/golden.json", as: Losses.self)
    let pass = try engine.accumulate(inputs: ids, targets: Array(targets), batch: 1, length: ids.count)
    #expect(abs(pass.meanLoss - losses.loss) < Double(Self.tolerance))
    #expect(pass.counted == ids.count - 1)
    engine.scaleGradients(by: 1 / Double(pass.counted))
    for tensor in engine.tensors {
      let right = try golden.floats(tensor.name.replacing(".weight", with: ".default.weight.grad"))
      #expect(distance(tensor.gradientList, right) < Self.tolerance, "\(tensor.name)")
    }
    var optimizer = engine.optimizer()
    for (step, right) in losses.adamw20.enumerated() {
      let loss = try engine.step(&optimizer, inputs: ids, targets: Array(targets), batch: 1, length: ids.count, rate: 1e-2, clip: nil)
      #expect(abs(loss - right) < Double(Self.tolerance), "step \(step)")
    }
  }

  /// The rows of make_goldens.py.
  private func rows() -> (inputs: [Int32], targets: [Int32]) {
    let sentence = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. "
    let text = String(repeating: sentence, count: 60).utf8.prefix(16 * 129).map { Int32($0) }
    return ((0..<16).flatMap { text[$0 * 129..<$0 * 129 + 128] }, (0..<16).flatMap { text[$0 * 129 + 1..<$0 * 129 + 129] })
  }

  @Test func gradientsOfTheByteModel() throws {
    let engine = try TrainingEngine(model: Golden.model("gpt-byte"), method: .full, options: .init(threads: 2))
    #expect(engine.tensors.reduce(0) { $0 + $1.count } == 842_496)
    let golden = try Golden.tensors("gpt-byte/golden.safetensors")
    let (inputs, targets) = rows()
    #expect(try Array(inputs[..<512]) == golden.tokens("input"))
    let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: 16, length: 128)
    #expect(abs(Float(pass.meanLoss) - (try golden.floats("loss"))[0]) < Self.tolerance)
    engine.scaleGradients(by: 1 / Double(pass.counted))
    for tensor in golden.tensors where tensor.name.hasPrefix("grad|") {
      #expect(distance(try engine.tensor(String(tensor.name.dropFirst(5))).gradientList, golden.floats(of: tensor)) < Self.tolerance, "\(tensor.name)")
    }
  }

  @Test func aHundredStepsOfTheByteModel() throws {
    struct Losses: Decodable { let losses: [Double] }
    let engine = try TrainingEngine(model: Golden.model("gpt-byte"), method: .full, options: .init(threads: 2))
    var optimizer = engine.optimizer(.init(beta2: 0.95, weightDecay: 0.1))
    let (inputs, targets) = rows()
    for (step, right) in try Golden.json("gpt-byte/golden-losses.json", as: Losses.self).losses.enumerated() {
      let loss = try engine.step(&optimizer, inputs: inputs, targets: targets, batch: 16, length: 128, rate: 1e-3, clip: 1)
      #expect(abs(loss - right) < Double(Self.tolerance), "step \(step)")
    }
  }
}
