internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// Writes what a training made: an adapter, a difference, a whole model. Each file has its name when it is whole.
struct TrainingOutput {
  let folder: TrainingFolder
  let model: EngineModel
  let weights: any WeightSource
  /// Holds config.json and the tokenizer; nil for a model from scratch or from one file.
  let modelFolder: String?

  /// adapter_model.safetensors, then adapter_config.json, so that a folder that has it is complete.
  func writeAdapter(base: String?) throws(TrainingJobError) -> [String] {
    guard let request = model.adapter else { throw TrainingJobError(.trainer, "the trainer attached no adapter, so there is nothing to write") }
    try write("adapter_model.safetensors", metadata: ["format": "pt"]) { (tensor) throws(TrainingJobError) in Self.values(tensor) }
    try folder.write(request.configurationText(base: base), as: "adapter_config.json")
    return ["adapter_config.json", "adapter_model.safetensors"]
  }

  /// Trained minus base, in float32.
  func writeDelta(base name: String?) throws(TrainingJobError) -> [String] {
    try write("delta.safetensors", metadata: ["format": "pt", "centram.delta": "trained minus base", "centram.base": name ?? ""]) { (tensor) throws(TrainingJobError) in
      let base = try self.base(tensor)
      var values = Self.values(tensor)
      guard base.count == values.count else { throw TrainingJobError(.model, "\(tensor.name) has \(base.count) values in the base and \(values.count) here") }
      for index in values.indices { values[index] -= base[index] }
      return values
    }
    return ["delta.safetensors"]
  }

  /// model.safetensors in float32, config.json and the tokenizer's files, as transformers loads them.
  func writeModel() throws(TrainingJobError) -> [String] {
    try write("model.safetensors", metadata: ["format": "pt"]) { (tensor) throws(TrainingJobError) in Self.values(tensor) }
    return ["model.safetensors"] + (try writeCompanions())
  }

  /// Refuses before any work what could not be written after it.
  static func checkModel(configuration: ModelConfiguration, modelFolder: String?) throws(TrainingJobError) {
    guard configuration.family != .gptByte else { return }
    guard let modelFolder, FileManager.default.fileExists(atPath: modelFolder + "/config.json") else {
      throw TrainingJobError(.configuration, "a whole model can be written only from a folder with config.json; train an adapter, or take the model's Hugging Face folder")
    }
  }

  private func writeCompanions() throws(TrainingJobError) -> [String] {
    let configuration = model.configuration
    guard configuration.family != .gptByte else {
      let object: OrderedJSON.Object = [
        "model_type": .string("gpt-byte"), "vocab_size": .integer(configuration.vocabulary), "hidden_size": .integer(configuration.hidden),
        "intermediate_size": .integer(configuration.intermediate), "num_hidden_layers": .integer(configuration.layers),
        "num_attention_heads": .integer(configuration.heads), "max_position_embeddings": .integer(configuration.contextLength),
        "layer_norm_eps": .number("\(configuration.normEpsilon)"), "tie_word_embeddings": .bool(true), "dtype": .string("float32"),
      ]
      try folder.write(String(decoding: OrderedJSON.object(object).serialized(), as: UTF8.self), as: "config.json")
      return ["config.json"]
    }
    guard let modelFolder, let bytes = FileManager.default.contents(atPath: modelFolder + "/config.json"), let json = try? OrderedJSON(parsing: [UInt8](bytes)),
      var object = json.object
    else { throw TrainingJobError(.model, "\(modelFolder ?? ""): config.json cannot be read any more") }
    // transformers 5 writes dtype, older ones torch_dtype; what was there is kept up to date.
    for key in ["dtype", "torch_dtype"] where object[key] != nil { object[key] = .string("float32") }
    if object["dtype"] == nil, object["torch_dtype"] == nil { object["dtype"] = .string("float32") }
    try folder.write(String(decoding: OrderedJSON.object(object).serialized(), as: UTF8.self), as: "config.json")
    var written = ["config.json"]
    for name in Self.companions where FileManager.default.fileExists(atPath: "\(modelFolder)/\(name)") {
      guard let data = FileManager.default.contents(atPath: "\(modelFolder)/\(name)"), let text = String(validating: data, as: UTF8.self) else {
        throw TrainingJobError(.model, "\(modelFolder)/\(name) cannot be read as text")
      }
      try folder.write(text, as: name)
      written.append(name)
    }
    return written
  }

  private static let companions = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "chat_template.jinja",
  ]

  private func write(_ name: String, metadata: [String: String], _ values: (TrainingTensor) throws(TrainingJobError) -> [Float]) throws(TrainingJobError) {
    let tensors: [TrainingTensor]
    do throws(PluginError) { tensors = try model.all() } catch { throw TrainingJobError(.model, error.message) }
    let target = folder.path + "/" + name, temporary = target + ".part"
    unlink(temporary)
    do throws(ModelFileError) {
      let writer = try SafetensorsWriter(path: temporary, items: tensors.map { .init(name: $0.name, format: .float32, shape: $0.shape) }, metadata: metadata)
      for tensor in tensors {
        let floats: [Float]
        do throws(TrainingJobError) { floats = try values(tensor) } catch { throw ModelFileError(.malformed, error.message) }
        guard floats.allSatisfy(\.isFinite) else { throw ModelFileError(.malformed, "\(tensor.name) holds NaN or infinity; lower the learning rate") }
        let outcome: Result<Void, ModelFileError> = floats.withUnsafeBytes { bytes in
          do throws(ModelFileError) { return .success(try writer.write(bytes, of: tensor.name, at: 0)) } catch { return .failure(error) }
        }
        try outcome.get()
      }
      try writer.synchronize()
    } catch {
      unlink(temporary)
      throw TrainingJobError(.output, error.message)
    }
    guard rename(temporary, target) == 0 else { throw TrainingFolder.failure(target) }
    try TrainingFolder.synchronize(folder.path)
  }

  private static func values(_ tensor: TrainingTensor) -> [Float] { Array(UnsafeBufferPointer(start: tensor.values, count: tensor.count)) }

  private func base(_ tensor: TrainingTensor) throws(TrainingJobError) -> [Float] {
    do throws(ModelFileError) {
      if tensor.shape.count == 1 { return try weights.vector(tensor.name) ?? [] }
      return try weights.matrix(tensor.name)?.floats() ?? []
    } catch { throw TrainingJobError(.model, error.message) }
  }
}
