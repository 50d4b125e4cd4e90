internal import Foundation

extension ModelExport {
  /// Bytes of tensors a file, as transformers splits them.
  public static let shardSize = 5_000_000_000

  /// Writes a Hugging Face folder: config.json, safetensors files, and the tokenizer where there is one.
  /// - Parameters:
  ///   - format: of all tensors; nil: each keeps its own, and quantised ones become float16.
  ///   - replaces: whether something that is there already may be replaced.
  /// - Throws: `.unwritable`, `.cancelled`, or what the model's files are refused with.
  public func writeSafetensors(to folder: String, format: NumberFormat? = nil, replaces: Bool = false, shardSize: Int = ModelExport.shardSize, observer: ExportObserver = .init())
    throws(ModelFileError) -> ExportReport
  {
    if let format, ![.float32, .float16, .bfloat16].contains(format) {
      throw ModelFileError(.unwritable, "\(folder): a model as \(format.torchName) is not supported; float32, float16 and bfloat16 are")
    }
    let path = try ExportPath(folder, replaces: replaces)
    return try path.write { (temporary) throws(ModelFileError) in
      do {
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
      } catch {
        throw ModelFileError(.unwritable, "\(path.path): cannot be made: \(error.localizedDescription)")
      }
      var report = ExportReport(path: path.path)
      var items: [SafetensorsWriter.Item] = []
      for (name, shape) in names {
        var own = format
        if own == nil { own = try ownFormat(name, shape) }
        items.append(.init(name: name, format: own!, shape: shape))
      }
      try writeTensors(items, to: temporary, shardSize: shardSize, observer, &report)
      report.notes += try writeCompanions(to: temporary, format: Self.commonest(items))
      return report
    }
  }

  private func writeTensors(_ items: [SafetensorsWriter.Item], to folder: String, shardSize: Int, _ observer: ExportObserver, _ report: inout ExportReport) throws(ModelFileError) {
    let writer = try CheckpointWriter(folder: folder, items: items, shardSize: shardSize)
    let loop = ExportLoop(total: items.reduce(0) { $0 + $1.shape.reduce(1, *) }, observer: observer)
    for item in items {
      let tensor = try folded(item.name, shape: item.shape)
      try loop.run(tensor, as: .number(item.format)) { (bytes, offset) throws(ModelFileError) in try writer.write(bytes, of: item.name, at: offset) }
      report.bytes += item.byteCount
      report.tensors += 1
      report.changed += isChanged(item.name) ? 1 : 0
      report.formats[item.format.rawValue, default: 0] += 1
    }
    try writer.finish(synchronizing: true)
  }

  private func ownFormat(_ name: String, _ shape: [Int]) throws(ModelFileError) -> NumberFormat {
    if let entry = model.checkpoint?.entry(name) {
      guard [.float32, .float16, .bfloat16].contains(entry.tensor.format) else {
        throw ModelFileError(.unsupported, "\(model.path): \(name) is stored as \(entry.tensor.format.rawValue); F32, F16 and BF16 are supported")
      }
      return entry.tensor.format
    }
    guard shape.count == 2 else { return .float32 }
    switch try model.weights.matrix(name)?.format {
    case .f32: return .float32
    case .bf16: return .bfloat16
    default: return .float16
    }
  }

  private static func commonest(_ items: [SafetensorsWriter.Item]) -> NumberFormat {
    var sizes: [NumberFormat: Int] = [:]
    for item in items { sizes[item.format, default: 0] += item.byteCount }
    return sizes.max { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) }?.key ?? .float32
  }

  /// Files that go along as they are.
  private static let companions = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model",
    "chat_template.jinja",
  ]

  /// config.json and what belongs to it. Returns what could not be carried over.
  private func writeCompanions(to folder: String, format: NumberFormat) throws(ModelFileError) -> [String] {
    func write(_ name: String, _ bytes: [UInt8]) throws(ModelFileError) {
      try AtomicFile.write("\(folder)/\(name)") { (file) throws(ModelFileError) in try file.append(bytes) }
    }
    if let source = model.folder, let checkpoint = model.checkpoint, checkpoint.folder != nil || model.kind != .toy {
      let files = ModelFolder(source)
      for name in Self.companions {
        if let bytes = try files.read(name, limit: 1 << 30) { try write(name, bytes) }
      }
      if let json = try files.read("config.json", limit: ConfigurationFields.maximumLength) {
        try write("config.json", ConfigurationText.changing(json, format: format))
        return []
      }
    }
    try write("config.json", Array(ConfigurationText.json(model.configuration, format: format).utf8))
    guard let gguf = model.gguf else { return [] }
    if let template = model.chatTemplate { try write("chat_template.jinja", Array(template.utf8)) }
    do throws(ModelFileError) {
      for (name, text) in try TokenizerTranslation.huggingFace(gguf) { try write(name, Array(text.utf8)) }
      return []
    } catch {
      guard error.code == .unsupported || error.code == .malformed else { throw error }
      return ["no tokenizer.json: \(error.message)"]
    }
  }
}
