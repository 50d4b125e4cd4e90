/// Takes a model's tensors from their source by the family's names, and checks each against the configuration.
struct WeightBinder {
  let configuration: ModelConfiguration
  let source: any WeightSource
  /// What keeps the weights' addresses valid.
  private(set) var owners: [AnyObject] = []

  init(configuration: ModelConfiguration, source: any WeightSource) { (self.configuration, self.source) = (configuration, source) }

  private func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(source.path): \(message)") }

  private mutating func matrix(_ module: String, rows: Int, columns: Int, bias: UnsafePointer<Float>? = nil) throws(ModelFileError) -> LinearWeights {
    let name = module + ".weight"
    guard let matrix = try source.matrix(name) else { throw malformed("the tensor \(name) is missing") }
    guard matrix.rows == rows, matrix.columns == columns else {
      throw malformed("\(name) is \(matrix.rows) × \(matrix.columns), but the configuration makes it \(rows) × \(columns)")
    }
    guard matrix.format.rowSize(columns: columns) != nil else {
      throw malformed("\(name) has rows of \(columns) weights, no multiple of \(matrix.format.name)'s block of \(matrix.format.blockLength)")
    }
    owners.append(matrix.owner)
    return LinearWeights(format: matrix.format, outputs: rows, inputs: columns, weight: matrix.bytes, bias: bias)
  }

  private mutating func vector(_ name: String, count: Int) throws(ModelFileError) -> UnsafePointer<Float>? {
    guard let shape = source.shape(name) else { return nil }
    guard shape == [count] else { throw malformed("\(name) has the shape \(shape), but the configuration makes it [\(count)]") }
    guard let values = try source.vector(name) else { return nil }
    guard values.count == count else { throw malformed("\(name) has \(values.count) values, but the configuration makes them \(count)") }
    let buffer = FloatBuffer(values)
    owners.append(buffer)
    return UnsafePointer(buffer.base)
  }

  mutating func norm(_ module: String) throws(ModelFileError) -> NormWeights {
    guard let weight = try vector(module + ".weight", count: configuration.hidden) else { throw malformed("the tensor \(module).weight is missing") }
    guard configuration.family.norm == .layer else { return NormWeights(weight: weight, bias: nil) }
    guard let bias = try vector(module + ".bias", count: configuration.hidden) else { throw malformed("the tensor \(module).bias is missing") }
    return NormWeights(weight: weight, bias: bias)
  }

  mutating func embedding() throws(ModelFileError) -> LinearWeights {
    let name = configuration.family.embedding + ".weight"
    if let shape = source.shape(name), shape.count == 2, shape[1] == configuration.hidden, shape[0] != configuration.vocabulary {
      throw malformed("\(name) has \(shape[0]) rows, but the configuration's vocabulary is \(configuration.vocabulary)")
    }
    return try matrix(configuration.family.embedding, rows: configuration.vocabulary, columns: configuration.hidden)
  }

  mutating func positionEmbedding() throws(ModelFileError) -> LinearWeights? {
    guard configuration.family.positions == .learned else { return nil }
    guard let module = configuration.family.positionEmbedding else { throw malformed("the family \(configuration.family.name) names no tensor of positions") }
    return try matrix(module, rows: configuration.contextLength, columns: configuration.hidden)
  }

  mutating func head(_ embedding: LinearWeights?) throws(ModelFileError) -> LinearWeights {
    guard !configuration.tiesEmbeddings else {
      if let embedding { return embedding }
      return try self.embedding()
    }
    guard let module = configuration.family.head else {
      throw malformed("the embeddings are not tied, but the family \(configuration.family.name) has no head of its own")
    }
    return try matrix(module, rows: configuration.vocabulary, columns: configuration.hidden)
  }

  mutating func layer(_ layer: Int) throws(ModelFileError) -> LayerWeights {
    let family = configuration.family
    let attention: [ModelFamily.Linear] = family.linears.contains(.queryKeyValue) ? [.queryKeyValue] : [.query, .key, .value]
    for needed in attention + [.output, .up, .down] + (family.feedForward == .gated ? [.gate] : []) where family.name(needed, layer: layer) == nil {
      throw ModelFileError(.unsupported, "\(source.path): the family \(family.name) names no matrix for \(needed.rawValue)")
    }
    var linears: [ModelFamily.Linear: LinearWeights] = [:]
    for linear in family.linears {
      guard let module = family.name(linear, layer: layer) else { continue }
      let shape = configuration.shape(linear)
      linears[linear] = try matrix(module, rows: shape.outputs, columns: shape.inputs, bias: try bias(linear, module, count: shape.outputs))
    }
    return LayerWeights(
      attentionNorm: try norm(family.attentionNorm(layer: layer)), feedForwardNorm: try norm(family.feedForwardNorm(layer: layer)), linears: linears)
  }

  /// A bias is used where the checkpoint has one. Those of query, key and value are told by the configuration, so that a
  /// checkpoint and a configuration that do not belong together are noticed.
  private mutating func bias(_ linear: ModelFamily.Linear, _ module: String, count: Int) throws(ModelFileError) -> UnsafePointer<Float>? {
    let name = module + ".bias"
    let bias = try vector(name, count: count)
    switch linear {
    case .query, .key, .value, .queryKeyValue:
      guard !configuration.hasAttentionBias || bias != nil else { throw malformed("the tensor \(name) is missing") }
      guard configuration.hasAttentionBias || bias == nil else {
        throw malformed("there is a tensor \(name), but the configuration says that attention has no biases; set attention_bias to true if it has")
      }
    default:
      guard !configuration.family.hasBiasesEverywhere || bias != nil else { throw malformed("the tensor \(name) is missing") }
    }
    return bias
  }
}
