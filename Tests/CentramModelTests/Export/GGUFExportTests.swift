import CentramModel
import Foundation
import Testing

@Suite struct GGUFExportTests {
  static func model(_ name: String) throws -> ModelFiles { try ModelFiles(path: "\(FormatFixtures.golden)/\(name)") }

  @Test(arguments: ["GGUF/llama", "GGUF/llama-bias", "GGUF/qwen2", "llama-tied-3heads", "qwen2-untied"]) func aFolderComesBackFromGGUF(name: String) throws {
    let folder = try TemporaryFolder(), original = try Self.model(name)
    let report = try ModelExport(model: original).writeGGUF(to: folder("out.gguf"), format: .f32)
    let result = try ModelFiles(path: folder("out.gguf"))
    var configuration = original.configuration
    // Without a tokenizer nothing says where a text begins.
    configuration.beginToken = nil
    #expect(result.configuration == configuration)
    #expect(report.formats == ["F32": report.tensors])
    for (tensor, _) in original.configuration.expectedShapes { #expect(try result.weights.floats(tensor) == original.weights.floats(tensor), "\(tensor)") }
    #expect(try result.gguf?.integer("general.file_type") == 0)
  }

  /// The fixture is by the gguf package, so order of rows and divisors of frequencies are told by another.
  @Test func theFileIsTheOneThatOthersMake() throws {
    let folder = try TemporaryFolder()
    _ = try ModelExport(model: try Self.model("GGUF/llama")).writeGGUF(to: folder("out.gguf"), format: .f16)
    let ours = try GGUFFile(path: folder("out.gguf")), theirs = try FormatFixtures.gguf("llama")
    #expect(Set(ours.tensors.map(\.name)) == Set(theirs.tensors.map(\.name)))
    for tensor in theirs.tensors {
      let own = try #require(ours.tensor(tensor.name))
      #expect(own.shape == tensor.shape)
      #expect(own.type == tensor.type, "\(tensor.name)")
      guard tensor.name == "rope_freqs.weight" else {
        #expect(ours.bytes(of: own).elementsEqual(theirs.bytes(of: tensor)), "\(tensor.name)")
        continue
      }
      // They compute the divisors in float32, we in double precision.
      for index in 0..<tensor.count {
        let (found, wanted) = (
          ours.bytes(of: own).loadUnaligned(fromByteOffset: 4 * index, as: Float.self), theirs.bytes(of: tensor).loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
        )
        #expect(abs(found - wanted) <= 1e-6 * wanted)
      }
    }
    for key in theirs.keys where key.hasPrefix("llama.") {
      let (own, other) = (try ours.value(key), try theirs.value(key))
      #expect(own?.type == other?.type, "\(key)")
      #expect(own?.integer == other?.integer && own?.number == other?.number, "\(key)")
    }
  }

  @Test func aGGUFFileKeepsItsBytesWhereNothingChanges() throws {
    let folder = try TemporaryFolder(), original = try Self.model("GGUF/llama.gguf")
    _ = try ModelExport(model: original).writeGGUF(to: folder("out.gguf"))
    let ours = try GGUFFile(path: folder("out.gguf")), theirs = try #require(original.gguf)
    for tensor in theirs.tensors { #expect(ours.bytes(of: try #require(ours.tensor(tensor.name))).elementsEqual(theirs.bytes(of: tensor)), "\(tensor.name)") }
    #expect(Set(ours.keys) == Set(theirs.keys).union(["general.file_type", "general.quantization_version"]))
    #expect(try ours.string("tokenizer.chat_template") == theirs.string("tokenizer.chat_template"))
  }

  /// The most that a format moves a weight, as a part of its block's largest.
  @Test(arguments: [(WeightFormat.q8_0, 0.005), (.q5_0, 0.07), (.q4_1, 0.08), (.q4_0, 0.14), (.bf16, 0.004), (.f16, 0.0005)])
  func quantisesWithinTheFormatsError(format: WeightFormat, part: Double) throws {
    let folder = try TemporaryFolder(), original = try Self.model("GGUF/llama")
    let report = try ModelExport(model: original).writeGGUF(to: folder("out.gguf"), format: format)
    let result = try ModelFiles(path: folder("out.gguf"))
    let isSmall = [.q5_0, .q4_1, .q4_0].contains(format)
    #expect(report.formats[format.name] == (isSmall ? 14 : 16))
    #expect(report.formats["Q8_0"] == (isSmall ? 2 : format == .q8_0 ? 16 : nil), "embedding and head")
    for name in ["model.layers.1.self_attn.q_proj.weight", "model.layers.0.mlp.down_proj.weight", "lm_head.weight"] {
      let found = try #require(try result.weights.floats(name)), wanted = try #require(try original.weights.floats(name))
      for block in stride(from: 0, to: wanted.count, by: 32) {
        let largest = wanted[block..<(block + 32)].reduce(0) { max($0, abs($1)) }
        for index in block..<(block + 32) { #expect(Double(abs(found[index] - wanted[index])) <= part * Double(largest), "\(format.name) \(name) \(index)") }
      }
    }
  }

  @Test func rowsThatAreNoBlocksBecomeFloat16() throws {
    let folder = try TemporaryFolder()
    let toy = folder("model")
    try FileManager.default.createDirectory(atPath: toy, withIntermediateDirectories: true)
    let changes: [String: String?] = ["hidden_size": "24", "intermediate_size": "32", "num_hidden_layers": "1", "num_attention_heads": "2", "vocab_size": "8", "head_dim": "4"]
    try Data(ModelConfigurationTests.old(changes)).write(to: URL(fileURLWithPath: toy + "/config.json"))
    let configuration = try ModelConfiguration(json: ModelConfigurationTests.old(changes))
    _ = try SafetensorsWriter(path: toy + "/model.safetensors", items: configuration.expectedShapes.map { .init(name: $0.name, format: .float32, shape: $0.shape) })
    let report = try ModelExport(model: try ModelFiles(path: toy)).writeGGUF(to: folder("out.gguf"), format: .q4_0)
    #expect(report.formats == ["F32": 3, "F16": 7, "Q4_0": 1])
  }

  @Test(arguments: ["llama-gqa", "qwen2-tied"]) func llamaCppsAdapterHoldsTheSameChange(name: String) throws {
    let folder = try TemporaryFolder(), base = try Self.model(name), adapter = try Adapter(folder: "\(FormatFixtures.golden)/\(name)/adapter")
    _ = try GGUFAdapterExport.write(adapter, model: base.configuration, to: folder("lora.gguf"))
    let file = try GGUFFile(path: folder("lora.gguf"))
    #expect(try file.string("general.type") == "adapter")
    #expect(try file.string("adapter.type") == "lora")
    #expect(try file.number("adapter.lora.alpha") == 8)
    #expect(file.tensors.count == 2 * adapter.modules.count)
    let model = base.configuration
    for (gguf, linear, heads) in [("attn_q", ModelFamily.Linear.query, model.heads), ("attn_k", .key, model.keyValueHeads), ("ffn_down", .down, 0)] {
      let name = try #require(model.family.name(linear, layer: 2))
      let module = try #require(adapter.module(name))
      let (a, b) = try adapter.factors(of: module)
      let left = try #require(file.tensor("blk.2.\(gguf).weight.lora_a")), right = try #require(file.tensor("blk.2.\(gguf).weight.lora_b"))
      #expect(left.shape == [module.rank, module.inputs])
      #expect(right.shape == [module.outputs, module.rank])
      func floats(_ tensor: GGUFFile.Tensor) -> [Float] {
        let bytes = file.bytes(of: tensor)
        return (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
      #expect(floats(left) == a)
      let rows = floats(right), half = model.headSize / 2
      for row in 0..<module.outputs {
        // Row 2i + j of a head stands for row j · half + i.
        let within = row % model.headSize, head = row - within
        let source = heads > 0 && model.family == .llama ? head + (within % 2) * half + within / 2 : row
        #expect(Array(rows[(row * module.rank)..<((row + 1) * module.rank)]) == Array(b[(source * module.rank)..<((source + 1) * module.rank)]), "\(gguf) \(row)")
      }
    }
    let error = #expect(throws: ModelFileError.self) { _ = try ModelFiles(path: folder("lora.gguf")) }
    #expect(error?.message.contains("general.type is \"adapter\"") == true)
  }

  @Test func tokenizersGoBothWays() throws {
    let folder = try TemporaryFolder(), original = try Self.model("tiny/tiny-llama3")
    #expect(try ModelExport(model: original).writeGGUF(to: folder("out.gguf"), format: .f16).notes == [])
    let file = try ModelFiles(path: folder("out.gguf"))
    #expect(file.chatTemplate == original.chatTemplate)
    #expect(file.configuration.endTokens == original.configuration.endTokens)
    #expect(try ModelExport(model: file).writeSafetensors(to: folder("back")).notes == [])
    let back = try ModelFiles(path: folder("back"))
    #expect(back.chatTemplate == original.chatTemplate)
    let tokenizers = try [original, file, back].map { try $0.tokenizer() }
    for text in ["Hello, world! It's 12345.", "<|im_start|>user\n  two\tspaces \u{fc}n\u{ef}c\u{f6}de 😀<|im_end|>", "  \r\n\r\n x=y**2 日本語 "] {
      let ids = tokenizers.map { $0.encode(text, parsingSpecial: true) }
      #expect(ids[1] == ids[0])
      #expect(ids[2] == ids[0])
      #expect(!ids[0].isEmpty)
    }
  }

  /// As SmolLM2 has them: `tokenizers` gives other ids to added tokens that the vocabulary lacks.
  @Test func specialTokensInFrontKeepTheirIds() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: "\(FormatFixtures.golden)/GGUF/qwen2", toPath: folder("model"))
    let tokenizer = #"""
      {"added_tokens": [{"id": 0, "content": "<|a|>", "special": true, "normalized": false}, {"id": 1, "content": "<|b|>", "special": true, "normalized": false}],
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel", "add_prefix_space": false}]},
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "vocab": {"<|a|>": 0, "<|b|>": 1, "a": 2, "b": 3, "ab": 4}, "merges": ["a b"]}}
      """#
    try Data(tokenizer.utf8).write(to: URL(fileURLWithPath: folder("model/tokenizer.json")))
    _ = try ModelExport(model: try ModelFiles(path: folder("model"))).writeGGUF(to: folder("out.gguf"))
    let file = try ModelFiles(path: folder("out.gguf"))
    #expect(try file.gguf?.string("tokenizer.ggml.pre") == "smollm")
    #expect(try ModelExport(model: file).writeSafetensors(to: folder("back")).notes == [])
    let text = try String(contentsOfFile: folder("back/tokenizer.json"), encoding: .utf8)
    #expect(text.contains(#""<|a|>": 0"#) && text.contains(#""<|b|>": 1"#))
    for path in ["model", "out.gguf", "back"] {
      #expect(try ModelFiles(path: folder(path)).tokenizer().encode("<|a|>abb<|b|>a", parsingSpecial: true) == [0, 4, 3, 1, 2], "\(path)")
    }
  }

  @Test func aTokenizerWithoutANameInGGUFIsLeftOutAndSaidSo() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: "\(FormatFixtures.golden)/GGUF/qwen2", toPath: folder("model"))
    for (tokenizer, reason) in [
      (#"{"model": {"type": "WordPiece"}}"#, "only byte-level BPE"), (#"{"model": {"type": "BPE"}, "pre_tokenizer": {"type": "Whitespace"}}"#, "no name in GGUF"),
      (#"{"model": {"type": "BPE"}, "normalizer": {"type": "Lowercase"}}"#, "the normalizer Lowercase"), ("{", "not good JSON"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 48}}, "pre_tokenizer": {"type": "ByteLevel"}}"#, "the model has 48 tokens"),
    ] {
      try Data(tokenizer.utf8).write(to: URL(fileURLWithPath: folder("model/tokenizer.json")))
      let report = try ModelExport(model: try ModelFiles(path: folder("model"))).writeGGUF(to: folder("out.gguf"), replaces: true)
      #expect(report.notes.count == 1 && report.notes[0].contains(reason), "\(report.notes)")
      let file = try GGUFFile(path: folder("out.gguf"))
      #expect(try file.string("tokenizer.ggml.model") == "none")
      #expect(!file.has("tokenizer.ggml.tokens"))
    }
  }
}
