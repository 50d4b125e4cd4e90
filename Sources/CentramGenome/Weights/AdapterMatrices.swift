/// The factors of an adapter by module, found in lent weights. ΔW = scale · B · A, outputs × inputs.
public struct AdapterMatrices {
  /// What PEFT puts in front of every name.
  public static let namePrefix = "base_model.model."

  public struct Pair: Sendable, Equatable {
    /// Without `base_model.model.`: `model.layers.0.self_attn.q_proj`.
    public let module: String
    /// The base's weight has a row for each input, so ΔW is added to it transposed.
    public let isEmbedding: Bool
    public let outputs: Int, inputs: Int, rank: Int
    public let scale: Double
    /// rank × inputs.
    public let a: SafetensorsView.Tensor
    /// outputs × rank.
    public let b: SafetensorsView.Tensor
  }

  public let settings: AdapterSettings
  public let weights: SafetensorsView
  /// In the order of the modules' names.
  public let pairs: [Pair]

  /// - Parameters:
  ///   - configuration: adapter_config.json.
  ///   - weights: adapter_model.safetensors; must outlive this.
  /// - Throws: what the two files' readers throw, `unsupported` for a tensor that is no factor, `inconsistent` where factors do not fit.
  public init(configuration: [UInt8], weights: UnsafeRawBufferPointer) throws(GenomeError) {
    try self.init(AdapterSettings(parsing: configuration), SafetensorsView(weights))
  }

  public init(_ settings: AdapterSettings, _ weights: SafetensorsView) throws(GenomeError) {
    var factors: [String: Factors] = [:]
    for tensor in weights.tensors {
      let (module, part) = try Self.place(of: tensor)
      guard factors[module, default: Factors()].tensors.updateValue(tensor, forKey: part) == nil else {
        throw GenomeError(.inconsistent, "\(GenomeError.shown(module)): \(part.rawValue.dropFirst()) is there twice")
      }
    }
    var pairs: [Pair] = []
    for (module, found) in factors.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) { pairs.append(try found.pair(module, settings)) }
    guard !pairs.isEmpty else { throw GenomeError(.inconsistent, "the weights hold no factors") }
    (self.settings, self.weights, self.pairs) = (settings, weights, pairs)
  }

  /// The factors as float32: A rank × inputs, B outputs × rank, each row by row.
  public func factors(of pair: Pair) -> (a: [Float], b: [Float]) { (weights.floats(of: pair.a), weights.floats(of: pair.b)) }

  private enum Part: String, CaseIterable {
    case a = ".lora_A.weight", b = ".lora_B.weight", embeddingA = ".lora_embedding_A", embeddingB = ".lora_embedding_B"
  }

  private static func place(of tensor: SafetensorsView.Tensor) throws(GenomeError) -> (module: String, part: Part) {
    let name = tensor.name
    if name.hasPrefix(namePrefix) {
      for part in Part.allCases where name.hasSuffix(part.rawValue) && name.utf8.count > namePrefix.utf8.count + part.rawValue.utf8.count {
        return (String(name.dropFirst(namePrefix.count).dropLast(part.rawValue.count)), part)
      }
    }
    throw GenomeError(.unsupported, "the tensor \"\(GenomeError.shown(name))\" is no low-rank factor; names are \(namePrefix)MODULE.lora_A.weight and the like")
  }

  private struct Factors {
    var tensors: [Part: SafetensorsView.Tensor] = [:]

    func pair(_ module: String, _ settings: AdapterSettings) throws(GenomeError) -> Pair {
      func wrong(_ message: String) -> GenomeError { GenomeError(.inconsistent, "\(GenomeError.shown(module)): \(message)") }
      let isEmbedding = tensors[.embeddingA] != nil || tensors[.embeddingB] != nil
      guard tensors.count == 2, let a = tensors[isEmbedding ? .embeddingA : .a], let b = tensors[isEmbedding ? .embeddingB : .b] else {
        throw wrong("it needs exactly one A and one B")
      }
      guard a.shape.count == 2, b.shape.count == 2 else { throw wrong("factors of shapes \(a.shape) and \(b.shape) are no matrices") }
      let rank = a.shape[0]
      guard b.shape[1] == rank else { throw wrong("A has \(rank) rows and B \(b.shape[1]) columns; both are the rank") }
      guard rank == settings.rank(of: module) else { throw wrong("the factors have rank \(rank), adapter_config.json says \(settings.rank(of: module))") }
      return Pair(
        module: module, isEmbedding: isEmbedding, outputs: b.shape[0], inputs: a.shape[1], rank: rank, scale: settings.scale(of: module), a: a, b: b)
    }
  }
}
