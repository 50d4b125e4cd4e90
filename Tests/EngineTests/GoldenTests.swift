import CentramModel
import Foundation
import ModelGoldens
import Testing

/// Logits within 1e-4 of transformers' and PEFT's in float32, and the same greedy texts.
@Suite struct GoldenTests {
  static let tolerance: Float = 1e-4

  @Test(arguments: Golden.random) func logitsAreTransformers(name: String) throws {
    let engine = try Engine(model: Golden.model(name))
    let golden = try Golden.tensors(name + "/golden-logits.safetensors")
    let (tokens, logits) = (try golden.tokens("input_ids"), try golden.floats("logits"))
    let found = try engine.logits(Array(tokens[..<40])) + engine.logits(Array(tokens[40...]))
    #expect(distance(found, logits) < Self.tolerance)
  }

  @Test(arguments: Golden.random) func greedyTextIsTransformers(name: String) throws {
    let engine = try Engine(model: Golden.model(name))
    let text = try Golden.tensors(Golden.right(name, "golden-logits.safetensors")).tokens("greedy")
    #expect(try engine.greedy(Array(text[..<8]), count: 24) == Array(text[8...]))
  }

  @Test(arguments: Golden.random) func adaptersGiveLogitsOfPEFT(name: String) throws {
    let model = try Golden.model(name)
    let engine = try Engine(model: model)
    let golden = try Golden.tensors(name + "/golden-adapter.safetensors")
    let adapter = AppliedAdapter(try Golden.adapter(name + "/adapter", model))
    let (tokens, logits) = (try golden.tokens("input_ids"), try golden.floats("logits"))
    let found = try engine.logits(Array(tokens[..<40]), adapters: [adapter]) + engine.logits(Array(tokens[40...]), adapters: [adapter])
    #expect(distance(found, logits) < Self.tolerance)
  }

  @Test(arguments: Golden.tiny) func logitsAndTextOfTinyModels(name: String) throws {
    let engine = try Engine(model: Golden.model(name))
    let text = try Golden.text(name)
    #expect(distance(try engine.logits(text.ids), try Golden.tensors(Golden.right(name, "golden.safetensors")).floats("logits")) < Self.tolerance)
    #expect(try engine.greedy(text.ids, count: text.greedy.count - text.ids.count) == Array(text.greedy.dropFirst(text.ids.count)))
  }

  @Test(arguments: Golden.tiny) func hiddenStatesOfEachLayer(name: String) throws {
    let engine = try Engine(model: Golden.model(name))
    let golden = try Golden.tensors(Golden.right(name, "golden.safetensors"))
    let ids = try Golden.text(name).ids
    let cache = try KeyValueCache(model: engine.model)
    var hidden = try engine.embed(ids, at: 0)
    for layer in engine.model.layers {
      #expect(distance(hidden.values, try golden.floats("hidden.\(layer)")) < Self.tolerance)
      try engine.run(layer..<layer + 1, [LayerInput(rows: ids.count, cache: cache)], &hidden)
    }
    // The last of transformers' hidden states comes after the final norm, so its logits stand for it.
    let logits = try engine.head(hidden)
    #expect(distance((0..<logits.count).flatMap { logits[$0] }, try golden.floats("logits")) < Self.tolerance)
  }

  @Test func lossesAreThoseOfTransformers() throws {
    struct Losses: Decodable { let loss: Double }
    let model = try Golden.model("tiny/tiny-qwen2-f32")
    let adapter = AppliedAdapter(try Golden.adapter("tiny/adapter", model))
    let ids = try Golden.text("tiny/tiny-qwen2-f32").ids
    let golden = try JSONDecoder().decode(Losses.self, from: Data(contentsOf: URL(fileURLWithPath: Golden.path("tiny/adapter/golden.json"))))
    let engine = try Engine(model: model)
    let losses = try engine.losses(ids, cache: KeyValueCache(model: model), adapters: [adapter])
    #expect(losses.count == ids.count - 1)
    #expect(abs(losses.reduce(0, +) / Double(losses.count) - golden.loss) < 1e-5)
    #expect(distance(try engine.logits(ids, adapters: [adapter]), try Golden.tensors("tiny/adapter/golden.safetensors").floats("logits")) < Self.tolerance)
  }

  @Test func theByteModelGivesLogitsOfPyTorch() throws {
    let engine = try Engine(model: Golden.model("gpt-byte"))
    let golden = try Golden.tensors("gpt-byte/golden.safetensors")
    let (tokens, logits) = (try golden.tokens("input"), try golden.floats("logits"))
    let found = try (0..<4).flatMap { try engine.logits(Array(tokens[$0 * 128..<($0 + 1) * 128])) }
    #expect(distance(found, logits) < Self.tolerance)
  }
}
