import CentramModel
import Foundation
import Fuzzing
import Testing

/// Exports with adapters that need more than a sum of floats: DoRA, and bases in K-quants.
@Suite struct SpecialAdapterExportTests {
  private static let folder = FormatFixtures.golden + "/../lora"

  /// The right result is PEFT's `merge_and_unload`.
  @Test func foldsDoRAAsPEFTDoes() throws {
    let base = try ModelFiles(path: Self.folder + "/models/llama-base-f32"), adapter = try Adapter(folder: Self.folder + "/dora4")
    let folder = try TemporaryFolder(), theirs = try SafetensorsFile(path: Self.folder + "/merged-dora4.safetensors")
    let report = try ModelExport(model: base, adapters: [.init(adapter)]).writeSafetensors(to: folder("out"))
    _ = try ModelExport(model: base, adapters: [.init(adapter)]).writeGGUF(to: folder("out.gguf"), format: .f32)
    #expect(report.changed == theirs.tensors.count && report.changed == adapter.modules.count)
    for result in [try ModelFiles(path: folder("out")), try ModelFiles(path: folder("out.gguf"))] {
      for (name, _) in base.configuration.expectedShapes {
        let found = try #require(try result.weights.floats(name)), own = try #require(try base.weights.floats(name))
        if let tensor = theirs.tensor(name) {
          let wanted = theirs.floats(of: tensor).map(Double.init)
          #expect(ModelExportTests.largestDifference(found, wanted) < 1e-6, "\(name)")
          #expect(ModelExportTests.largestDifference(own, wanted) > 1e-3, "\(name) is not changed at all")
        } else {
          #expect(found == own, "\(name)")
        }
      }
    }
  }

  @Test func refusesPartsOfDoRAAndFilesThatCannotHoldIt() throws {
    let base = try ModelFiles(path: Self.folder + "/models/llama-base-f32"), adapter = try Adapter(folder: Self.folder + "/dora4")
    let part = #expect(throws: ModelFileError.self) { _ = try ModelExport(model: base, adapters: [.init(adapter, weight: 0.5)]) }
    #expect(part?.code == .unsupported && part?.message.contains("its weight is 0.5") == true)
    let folder = try TemporaryFolder()
    let file = #expect(throws: ModelFileError.self) { _ = try GGUFAdapterExport.write(adapter, model: base.configuration, to: folder("lora.gguf")) }
    #expect(file?.code == .unsupported && file?.message.contains("DoRA's magnitudes") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  /// A GGUF file of one layer whose matrices are random K-quant blocks.
  private static func kQuants(_ format: WeightFormat, in folder: TemporaryFolder) throws -> ModelFiles {
    var random = FuzzGenerator(9)
    var metadata = GGUFMetadata()
    metadata.set("general.architecture", "qwen2")
    for (key, value) in [
      ("block_count", 1), ("context_length", 64), ("embedding_length", 256), ("feed_forward_length", 512), ("attention.head_count", 4), ("attention.head_count_kv", 2),
      ("vocab_size", 16),
    ] { metadata.set("qwen2." + key, uint32: value) }
    metadata.set("qwen2.rope.freq_base", float32: 10000)
    metadata.set("qwen2.attention.layer_norm_rms_epsilon", float32: 1e-6)
    metadata.set("tokenizer.ggml.model", "none")
    let matrix = try #require(GGUFTensorType(rawValue: format.rawValue))
    var items: [GGUFWriter.Item] = [.init(name: "token_embd.weight", type: .f32, shape: [16, 256]), .init(name: "output_norm.weight", type: .f32, shape: [256])]
    for (name, rows, columns) in [
      ("attn_q", 256, 256), ("attn_k", 128, 256), ("attn_v", 128, 256), ("attn_output", 256, 256), ("ffn_gate", 512, 256), ("ffn_up", 512, 256), ("ffn_down", 256, 512),
    ] { items.append(.init(name: "blk.0.\(name).weight", type: matrix, shape: [rows, columns])) }
    for (name, count) in [("attn_norm.weight", 256), ("ffn_norm.weight", 256), ("attn_q.bias", 256), ("attn_k.bias", 128), ("attn_v.bias", 128)] {
      items.append(.init(name: "blk.0." + name, type: .f32, shape: [count]))
    }
    let path = folder("\(format.name).gguf")
    let writer = try GGUFWriter(path: path, metadata: metadata, items: items)
    for item in items {
      var bytes = (0..<item.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      if item.type == .f32 {
        bytes = (0..<item.byteCount / 4).flatMap { _ in withUnsafeBytes(of: Float.random(in: -1...1, using: &random)) { Array($0) } }
      } else {
        // The float16 scales: between 2⁻⁷ and 2⁻⁴.
        let size = item.type.block.size
        for block in stride(from: 0, to: bytes.count, by: size) {
          for place in format == .q6_K ? [size - 1] : [1, 3] { bytes[block + place] = bytes[block + place] & 0x8f | 0x20 }
        }
      }
      try bytes.withUnsafeBytes { try writer.write($0, of: item.name, at: 0) }
    }
    try writer.synchronize()
    return try ModelFiles(path: path)
  }

  @Test(arguments: [WeightFormat.q4_K, .q5_K, .q6_K]) func foldsAnAdapterIntoAKQuantBaseAndKeepsTheBytesOfTheRest(format: WeightFormat) throws {
    let folder = try TemporaryFolder(), base = try Self.kQuants(format, in: folder)
    var random = FuzzGenerator(4)
    func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -0.1...0.1, using: &random) } }
    let modules = [("self_attn.q_proj", 256, 256), ("mlp.down_proj", 256, 512)].map { name, outputs, inputs in
      AdapterContents.Module(name: "model.layers.0." + name, outputs: outputs, inputs: inputs, rank: 3, a: floats(3 * inputs), b: floats(outputs * 3))
    }
    try AdapterWriter.write(AdapterContents(modules: modules), to: folder("adapter"))
    let adapter = try Adapter(folder: folder("adapter"))
    let export = try ModelExport(model: base, adapters: [.init(adapter, weight: 2)])
    _ = try export.writeSafetensors(to: folder("out"), format: .float32)
    _ = try export.writeGGUF(to: folder("out.gguf"), format: .f32)
    for result in [try ModelFiles(path: folder("out")), try ModelFiles(path: folder("out.gguf"))] {
      for (name, _) in base.configuration.expectedShapes {
        let wanted = try ModelExportTests.folded(name, base: base, adapter: adapter, weight: 2)
        let found = try #require(try result.weights.floats(name))
        if adapter.module(forTensor: name) == nil {
          #expect(found.map(Double.init) == wanted, "\(name)")
        } else {
          // Random blocks of Q6_K reach 512, where the rounding to float32 alone is up to 2⁻¹⁶.
          #expect(found.count == wanted.count && zip(found, wanted).allSatisfy { abs(Double($0) - $1) <= max(1e-5, $1.magnitude * 0x1p-24) }, "\(name)")
        }
      }
    }
  }
}
