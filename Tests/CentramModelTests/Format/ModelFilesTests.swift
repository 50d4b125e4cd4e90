import CentramModel
import Foundation
import Testing

@Suite struct ModelFilesTests {
  /// The folder is by transformers, the file by the gguf package with rows in the order of llama.cpp's converter.
  @Test(arguments: ["llama", "llama-bias", "qwen2"]) func aGGUFFileIsTheModelThatItsFolderIs(name: String) throws {
    let folder = try ModelFiles(path: "\(FormatFixtures.golden)/GGUF/\(name)"), file = try ModelFiles(path: "\(FormatFixtures.golden)/GGUF/\(name).gguf")
    #expect(folder.kind == .huggingFace)
    #expect(file.kind == .gguf)
    var wanted = folder.configuration
    // Llama 3's scaling comes back from its divisors, by ratios.
    if case .llama3? = wanted.rope?.scaling {
      #expect(file.configuration.rope?.scaling == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64))
    }
    wanted.rope = file.configuration.rope
    #expect(file.configuration == wanted)
    let names = folder.weights.tensorNames.filter { $0 != "lm_head.weight" || !folder.configuration.tiesEmbeddings }
    #expect(Set(file.weights.tensorNames) == Set(names))
    for tensor in names {
      #expect(file.weights.shape(tensor) == folder.weights.shape(tensor), "\(tensor)")
      let (found, right) = (try #require(try file.weights.floats(tensor)), try #require(try folder.weights.floats(tensor)))
      #expect(found.map(\.bitPattern) == right.map(\.bitPattern), "\(tensor)")
    }
    for (tensor, shape) in folder.configuration.expectedShapes { #expect(file.weights.shape(tensor) == shape, "\(tensor)") }
    #expect(file.configuration.parameterCount == file.formatSummary.parameters - (name == "llama" ? 8 : 0))
    #expect(file.chatTemplate == "{% for m in messages %}{{ m.content }}{% endfor %}")
  }

  @Test func rowsInOrderAreMadeOnceWhileSomebodyHasThem() throws {
    let weights = try ModelFiles(path: "\(FormatFixtures.golden)/GGUF/llama.gguf").weights
    let one = try #require(try weights.matrix("model.layers.0.self_attn.q_proj.weight")), two = try #require(try weights.matrix("model.layers.0.self_attn.q_proj.weight"))
    #expect(one.bytes == two.bytes)
    #expect(ObjectIdentifier(one.owner) == ObjectIdentifier(two.owner))
    let mapped = try #require(try weights.matrix("model.layers.0.self_attn.v_proj.weight"))
    #expect(mapped.owner is GGUFFile)
  }

  @Test func theToyIsRecognisedByItsTensors() throws {
    for path in ["gpt-byte/model.safetensors", "gpt-byte"] {
      let toy = try ModelFiles(path: "\(FormatFixtures.golden)/\(path)")
      #expect(toy.kind == .toy)
      #expect(toy.configuration == .gptByte)
      #expect(toy.configuration.parameterCount == 842_496)
      #expect(toy.formatSummary.parameters == 842_496)
      #expect(toy.formatSummary.parts.map(\.format) == ["F32"])
      #expect(toy.formatSummary.tensors == 52)
      #expect(toy.formatSummary.bytes == 3_369_984)
      for (name, shape) in toy.configuration.expectedShapes { #expect(toy.weights.shape(name) == shape, "\(name)") }
    }
  }

  static func model(_ folder: TemporaryFolder, config: String? = nil, tensors: [(String, NumberFormat, [Int])]) throws {
    let writer = try SafetensorsWriter(path: folder("model.safetensors"), items: tensors.map { .init(name: $0.0, format: $0.1, shape: $0.2) })
    try writer.synchronize()
    if let config { try Data(config.utf8).write(to: URL(fileURLWithPath: folder("config.json"))) }
  }

  @Test func aToyOfAnotherSizeNeedsItsConfiguration() throws {
    let tensors: [(String, NumberFormat, [Int])] = [("tok.weight", .float32, [256, 64]), ("pos.weight", .float32, [32, 64]), ("layers.0.attn_qkv.weight", .float32, [192, 64])]
    let folder = try TemporaryFolder()
    try Self.model(folder, tensors: tensors)
    let error = #expect(throws: ModelFileError.self) { _ = try ModelFiles(path: folder.path) }
    #expect(error?.message.contains("num_attention_heads") == true)
    try Data(#"{"model_type": "gpt-byte", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 32}"#.utf8)
      .write(to: URL(fileURLWithPath: folder("config.json")))
    let toy = try ModelFiles(path: folder.path)
    #expect(toy.configuration.headSize == 32)
    #expect(toy.configuration.intermediate == 256)
    #expect(toy.configuration.contextLength == 32)
  }

  @Test func saysWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    func message(_ path: String) -> String { #expect(throws: ModelFileError.self) { _ = try ModelFiles(path: path) }?.message ?? "" }
    #expect(message(folder("nothing")).contains("there is no such folder or file"))
    #expect(message(folder.path).contains("no model.safetensors"))
    try Self.model(folder, tensors: [("x", .float32, [2])])
    #expect(message(folder.path).contains("there is no config.json"))
  }

  @Test func weightsThatNothingComputesWithAreNamed() throws {
    let folder = try TemporaryFolder()
    try Self.model(
      folder, config: String(decoding: ModelConfigurationTests.old(), as: UTF8.self),
      tensors: [("model.embed_tokens.weight", .float64, [320, 64]), ("model.norm.weight", .int32, [64])])
    let weights = try ModelFiles(path: folder.path).weights
    let matrix = #expect(throws: ModelFileError.self) { _ = try weights.matrix("model.embed_tokens.weight") }
    #expect(matrix?.message.contains("is stored as F64; F32, F16 and BF16 are supported") == true)
    #expect(throws: ModelFileError.self) { _ = try weights.vector("model.norm.weight") }
    #expect(throws: ModelFileError.self) { _ = try weights.matrix("model.norm.weight") }
    #expect(throws: ModelFileError.self) { _ = try weights.vector("model.embed_tokens.weight") }
    #expect(try weights.matrix("nothing") == nil)
    #expect(try weights.vector("nothing") == nil)
  }

  @Test func oneGGUFFileInAFolderIsTheModelAndTwoAreNot() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: "\(FormatFixtures.golden)/GGUF/qwen2.gguf", toPath: folder("a.gguf"))
    #expect(try ModelFiles(path: folder.path).kind == .gguf)
    try FileManager.default.copyItem(atPath: folder("a.gguf"), toPath: folder("b.gguf"))
    let error = #expect(throws: ModelFileError.self) { _ = try ModelFiles(path: folder.path) }
    #expect(error?.message.contains("2 GGUF files (a.gguf, b.gguf)") == true)
    // Known by its first letters whatever its name.
    try FileManager.default.copyItem(atPath: folder("a.gguf"), toPath: folder("blob"))
    #expect(try ModelFiles(path: folder("blob")).kind == .gguf)
  }

  @Test func findsTheChatTemplateWhereverItIs() throws {
    let folder = try TemporaryFolder()
    try Self.model(folder, config: String(decoding: ModelConfigurationTests.old(), as: UTF8.self), tensors: [("x", .float32, [2])])
    func template(_ tokenizer: String) throws -> String? {
      try Data(tokenizer.utf8).write(to: URL(fileURLWithPath: folder("tokenizer_config.json")))
      return try ModelFiles(path: folder.path).chatTemplate
    }
    #expect(try ModelFiles(path: folder.path).chatTemplate == nil)
    #expect(try template(#"{"chat_template": "one", "model_max_length": 1000000000000000019884624838656}"#) == "one")
    #expect(try template(#"{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}"#) == "d")
    #expect(try template(#"{"chat_template": [{"name": "tool_use", "template": "t"}]}"#) == "t")
    #expect(try template(#"{"chat_template": null}"#) == nil)
    #expect(throws: ModelFileError.self) { _ = try template(#"{"chat_template": 3}"#) }
    #expect(throws: ModelFileError.self) { _ = try template("[") }
    try Data("file".utf8).write(to: URL(fileURLWithPath: folder("chat_template.jinja")))
    #expect(try ModelFiles(path: folder.path).chatTemplate == "file")
    #expect(try ModelFiles(path: "\(folder.path)").configuration.vocabulary == 320)
  }

  @Test func readsTheMakersDefaults() throws {
    let defaults = try GenerationDefaults(
      json: Array(#"{"do_sample": true, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05, "bos_token_id": 1, "max_new_tokens": 2048}"#.utf8))
    var wanted = GenerationDefaults()
    (wanted.samples, wanted.temperature, wanted.topP, wanted.topK, wanted.repetitionPenalty, wanted.maximumNewTokens) = (true, 0.7, 0.8, 20, 1.05, 2048)
    #expect(defaults == wanted)
    #expect(throws: ModelFileError.self) { _ = try GenerationDefaults(json: Array(#"{"top_p": 2}"#.utf8)) }
    #expect(throws: ModelFileError.self) { _ = try GenerationDefaults(json: Array(#"{"top_k": "many"}"#.utf8)) }
  }
}
