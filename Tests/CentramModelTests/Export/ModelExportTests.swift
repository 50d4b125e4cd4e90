import CentramModel
import Foundation
import Fuzzing
import Testing

@Suite struct ModelExportTests {
  static func model(_ name: String) throws -> ModelFiles { try ModelFiles(path: "\(FormatFixtures.golden)/\(name)") }

  /// W + scale · B · A in double precision, for what the golden adapter changes.
  static func folded(_ name: String, base: ModelFiles, adapter: Adapter, weight: Double = 1) throws -> [Double] {
    var values = try #require(try base.weights.floats(name)).map(Double.init)
    guard let module = adapter.module(forTensor: name) else { return values }
    let (a, b) = try adapter.factors(of: module)
    for row in 0..<module.outputs {
      for r in 0..<module.rank {
        let factor = module.scale * weight * Double(b[row * module.rank + r])
        for column in 0..<module.inputs { values[row * module.inputs + column] += factor * Double(a[r * module.inputs + column]) }
      }
    }
    return values
  }

  static func largestDifference(_ found: [Float], _ wanted: [Double]) -> Double {
    guard found.count == wanted.count else { return .infinity }
    return zip(found, wanted).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  }

  @Test(arguments: ["llama-gqa", "qwen2-tied"]) func foldsAdaptersIntoSafetensors(name: String) throws {
    let base = try Self.model(name), adapter = try Adapter(folder: "\(FormatFixtures.golden)/\(name)/adapter")
    let folder = try TemporaryFolder()
    let report = try ModelExport(model: base, adapters: [.init(adapter), .init(adapter, weight: -0.5)]).writeSafetensors(to: folder("out"))
    #expect(report.changed == adapter.modules.count)
    #expect(report.formats == ["F32": report.tensors])
    let result = try ModelFiles(path: folder("out"))
    #expect(result.configuration == base.configuration)
    for (tensor, _) in base.configuration.expectedShapes where tensor.hasPrefix("model.layers.1.") || !tensor.contains("layers") {
      let found = try #require(try result.weights.floats(tensor))
      let wanted = try Self.folded(tensor, base: base, adapter: adapter, weight: 0.5)
      #expect(Self.largestDifference(found, wanted) < (adapter.module(forTensor: tensor) == nil ? 1e-30 : 1e-6), "\(tensor)")
    }
  }

