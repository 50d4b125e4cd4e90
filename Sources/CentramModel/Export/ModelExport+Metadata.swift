internal import Foundation

extension ModelExport {
  /// Metadata for a GGUF file: the base's own where it is one, else made from the configuration and the tokenizer.
  /// - Parameter largest: the matrices' formats.
  func metadata(largest formats: [WeightFormat], _ report: inout ExportReport) throws(ModelFileError) -> GGUFMetadata {
    var metadata = GGUFMetadata()
    if let gguf = model.gguf {
      for key in gguf.keys where key != "general.alignment" && !key.hasPrefix("split.") { metadata.copy(key, from: gguf) }
    } else {
      metadata.set("general.architecture", model.configuration.family.name)
      metadata.set("general.type", "model")
      let path = model.path.hasSuffix("/") ? String(model.path.dropLast()) : model.path
      metadata.set("general.name", (path as NSString).lastPathComponent)
      model.configuration.write(to: &metadata)
      report.notes += try addTokenizer(to: &metadata)
    }
    var counts: [WeightFormat: Int] = [:]
    for format in formats { counts[format, default: 0] += 1 }
    let commonest = counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .f32
    metadata.set("general.file_type", uint32: commonest.fileType)
    metadata.set("general.quantization_version", uint32: 2)
    return metadata
  }

  private func addTokenizer(to metadata: inout GGUFMetadata) throws(ModelFileError) -> [String] {
    let configuration = model.configuration
    func leaveOut(_ reason: String) -> [String] {
      metadata.set("tokenizer.ggml.model", "none")
      for token in configuration.endTokens.prefix(1) { metadata.set("tokenizer.ggml.eos_token_id", uint32: Int(token)) }
      return ["no tokenizer: \(reason)"]
    }
    guard let folder = model.folder, let json = try ModelFolder(folder).read("tokenizer.json", limit: TokenizerTranslation.maximumLength) else {
      return leaveOut("the model has no tokenizer.json")
    }
    let settings = try ModelFolder(folder).read("tokenizer_config.json", limit: ModelFolder.maximumTokenizerConfigurationLength)
    var translated = metadata
    do throws(ModelFileError) {
      try TokenizerTranslation.gguf(json, settings: settings, model: configuration, name: ModelFolder(folder).path("tokenizer.json"), into: &translated)
    } catch {
      guard error.code == .unsupported || error.code == .malformed else { throw error }
      return leaveOut(error.message)
    }
    metadata = translated
    if let template = model.chatTemplate { metadata.set("tokenizer.chat_template", template) }
    return []
  }
}

extension ModelConfiguration {
  /// The keys that start with the architecture's name.
  func write(to metadata: inout GGUFMetadata) {
    let name = family.name
    metadata.set("\(name).block_count", uint32: layers)
    metadata.set("\(name).context_length", uint32: contextLength)
    metadata.set("\(name).embedding_length", uint32: hidden)
    metadata.set("\(name).feed_forward_length", uint32: intermediate)
    metadata.set("\(name).attention.head_count", uint32: heads)
    metadata.set("\(name).attention.head_count_kv", uint32: keyValueHeads)
    metadata.set("\(name).attention.key_length", uint32: headSize)
    metadata.set("\(name).attention.value_length", uint32: headSize)
    metadata.set("\(name).attention.layer_norm_rms_epsilon", float32: Double(normEpsilon))
    metadata.set("\(name).vocab_size", uint32: vocabulary)
    guard let rope else { return }
    metadata.set("\(name).rope.dimension_count", uint32: headSize)
    metadata.set("\(name).rope.freq_base", float32: rope.theta)
    if case .linear(let factor) = rope.scaling {
      metadata.set("\(name).rope.scaling.type", "linear")
      metadata.set("\(name).rope.scaling.factor", float32: factor)
    }
  }
}

extension WeightFormat {
  /// `general.file_type`: what most matrices of a file are.
  var fileType: Int {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q5_0: 8
    case .q5_1: 9
    case .q4_K: 15
    case .q5_K: 17
    case .q6_K: 18
    case .bf16: 32
    }
  }
}
