internal import CModelKernels

/// Writes an adapter for llama.cpp (`--lora`): one GGUF file with both factors of each matrix.
public enum GGUFAdapterExport {
  /// - Parameters:
  ///   - model: the configuration of the base, whose family decides names and the order of rows.
  ///   - format: of the factors: F32, F16 or BF16.
  /// - Throws: `.unsupported` for what llama.cpp's adapters cannot hold, `.malformed` where adapter and model do not fit.
  public static func write(_ adapter: Adapter, model: ModelConfiguration, to path: String, format: WeightFormat = .f32, replaces: Bool = false) throws(ModelFileError)
    -> ExportReport
  {
    func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(adapter.name): \(message)") }
    guard ModelConfiguration.ggufFamilies.contains(model.family) else { throw unsupported("GGUF has no architecture for \(model.family.name)") }
    guard !format.isQuantized else { throw unsupported("factors as \(format.name) are not supported; F32, F16 and BF16 are") }
    if let saved = adapter.savedTensors.keys.min() { throw unsupported("it replaces \(saved) whole, which llama.cpp's adapters cannot; export a merged model") }
    guard !adapter.configuration.usesMagnitudes else { throw unsupported("DoRA's magnitudes have no place in llama.cpp's adapters; export a merged model") }
    guard !adapter.configuration.isTransposed else { throw unsupported("fan_in_fan_out is for models that store matrices inputs × outputs; this one does not") }
    let names = GGUFNames(family: model.family).modules(layers: model.layers)
    let shapes = Dictionary(uniqueKeysWithValues: model.expectedShapes.map { ($0.name, $0.shape) })
    var items: [GGUFWriter.Item] = []
    let type = GGUFTensorType(rawValue: format.rawValue)!
    for module in adapter.modules {
      guard module.kind == .linear else { throw unsupported("\(module.name) adapts an embedding, which is not supported here; export a merged model") }
      guard let name = names[module.name], let shape = shapes["\(module.name).weight"] else {
        throw ModelFileError(.malformed, "\(adapter.name): the model has no matrix \(module.name.prefix(200))")
      }
      guard shape == [module.outputs, module.inputs] else {
        throw ModelFileError(.malformed, "\(adapter.name): \(module.name) is of shape \([module.outputs, module.inputs]) in the adapter and \(shape) in the model")
      }
      guard module.rank > 0 else { continue }
      items.append(.init(name: "\(name).weight.lora_a", type: type, shape: [module.rank, module.inputs]))
      items.append(.init(name: "\(name).weight.lora_b", type: type, shape: [module.outputs, module.rank]))
    }
    guard !items.isEmpty else { throw unsupported("it changes nothing") }
    let output = try ExportPath(path, replaces: replaces)
    return try output.write { (temporary) throws(ModelFileError) in
      let writer = try GGUFWriter(path: temporary, metadata: metadata(adapter, model, format), items: items)
      for module in adapter.modules where module.rank > 0 { try write(module, of: adapter, named: names[module.name]!, model, format, writer) }
      try writer.synchronize()
      return ExportReport(path: output.path, bytes: writer.size, tensors: items.count, changed: items.count / 2, formats: [format.name: items.count])
    }
  }

  private static func metadata(_ adapter: Adapter, _ model: ModelConfiguration, _ format: WeightFormat) -> GGUFMetadata {
    var metadata = GGUFMetadata()
    metadata.set("general.architecture", model.family.name)
    metadata.set("general.type", "adapter")
    metadata.set("adapter.type", "lora")
    metadata.set("adapter.lora.alpha", float32: adapter.configuration.alpha)
    metadata.set("general.file_type", uint32: format.fileType)
    metadata.set("general.quantization_version", uint32: 2)
    return metadata
  }

  /// llama.cpp scales by alpha over the rank of each matrix; what an adapter's own scale is beyond that goes into B.
  private static func write(_ module: AdapterModule, of adapter: Adapter, named name: String, _ model: ModelConfiguration, _ format: WeightFormat, _ writer: GGUFWriter)
    throws(ModelFileError)
  {
    let (a, b) = try adapter.factors(of: module)
    let alpha = Double(Float(adapter.configuration.alpha))
    guard alpha != 0 || module.scale == 0 else {
      throw ModelFileError(.unsupported, "\(adapter.name): lora_alpha 0 beside a scale of \(module.scale) for \(module.name) has no place in llama.cpp's adapters")
    }
    let factor = alpha == 0 ? 1 : module.scale * Double(module.rank) / alpha
    let isPaired = GGUFNames(family: model.family).pairedHeads(gguf: "\(name).weight", model) != nil
    var rows: [Float] = []
    rows.reserveCapacity(b.count)
    for row in 0..<module.outputs {
      let source = isPaired ? GGUFNames.halvedRow(row, headSize: model.headSize) : row
      let values = b[(source * module.rank)..<((source + 1) * module.rank)]
      if factor == 1 { rows += values } else { rows += values.map { Float(Double($0) * factor) } }
    }
    try write(a, "\(name).weight.lora_a", format, writer)
    try write(rows, "\(name).weight.lora_b", format, writer)
  }

  private static func write(_ floats: [Float], _ name: String, _ format: WeightFormat, _ writer: GGUFWriter) throws(ModelFileError) {
    guard floats.allSatisfy({ $0.isFinite && (format != .f16 || abs($0) < 65520) }) else {
      throw ModelFileError(.unwritable, "\(name) holds a number that \(format.name) cannot; take F32")
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: floats.count * format.blockSize, alignment: 64)
    defer { bytes.deallocate() }
    _ = format.quantize(floats, into: bytes.baseAddress!)
    try writer.write(UnsafeRawBufferPointer(bytes), of: name, at: 0)
  }
}
