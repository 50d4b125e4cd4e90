internal import CModelKernels
internal import CentramNumerics

/// Weights that a training from scratch starts from: matrices from N(0, 0.02), norms 1, biases 0, as GPT-2's (Radford et al.,
/// 2019). A function of the seed and of each tensor's name.
public final class InitialWeights: WeightSource, @unchecked Sendable {
  public let path = "random weights"
  public let tensorNames: [String]
  private let tensors: [String: (shape: [Int], values: UnsafeMutableBufferPointer<Float>)]

  /// Standard deviation of matrices.
  public static let deviation = 0.02

  public init(_ configuration: ModelConfiguration, seed: UInt64) {
    let shapes = configuration.weightShapes
    var tensors: [String: (shape: [Int], values: UnsafeMutableBufferPointer<Float>)] = [:]
    for (name, shape) in shapes {
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.reduce(1, *))
      values.initialize(repeating: shape.count == 1 && name.hasSuffix(".weight") ? 1 : 0)
      if shape.count == 2 { Self.fill(values, ElementRandom(seed: seed, name: "initial|\(name)", stream: 0)) }
      tensors[name] = (shape, values)
    }
    (self.tensors, tensorNames) = (tensors, shapes.map(\.name))
  }

  deinit { for tensor in tensors.values { tensor.values.deallocate() } }

  /// Numbers from the standard normal distribution, a function of seed, name and place.
  public static func normal(_ count: Int, seed: UInt64, name: String) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      buffer.initialize(repeating: 0)
      fill(UnsafeMutableBufferPointer(rebasing: buffer[0..<count]), ElementRandom(seed: seed, name: name, stream: 0), deviation: 1)
      filled = count
    }
  }

  private static func fill(_ values: UnsafeMutableBufferPointer<Float>, _ random: ElementRandom, deviation: Double = deviation) {
    let chunk = 8192
    var words = [UInt32](repeating: 0, count: 2 * chunk)
    for start in stride(from: 0, to: values.count, by: chunk) {
      let length = min(chunk, values.count - start)
      random.fill(&words, index: 2 * start, count: 2 * (length + length % 2))
      centram_add_gaussian(words, deviation, values.baseAddress! + start, length)
    }
  }

  public func shape(_ name: String) -> [Int]? { tensors[name]?.shape }

  public func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let tensor = tensors[name], tensor.shape.count == 2 else { return nil }
    return WeightMatrix(format: .f32, rows: tensor.shape[0], columns: tensor.shape[1], bytes: UnsafeRawPointer(tensor.values.baseAddress!), owner: self)
  }

  public func vector(_ name: String) throws(ModelFileError) -> [Float]? {
    guard let tensor = tensors[name], tensor.shape.count == 1 else { return nil }
    return Array(tensor.values)
  }
}

extension ModelConfiguration {
  /// Names and shapes of all tensors of a checkpoint.
  public var weightShapes: [(name: String, shape: [Int])] {
    var shapes: [(name: String, shape: [Int])] = [(family.embedding + ".weight", [vocabulary, hidden])]
    func norm(_ name: String) -> [(name: String, shape: [Int])] {
      [(name + ".weight", [hidden])] + (family.norm == .layer ? [(name + ".bias", [hidden])] : [])
    }
    if let positions = family.positionEmbedding { shapes.append((positions + ".weight", [contextLength, hidden])) }
    for layer in 0..<layers {
      shapes += norm(family.attentionNorm(layer: layer)) + norm(family.feedForwardNorm(layer: layer))
      for linear in family.linears {
        guard let name = family.name(linear, layer: layer) else { continue }
        let size = extent(linear)
        shapes.append((name + ".weight", [size.outputs, size.inputs]))
        let isProjection = [.queryKeyValue, .query, .key, .value].contains(linear)
        if family.hasBiasesEverywhere || (hasAttentionBias && isProjection) { shapes.append((name + ".bias", [size.outputs])) }
      }
    }
    shapes += norm(family.finalNorm)
    if !tiesEmbeddings, let head = family.head { shapes.append((head + ".weight", [vocabulary, hidden])) }
    return shapes
  }

  private func extent(_ linear: ModelFamily.Linear) -> (outputs: Int, inputs: Int) {
    switch linear {
    case .queryKeyValue: ((heads + 2 * keyValueHeads) * headSize, hidden)
    case .query: (heads * headSize, hidden)
    case .key, .value: (keyValueHeads * headSize, hidden)
    case .output: (hidden, heads * headSize)
    case .gate, .up: (intermediate, hidden)
    case .down: (hidden, intermediate)
    }
  }
}
