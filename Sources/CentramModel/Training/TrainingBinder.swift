internal import CModelKernels

/// Lists a model's trained tensors, then binds its parts to them.
struct TrainingBinder {
  let model: LanguageModel
  let method: TrainingMethod
  let seed: UInt64
  private(set) var parameters = ParameterPlan()
  private var numbers: [String: Int] = [:]
  /// Set between `plan` and the bindings.
  var storage: ParameterStorage?
  private var factorCount = 0

  init(model: LanguageModel, method: TrainingMethod, seed: UInt64) { (self.model, self.method, self.seed) = (model, method, seed) }

  private var family: ModelFamily { model.configuration.family }

  /// The order of tensors: embeddings, blocks from the first to the last, final norm, head; in a block as it computes.
  mutating func plan() throws(ModelFileError) {
    let modules = (0..<model.configuration.layers).flatMap { layer in family.linears.compactMap { family.name($0, layer: layer) } }
    if case .lora(let lora) = method { try lora.check(modules: modules, path: model.path) }
    if let embedding = model.embedding { plan(embedding, family.embedding) }
    if let positions = model.positionEmbedding, let name = family.positionEmbedding { plan(positions, name) }
    for layer in 0..<model.configuration.layers {
      plan(model[layer].attentionNorm, family.attentionNorm(layer: layer))
      for linear in Self.projections + [.output] { plan(linear, layer) }
      plan(model[layer].feedForwardNorm, family.feedForwardNorm(layer: layer))
      for linear in Self.expansions + [.down] { plan(linear, layer) }
    }
    if let norm = model.finalNorm { plan(norm, family.finalNorm) }
    if !model.configuration.tiesEmbeddings, let head = model.head, let name = family.head { plan(head, name) }
  }

  static let projections: [ModelFamily.Linear] = [.queryKeyValue, .query, .key, .value]
  static let expansions: [ModelFamily.Linear] = [.gate, .up]

  private mutating func plan(_ name: String, _ shape: [Int], isTrained: Bool = true) { numbers[name] = parameters.add(name, shape, isTrained: isTrained) }

  private mutating func plan(_ norm: NormWeights, _ module: String) {
    guard method == .full else { return }
    plan(module + ".weight", [model.configuration.hidden])
    if norm.bias != nil { plan(module + ".bias", [model.configuration.hidden]) }
  }

  private mutating func plan(_ linear: LinearWeights, _ module: String) {
    guard method == .full else { return }
    plan(module + ".weight", [linear.outputs, linear.inputs])
    if linear.bias != nil { plan(module + ".bias", [linear.outputs]) }
  }

  private mutating func plan(_ linear: ModelFamily.Linear, _ layer: Int) {
    guard let weights = model[layer][linear], let module = family.name(linear, layer: layer) else { return }
    plan(weights, module)
    guard case .lora(let lora) = method, lora.includes(module) else { return }
    plan(Self.factor(module, "lora_A"), [lora.rank, weights.inputs], isTrained: !lora.freezesA)
    plan(Self.factor(module, "lora_B"), [weights.outputs, lora.rank])
  }

  private static func factor(_ module: String, _ kind: String) -> String { "base_model.model.\(module).\(kind).weight" }

  /// Values and offset of a tensor of the plan.
  private func parameter(_ name: String) -> (values: UnsafeMutablePointer<Float>, offset: Int, isTrained: Bool)? {
    guard let storage, let entry = numbers[name].map({ storage.entries[$0] }) else { return nil }
    return (storage.values.base + entry.offset, entry.offset, entry.isTrained)
  }

  func bind(_ norm: NormWeights, _ module: String) -> TrainingNorm {
    guard let weight = parameter(module + ".weight") else { return TrainingNorm(weight: norm.weight, bias: norm.bias, weightGradient: nil, biasGradient: nil) }
    weight.values.update(from: norm.weight, count: model.configuration.hidden)
    let bias = norm.bias == nil ? nil : parameter(module + ".bias")
    if let bias, let source = norm.bias { bias.values.update(from: source, count: model.configuration.hidden) }
    return TrainingNorm(weight: weight.values, bias: bias.map { UnsafePointer($0.values) }, weightGradient: weight.offset, biasGradient: bias?.offset)
  }

  mutating func bind(_ linear: LinearWeights, _ module: String) -> TrainingLinear {
    let factors = factors(linear, module)
    guard let weight = parameter(module + ".weight") else {
      return TrainingLinear(
        outputs: linear.outputs, inputs: linear.inputs, format: linear.format, weight: linear.weight, bias: linear.bias, weightGradient: nil,
        biasGradient: nil, factors: factors)
    }
    let rowBytes = linear.format.rowSize(columns: linear.inputs) ?? 0
    for row in 0..<linear.outputs { mk_dequantize(linear.format.kernel, linear.weight + row * rowBytes, weight.values + row * linear.inputs, linear.inputs) }
    let bias = linear.bias == nil ? nil : parameter(module + ".bias")
    if let bias, let source = linear.bias { bias.values.update(from: source, count: linear.outputs) }
    return TrainingLinear(
      outputs: linear.outputs, inputs: linear.inputs, format: .f32, weight: UnsafeRawPointer(weight.values), bias: bias.map { UnsafePointer($0.values) },
      weightGradient: weight.offset, biasGradient: bias?.offset, factors: nil)
  }

  private mutating func factors(_ linear: LinearWeights, _ module: String) -> LowRankFactors? {
    guard case .lora(let lora) = method, let a = parameter(Self.factor(module, "lora_A")), let b = parameter(Self.factor(module, "lora_B")) else { return nil }
    LoRAConfiguration.draw(a.values, rank: lora.rank, columns: linear.inputs, seed: seed, name: Self.factor(module, "lora_A"))
    factorCount += 1
    return LowRankFactors(
      rank: lora.rank, scale: Float(lora.scale), a: a.values, b: b.values, aGradient: a.isTrained ? a.offset : nil, bGradient: b.offset,
      dropout: lora.dropout > 0 ? Dropout(probability: lora.dropout, seed: seed, name: module) : nil, index: factorCount - 1)
  }

  mutating func block(_ layer: Int) -> TrainingBlock {
    let weights = model[layer]
    var bound: [ModelFamily.Linear: TrainingLinear] = [:]
    for linear in Self.projections + [.output] + Self.expansions + [.down] {
      if let matrix = weights[linear], let module = family.name(linear, layer: layer) { bound[linear] = bind(matrix, module) }
    }
    guard let output = bound[.output], let down = bound[.down] else { preconditionFailure("LanguageModel binds no block without output and down") }
    return TrainingBlock(
      attentionNorm: bind(weights.attentionNorm, family.attentionNorm(layer: layer)),
      feedForwardNorm: bind(weights.feedForwardNorm, family.feedForwardNorm(layer: layer)), projections: Self.projections.compactMap { bound[$0] },
      output: output, expansions: Self.expansions.compactMap { bound[$0] }, down: down)
  }
}