  @Test func whatNothingChangesKeepsItsBitsAndItsCompanions() throws {
    let base = try Self.model("tiny/tiny-qwen2-bf16")
    let folder = try TemporaryFolder()
    let report = try ModelExport(model: base).writeSafetensors(to: folder("out"), shardSize: 100_000)
    #expect(report.notes == [])
    #expect(FileManager.default.fileExists(atPath: folder("out/model.safetensors.index.json")))
    let result = try ModelFiles(path: folder("out"))
    for file in try #require(result.checkpoint).files {
      for tensor in file.tensors {
        let entry = try #require(base.checkpoint?.entry(tensor.name))
        #expect(entry.tensor.format == tensor.format)
        #expect(file.bytes(of: tensor).elementsEqual(entry.file.bytes(of: entry.tensor)), "\(tensor.name)")
      }
    }
    for name in ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
      let wanted = try FormatFixtures.bytes("tiny/tiny-qwen2-bf16/\(name)")
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: folder("out/\(name)")))) == wanted, "\(name)")
    }
  }

  @Test func anotherFormatIsRoundedOnceAndNamedInTheConfiguration() throws {
    let base = try Self.model("llama-gqa")
    let folder = try TemporaryFolder()
    _ = try ModelExport(model: base).writeSafetensors(to: folder("out"), format: .bfloat16)
    let text = try String(contentsOfFile: folder("out/config.json"), encoding: .utf8)
    #expect(text == String(decoding: try FormatFixtures.bytes("llama-gqa/config.json"), as: UTF8.self).replacing("\"float32\"", with: "\"bfloat16\""))
    let result = try ModelFiles(path: folder("out"))
    let found = try #require(try result.weights.floats("lm_head.weight")), own = try #require(try base.weights.floats("lm_head.weight"))
    for (value, wanted) in zip(found, own) {
      #expect(value.bitPattern & 0xffff == 0)
      #expect(abs(value - wanted) <= abs(wanted) / 256)
    }
  }

  @Test(arguments: ["llama", "qwen2"]) func aGGUFFileBecomesAFolder(name: String) throws {
    let base = try Self.model("GGUF/\(name).gguf"), original = try Self.model("GGUF/\(name)")
    let folder = try TemporaryFolder()
    let report = try ModelExport(model: base).writeSafetensors(to: folder("out"), format: .float32)
    #expect(report.notes.count == 1)
    let result = try ModelFiles(path: folder("out"))
    #expect(result.configuration == original.configuration)
    #expect(result.chatTemplate == base.chatTemplate)
    for (tensor, _) in original.configuration.expectedShapes {
      #expect(try result.weights.floats(tensor) == original.weights.floats(tensor), "\(tensor)")
    }
  }

  @Test func theToyIsExportedToo() throws {
    let folder = try TemporaryFolder()
    let toy = try Self.model("gpt-byte/model.safetensors")
    _ = try ModelExport(model: toy).writeSafetensors(to: folder("out"))
    let result = try ModelFiles(path: folder("out"))
    #expect(result.configuration == .gptByte)
    #expect(try result.weights.floats("layers.3.attn_qkv.weight") == toy.weights.floats("layers.3.attn_qkv.weight"))
    #expect(throws: ModelFileError.self) { _ = try ModelExport(model: toy).writeGGUF(to: folder("out.gguf")) }
  }

  @Test func anExistingOutputStaysUnlessItMayBeReplaced() throws {
    let folder = try TemporaryFolder()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder("out")))
    let export = try ModelExport(model: try Self.model("GGUF/llama"))
    for body in [{ _ = try export.writeSafetensors(to: folder("out")) }, { _ = try export.writeGGUF(to: folder("out")) }] as [() throws -> Void] {
      let error = #expect(throws: ModelFileError.self) { try body() }
      #expect(error?.message.contains("is there already") == true)
    }
    #expect(try String(contentsOfFile: folder("out"), encoding: .utf8) == "mine")
    _ = try export.writeGGUF(to: folder("out"), replaces: true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
  }

  @Test func aStoppedExportLeavesNothing() throws {
    let folder = try TemporaryFolder()
    var observer = ExportObserver()
    observer.isCancelled = { true }
    let export = try ModelExport(model: try Self.model("GGUF/llama"))
    let error = #expect(throws: ModelFileError.self) { _ = try export.writeSafetensors(to: folder("out"), observer: observer) }
    #expect(error?.code == .cancelled)
    #expect(throws: ModelFileError.self) { _ = try export.writeGGUF(to: folder("out"), observer: observer) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func refusesWhatDoesNotFit() throws {
    let llama = try Self.model("GGUF/llama")
    let other = try Adapter(folder: "\(FormatFixtures.golden)/llama-gqa/adapter")
    let error = #expect(throws: ModelFileError.self) { _ = try ModelExport(model: llama, adapters: [.init(other)]) }
    #expect(error?.message.contains("in the adapter and") == true, "\(error?.message ?? "")")
    let base = try Self.model("llama-gqa")
    #expect(throws: ModelFileError.self) { _ = try ModelExport(model: base, adapters: [.init(other, weight: .nan)]) }
    let folder = try TemporaryFolder()
    let format = #expect(throws: ModelFileError.self) { _ = try ModelExport(model: base).writeSafetensors(to: folder("out"), format: .int8) }
    #expect(format?.message.contains("float32, float16 and bfloat16 are") == true)
    let quantised = #expect(throws: ModelFileError.self) { _ = try ModelExport(model: base).writeGGUF(to: folder("out"), format: .q6_K) }
    #expect(quantised?.message.contains("Q6_K cannot be written") == true)
  }

  @Test func refusesFloatsThatFloat16CannotHold() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("GGUF/llama")
    let change = AdapterContents.Module(
      name: "model.layers.0.mlp.up_proj", outputs: 64, inputs: 32, rank: 1, a: Array(repeating: 300, count: 32), b: Array(repeating: 300, count: 64))
    try AdapterWriter.write(AdapterContents(modules: [change]), to: folder("adapter"))
    let export = try ModelExport(model: model, adapters: [.init(try Adapter(folder: folder("adapter")))])
    let error = #expect(throws: ModelFileError.self) { _ = try export.writeSafetensors(to: folder("out"), format: .float16) }
    #expect(error?.message.contains("model.layers.0.mlp.up_proj.weight holds 9") == true, "\(error?.message ?? "")")
    _ = try export.writeSafetensors(to: folder("out"), format: .bfloat16)
  }

  /// Embeddings with factors, and tensors saved whole.
  @Test func embeddingsAndSavedTensorsAreFoldedToo() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("GGUF/llama")
    var random = FuzzGenerator(5)
    func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
    let (a, b, norm) = (floats(2 * 48), floats(32 * 2), floats(32))
    var contents = AdapterContents(modules: [.init(name: "model.embed_tokens", kind: .embedding, outputs: 32, inputs: 48, rank: 2, a: a, b: b)])
    contents.saved = [
      .init(
        name: "model.norm.weight",
        values: .computed(format: .float32, shape: [32]) { offset, count, target in
          for index in 0..<count { target[index] = norm[offset + index] }
        })
    ]
    contents.modulesToSave = ["norm"]
    try AdapterWriter.write(contents, to: folder("adapter"))
    let export = try ModelExport(model: model, adapters: [.init(try Adapter(folder: folder("adapter")))])
    _ = try export.writeSafetensors(to: folder("out"))
    let result = try ModelFiles(path: folder("out"))
    #expect(try result.weights.vector("model.norm.weight") == norm)
    let base = try #require(try model.weights.floats("model.embed_tokens.weight")), found = try #require(try result.weights.floats("model.embed_tokens.weight"))
    for token in 0..<48 {
      for column in 0..<32 {
        let wanted = Double(base[token * 32 + column]) + (0..<2).reduce(0.0) { $0 + Double(a[$1 * 48 + token]) * Double(b[column * 2 + $1]) }
        #expect(abs(Double(found[token * 32 + column]) - wanted) < 1e-5)
      }
    }
  }
}
