/// One module that an adapter changes: ΔW = scale · B · A, outputs × inputs.
public struct AdapterModule: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// ΔW is added to a weight of outputs × inputs; inputs × outputs with `fan_in_fan_out`.
    case linear
    /// The weight has a row for each input, so ΔW is added transposed.
    case embedding
  }

  /// Without `base_model.model.`.
  public let name: String
  public let kind: Kind
  public let outputs: Int
  public let inputs: Int
  public let rank: Int
  public let scale: Double
  /// rank × inputs.
  public let aTensor: SafetensorsFile.Tensor
  /// outputs × rank.
  public let bTensor: SafetensorsFile.Tensor
  /// DoRA's lengths of the rows of W + ΔW.
  public let magnitudeTensor: SafetensorsFile.Tensor?
}

/// What a tensor's name in the file stands for.
enum AdapterTensorName {
  enum Part: String, CaseIterable {
    case a = ".lora_A.weight", b = ".lora_B.weight", embeddingA = ".lora_embedding_A", embeddingB = ".lora_embedding_B"
    case magnitude = ".lora_magnitude_vector", oldMagnitude = ".lora_magnitude_vector.weight"
  }

  case part(Part, module: String)
  case saved(String, isBaseLayer: Bool)

  init(_ key: String, in file: String) throws(ModelFileError) {
    guard key.hasPrefix(Adapter.namePrefix), key.utf8.count > Adapter.namePrefix.utf8.count else {
      throw ModelFileError(
        .malformed,
        "\(file): the tensor \"\(key.prefix(200))\" does not start with \(Adapter.namePrefix), as PEFT's save_pretrained writes it; save it with PEFT")
    }
    let name = key.dropFirst(Adapter.namePrefix.count)
    for part in Part.allCases where name.hasSuffix(part.rawValue) && name.utf8.count > part.rawValue.utf8.count {
      self = .part(part, module: String(name.dropLast(part.rawValue.count)))
      return
    }
    if name.hasSuffix(".lora_A.bias") || name.hasSuffix(".lora_B.bias") {
      throw ModelFileError(.unsupported, "\(file): \(key.prefix(200)): lora_bias is not supported here; merge the adapter into its base with PEFT")
    }
    guard !name.contains(".lora_"), !name.contains("trainable_tokens") else {
      throw ModelFileError(
        .unsupported,
        "\(file): the tensor \(key.prefix(200)) belongs to a kind of adapter that is not supported here; merge it into its base with PEFT")
    }
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    let isBaseLayer = components.count > 2 && components[components.count - 2] == "base_layer"
    self = .saved(isBaseLayer ? (components.dropLast(2) + components.suffix(1)).joined(separator: ".") : String(name), isBaseLayer: isBaseLayer)
  }
}

/// The tensors of one module, collected.
struct AdapterParts {
  let module: String
  let file: String
  private var tensors: [AdapterTensorName.Part: SafetensorsFile.Tensor] = [:]

  init(module: String, file: String) { (self.module, self.file) = (module, file) }

  private func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(module.prefix(200)): \(message)") }

  mutating func set(_ part: AdapterTensorName.Part, _ tensor: SafetensorsFile.Tensor) throws(ModelFileError) {
    let part = part == .oldMagnitude ? .magnitude : part
    guard tensors.updateValue(tensor, forKey: part) == nil else { throw malformed("\(part.rawValue.dropFirst()) is there twice") }
    guard tensor.format.isFloatingPoint else {
      throw ModelFileError(
        .unsupported,
        "\(file): \(tensor.name.prefix(200)) is stored as \(tensor.format.rawValue); save the adapter as float32, bfloat16 or float16")
    }
  }

  func module(_ configuration: AdapterConfiguration) throws(ModelFileError) -> AdapterModule {
    let isEmbedding = tensors[.embeddingA] != nil || tensors[.embeddingB] != nil
    guard !isEmbedding || (tensors[.a] == nil && tensors[.b] == nil) else {
      throw malformed("it has the factors of an embedding and of a linear layer")
    }
    guard let a = tensors[isEmbedding ? .embeddingA : .a], let b = tensors[isEmbedding ? .embeddingB : .b] else {
      throw malformed("one of the two factors is missing")
    }
    guard a.shape.count == 2, b.shape.count == 2 else {
      guard a.shape.count > 2 else { throw malformed("factors of shapes \(a.shape) and \(b.shape) are no matrices") }
      throw ModelFileError(
        .unsupported,
        "\(file): \(module.prefix(200)): adapters of convolutions (A of shape \(a.shape)) are not supported here; merge it into its base with PEFT")
    }
    let rank = a.shape[0]
    guard b.shape[1] == rank else { throw malformed("A has \(rank) rows and B \(b.shape[1]) columns; both are the rank") }
    guard rank == configuration.rank(of: module) else {
      throw malformed("the factors have rank \(rank), adapter_config.json says \(configuration.rank(of: module))")
    }
    let scale = configuration.scale(of: module)
    guard scale.isFinite else { throw malformed("its scale is \(scale)") }
    let magnitude = tensors[.magnitude]
    guard (magnitude != nil) == configuration.usesMagnitudes else {
      throw malformed(
        configuration.usesMagnitudes ? "use_dora is true, but its magnitudes are missing" : "it has DoRA's magnitudes, but use_dora is not true")
    }
    if let magnitude, magnitude.shape != [b.shape[0]] { throw malformed("magnitudes of shape \(magnitude.shape) do not fit \(b.shape[0]) outputs") }
    return AdapterModule(
      name: module, kind: isEmbedding ? .embedding : .linear, outputs: b.shape[0], inputs: a.shape[1], rank: rank, scale: scale, aTensor: a,
      bTensor: b, magnitudeTensor: magnitude)
  }
}
