internal import Foundation

/// A LoRA adapter in PEFT's format: adapter_config.json and adapter_model.safetensors, checked strictly. The tensors stay
/// in the mapped file until somebody asks for them.
public struct Adapter: Sendable {
  public static let configurationFile = "adapter_config.json"
  public static let tensorFile = "adapter_model.safetensors"
  /// What PEFT puts in front of every name.
  public static let namePrefix = "base_model.model."
  /// More modules than any model has.
  public static let maximumModules = 1_000_000
  /// Characters × steps that matching patterns against the names may cost: about a second.
  static let maximumPatternWork = 200_000_000

  /// The folder, or what the caller named it.
  public let name: String
  public let configuration: AdapterConfiguration
  /// By name.
  public let modules: [AdapterModule]
  /// Tensors that were trained or saved whole (`modules_to_save`, biases, resized embeddings), by their names in the
  /// base's checkpoint: `lm_head.weight`.
  public let savedTensors: [String: SafetensorsFile.Tensor]
  /// Of `savedTensors`, those that the file keeps under `MODULE.base_layer`: the base's own weight below an adapter.
  public let savedBaseLayers: Set<String>
  public let file: SafetensorsFile
  private let index: [String: Int]

  /// - Parameter folder: holds the two files.
  /// - Throws: `.unreadable`, `.malformed`, or `.unsupported` with the name of the feature and the way out.
  public init(folder: String) throws(ModelFileError) {
    let path = "\(folder)/\(Self.configurationFile)"
    let mapping = try Mapping(path: path)
    try self.init(
      configuration: AdapterConfiguration(json: Array(mapping.bytes.prefix(AdapterConfiguration.maximumLength + 1)), name: path),
      file: SafetensorsFile(path: "\(folder)/\(Self.tensorFile)"), name: folder)
  }

  /// Checks the files of an adapter that is in memory already.
  public init(configuration: [UInt8], tensors: [UInt8], name: String) throws(ModelFileError) {
    try self.init(
      configuration: AdapterConfiguration(json: configuration, name: "\(name)/\(Self.configurationFile)"),
      file: SafetensorsFile(data: tensors, name: "\(name)/\(Self.tensorFile)"), name: name)
  }

  init(configuration: AdapterConfiguration, file: SafetensorsFile, name: String) throws(ModelFileError) {
    var parts: [String: AdapterParts] = [:]
    var saved: [String: SafetensorsFile.Tensor] = [:]
    var baseLayers = Set<String>()
    for tensor in file.tensors {
      switch try AdapterTensorName(tensor.name, in: file.path) {
      case .part(let part, let module):
        try parts[module, default: AdapterParts(module: module, file: file.path)].set(part, tensor)
        guard parts.count <= Self.maximumModules else { throw ModelFileError(.malformed, "\(file.path): more than \(Self.maximumModules) modules") }
      case .saved(let plain, let isBaseLayer):
        guard saved.updateValue(tensor, forKey: plain) == nil else {
          throw ModelFileError(.malformed, "\(file.path): \(plain) is there twice, with and without base_layer")
        }
        if isBaseLayer { baseLayers.insert(plain) }
      }
    }
    let characters = parts.keys.reduce(0) { $0 + $1.utf8.count + 1 }
    let (work, overflow) = characters.multipliedReportingOverflow(by: max(1, configuration.lookupCost))
    guard !overflow, configuration.lookupCost == 0 || work <= Self.maximumPatternWork else {
      throw ModelFileError(
        .malformed, "\(name): rank_pattern and alpha_pattern are too large to match against \(parts.count) modules; write module names")
    }
    var list: [AdapterModule] = []
    for module in parts.keys.sorted() { list.append(try parts[module]!.module(configuration)) }
    (self.name, self.configuration, self.file, modules, savedTensors, savedBaseLayers) = (name, configuration, file, list, saved, baseLayers)
    index = Dictionary(uniqueKeysWithValues: list.enumerated().map { ($1.name, $0) })
  }

  public func module(_ name: String) -> AdapterModule? { index[name].map { modules[$0] } }

  /// The module that changes a tensor of the base's checkpoint: `model.layers.0.self_attn.q_proj` for
  /// `model.layers.0.self_attn.q_proj.weight`. An embedding may be stored with or without `.weight`.
  public func module(forTensor tensor: String) -> AdapterModule? {
    tensor.hasSuffix(".weight") ? module(String(tensor.dropLast(7))) : nil
  }

  /// The factors of a module as float32.
  /// - Throws: `.malformed` where they hold NaN or infinity.
  public func factors(of module: AdapterModule) throws(ModelFileError) -> (a: [Float], b: [Float]) {
    (try floats(of: module.aTensor), try floats(of: module.bTensor))
  }

  /// DoRA's magnitudes, one an output; nil for a plain adapter.
  public func magnitudes(of module: AdapterModule) throws(ModelFileError) -> [Float]? {
    guard let tensor = module.magnitudeTensor else { return nil }
    return try floats(of: tensor)
  }

  private func floats(of tensor: SafetensorsFile.Tensor) throws(ModelFileError) -> [Float] {
    let floats = file.floats(of: tensor)
    guard floats.allSatisfy(\.isFinite) else { throw ModelFileError(.malformed, "\(file.path): \(tensor.name) holds NaN or infinity") }
    return floats
  }
}
