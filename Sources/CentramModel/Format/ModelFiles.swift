public import Foundation

/// A model on the disk, opened: a Hugging Face folder, a GGUF file, or the toy. Weights stay mapped.
public final class ModelFiles: Sendable {
  public enum Kind: String, Sendable {
    case huggingFace = "safetensors", gguf, toy = "gpt-byte"
  }

  /// As given.
  public let path: String
  public let kind: Kind
  public let configuration: ModelConfiguration
  public let weights: any WeightSource
  /// The template that turns messages into a prompt, as its makers wrote it; nil where there is none.
  public let chatTemplate: String?
  public let generationDefaults: GenerationDefaults
  /// Holds config.json and the tokenizer; nil for a single file without them.
  public let folder: URL?
  /// Nil unless the model is a GGUF file.
  public let gguf: GGUFFile?
  /// Nil unless the model is safetensors files.
  public let checkpoint: Checkpoint?

  /// - Parameter path: a folder with config.json and safetensors files, a GGUF file, a folder with one GGUF file, or the toy's
  ///   folder or file, which is recognised by its tensors.
  /// - Throws: `.unreadable` where there is nothing, `.malformed`, or `.unsupported` with what is supported.
  public init(path: String) throws(ModelFileError) {
    self.path = path
    if let file = try Self.ggufPath(path) {
      let gguf = try GGUFFile(path: file)
      configuration = try ModelConfiguration(gguf)
      weights = try GGUFWeights(gguf, configuration: configuration)
      chatTemplate = try gguf.string("tokenizer.chat_template")
      (kind, generationDefaults, folder, checkpoint) = (.gguf, GenerationDefaults(), nil, nil)
      self.gguf = gguf
      return
    }
    let checkpoint = try Checkpoint(path: path)
    let folder = checkpoint.folder ?? URL(fileURLWithPath: path).deletingLastPathComponent()
    let files = ModelFolder(folder)
    let generation = try files.read("generation_config.json", limit: ConfigurationFields.maximumLength)
    if let json = try files.read("config.json", limit: ConfigurationFields.maximumLength) {
      configuration = try ModelConfiguration(json: json, generation: generation, name: files.path("config.json"))
    } else if let toy = try ModelConfiguration(toy: checkpoint) {
      configuration = toy
    } else {
      throw ModelFileError(.unreadable, "\(path): there is no config.json, which says what kind of model this is; copy it from where the model came from")
    }
    kind = configuration.family == .gptByte ? .toy : .huggingFace
    weights = CheckpointWeights(checkpoint)
    chatTemplate = kind == .toy ? nil : try files.chatTemplate()
    generationDefaults =
      try generation.map { (json) throws(ModelFileError) in try GenerationDefaults(json: json, name: files.path("generation_config.json")) } ?? GenerationDefaults()
    (self.folder, gguf) = (folder, nil)
    self.checkpoint = checkpoint
  }

  /// The path of a GGUF file: itself by name or by its first letters, or the only one in a folder without safetensors.
  private static func ggufPath(_ path: String) throws(ModelFileError) -> String? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ModelFileError(.unreadable, "\(path): there is no such folder or file")
    }
    guard isFolder.boolValue else {
      if path.hasSuffix(".gguf") { return path }
      let mapping = try Mapping(path: path)
      return mapping.bytes.starts(with: "GGUF".utf8) ? path : nil
    }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    guard !names.contains(where: { $0.hasSuffix(".safetensors") }) else { return nil }
    let files = names.filter { $0.hasSuffix(".gguf") }
    guard files.count < 2 else {
      throw ModelFileError(.malformed, "\(path): \(files.count) GGUF files (\(files.prefix(4).joined(separator: ", "))); give the path of one")
    }
    return files.first.map { "\(path)/\($0)" }
  }
}

extension ModelConfiguration {
  /// The toy without config.json: its tensors say everything but the number of heads, so only its one size is known.
  init?(toy checkpoint: Checkpoint) throws(ModelFileError) {
    guard let tokens = checkpoint.entry("tok.weight")?.tensor, let positions = checkpoint.entry("pos.weight")?.tensor,
      checkpoint.entry("layers.0.attn_qkv.weight") != nil
    else { return nil }
    let toy = Self.gptByte
    guard tokens.shape == [toy.vocabulary, toy.hidden], positions.shape == [toy.contextLength, toy.hidden] else {
      throw ModelFileError(
        .unsupported,
        "\(checkpoint.path): a gpt-byte model with tok.weight of \(tokens.shape) and pos.weight of \(positions.shape) needs a config.json beside it that says num_attention_heads")
    }
    self = toy
  }
}
