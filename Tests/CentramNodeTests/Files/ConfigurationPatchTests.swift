import CentramModel
import Testing

@testable import CentramNode

@Suite struct ConfigurationPatchTests {
  /// Model and layer ranges of a golden case's configuration: its first sources, slice by slice.
  private func layers(of configuration: OrderedJSON, models: [String]) throws -> [LayerOrigin]? {
    try configuration["slices"]?.array?.flatMap { slice in
      let source = try #require(slice["sources"]?.array?.first)
      let range = (source["layer_range"]?.array ?? []).compactMap(\.integer)
      let path = try MergeGolden.resolved(source["model"]?.string ?? "")
      let model = try #require(models.firstIndex(of: path))
      return (range[0]..<range[1]).map { LayerOrigin(model: model, layer: $0) }
    }
  }

  private func models(of configuration: OrderedJSON) throws -> [String] {
    let listed = configuration["models"] ?? configuration["modules"]?["default"]?["models"]
    let sources = listed?.array ?? configuration["slices"]?.array?.flatMap { $0["sources"]?.array ?? [] } ?? []
    var models: [String] = []
    for text in sources.compactMap({ $0["model"]?.string }) + [configuration["base_model"]?.string].compactMap({ $0 }) {
      let model = try MergeGolden.resolved(text)
      if !models.contains(model) { models.append(model) }
    }
    return models
  }

  @Test func patchesEveryGoldenAsMergekitDoes() throws {
    var checked = 0
    for golden in try MergeGolden.cases() {
      guard let expected = golden["out_config"]?.object, !expected.members.isEmpty, let configuration = golden["config"] else { continue }
      let models = try models(of: configuration)
      let basePath = try configuration["base_model"]?.string.map(MergeGolden.resolved)
      let base = basePath.flatMap { models.firstIndex(of: $0) }
      let configurations = try models.map { try FolderFiles(folder: $0).jsonObject("config.json") }
      // Without a dtype the output has the widest of the inputs, which all goldens' configurations name.
      let named = configuration["out_dtype"]?.string ?? configuration["dtype"]?.string
      let widest = configurations.contains { $0?["dtype"] == .string("float32") } ? "float32" : "bfloat16"
      let patch = ConfigurationPatch(
        layers: try layers(of: configuration, models: models), format: try #require(NumberFormat(torchName: named ?? widest)),
        vocabularyRows: golden["out_vocab"]?.object == nil ? nil : expected["vocab_size"]?.integer)
      let patched = try patch.apply(to: configurations, donor: base ?? 0)
      for member in expected.members { #expect(patched[member.key] == member.value, "\(golden["id"]?.string ?? ""): \(member.key)") }
      #expect(patched["torch_dtype"] == patched["dtype"])
      if let types = patched["layer_types"]?.array { #expect(types.count == patched["num_hidden_layers"]?.integer) }
      checked += 1
    }
    #expect(checked > 70)
  }

  /// mergekit 0.1.5 writes the weights of this case and then fails.
  @Test func resizesLayerTypesOfAFrankenmerge() throws {
    let cases = try MergeGolden.cases()
    let golden = try #require(cases.first { $0["id"] == .string("franken-scale.qwen-f32") }?["config"])
    let models = try models(of: golden)
    let patched = try ConfigurationPatch(layers: layers(of: golden, models: models), format: .float32)
      .apply(to: models.map { try FolderFiles(folder: $0).jsonObject("config.json") }, donor: 0)
    #expect(patched["num_hidden_layers"] == .integer(6))
    #expect(patched["layer_types"] == .strings(Array(repeating: "full_attention", count: 6)))
  }

  private func object(_ text: String) throws -> OrderedJSON.Object {
    let value = try OrderedJSON(parsing: Array(text.utf8))
    return try #require(value.object)
  }

  @Test func takesLayerTypesFromTheLayersThatWerePicked() throws {
    let donor = try object(#"{"num_hidden_layers": 3, "layer_types": ["a0", "a1", "a2"], "mlp_only_layers": [1]}"#)
    let other = try object(#"{"num_hidden_layers": 2, "layer_types": ["b0", "b1"], "mlp_only_layers": []}"#)
    let layers = [(0, 2), (1, 1), (0, 1), (0, 1)].map { LayerOrigin(model: $0.0, layer: $0.1) }
    let patched = try ConfigurationPatch(layers: layers, format: .bfloat16).apply(to: [donor, other], donor: 0)
    #expect(patched["layer_types"] == .strings(["a2", "b1", "a1", "a1"]))
    #expect(patched["mlp_only_layers"] == .array([.integer(2), .integer(3)]))
  }

  @Test func refusesALayerThatTheConfigurationDoesNotName() throws {
    let donor = try object(#"{"num_hidden_layers": 2, "layer_types": ["a0", "a1"]}"#)
    #expect(throws: MergeError(.mismatch, "layer 2 was picked, but `layer_types` in config.json names 2 layers")) {
      try ConfigurationPatch(layers: [LayerOrigin(model: 0, layer: 2)], format: .float32).apply(to: [donor], donor: 0)
    }
  }

  @Test func keepsOrderSpellingAndUnknownKeys() throws {
    let donor = try object(#"{"z": 1e-06, "n_layer": 4, "torch_dtype": "float16", "rope": {"theta": 10000.0}, "vocab_size": 5}"#)
    let patched = try ConfigurationPatch(layers: [LayerOrigin(model: 0, layer: 0)], format: .bfloat16, vocabularyRows: 8)
      .apply(to: [donor], donor: 0)
    let expected = try object(#"{"z": 1e-06, "n_layer": 1, "torch_dtype": "bfloat16", "dtype": "bfloat16", "rope": {"theta": 10000.0}, "vocab_size": 8}"#)
    #expect(patched == expected)
  }

  @Test func patchesTheTextModelOfAMultimodalConfiguration() throws {
    let donor = try object(
      #"{"dtype": "float32", "text_config": {"num_hidden_layers": 2, "layer_types": ["x", "y"], "vocab_size": 9}, "vision_config": {"num_hidden_layers": 7}}"#)
    let layers = [1, 1, 0].map { LayerOrigin(model: 0, layer: $0) }
    let patched = try ConfigurationPatch(layers: layers, format: .float16, vocabularyRows: 16, hasHead: true).apply(to: [donor], donor: 0)
    let text = try #require(patched["text_config"])
    #expect(patched["dtype"] == .string("float16") && text["dtype"] == .string("float16"))
    #expect(text["num_hidden_layers"] == .integer(3) && text["vocab_size"] == .integer(16) && text["tie_word_embeddings"] == .bool(false))
    #expect(text["layer_types"] == .strings(["y", "y", "x"]))
    #expect(patched["num_hidden_layers"] == nil && patched["vocab_size"] == nil)
    #expect(patched["vision_config"] == .object(["num_hidden_layers": .integer(7)]))
  }

  @Test func correctsTiedEmbeddingsWhereTheHeadAppearsOrDisappears() throws {
    let donor = try object(#"{"tie_word_embeddings": true}"#)
    for hasHead in [true, false] {
      let patched = try ConfigurationPatch(format: .float32, hasHead: hasHead).apply(to: [donor], donor: 0)
      #expect(patched["tie_word_embeddings"] == .bool(!hasHead))
    }
    let unchanged = try ConfigurationPatch(format: .float32).apply(to: [donor], donor: 0)
    #expect(unchanged["tie_word_embeddings"] == .bool(true))
  }

  @Test func takesTokenIdsFromTheModelWhoseTokenizerItHas() throws {
    let donor = try object(#"{"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}"#)
    let owner = try object(#"{"bos_token_id": null, "eos_token_id": [7, 8]}"#)
    let patched = try ConfigurationPatch(format: .float32, tokenizerOwner: owner).apply(to: [donor], donor: 0)
    #expect(patched["bos_token_id"] == .null && patched["eos_token_id"] == .array([.integer(7), .integer(8)]) && patched["pad_token_id"] == nil)
  }
}
