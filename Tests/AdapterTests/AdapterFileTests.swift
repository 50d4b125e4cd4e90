import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Testing

@Suite struct AdapterFileTests {
  let modules = [AdapterFactory.Module(name: "layers.0.p", outputs: 6, inputs: 5, rank: 4), .init(name: "layers.1.p", outputs: 6, inputs: 5, rank: 4)]

  @Test func scalesFollowTheFirstPatternThatMatches() throws {
    let adapter = try AdapterFactory.adapter(
      modules + [.init(name: "layers.0.q", outputs: 3, inputs: 3, rank: 2)], seed: 1, more: "\"alpha_pattern\": {\"layers.[1-9].p\": 12, \"p\": 20, \"layers.1.p\": 1}")
    #expect(adapter.modules.map(\.scale) == [5, 4, 3])
    let stabilized = try AdapterFactory.adapter(modules, seed: 1, more: "\"use_rslora\": true")
    #expect(stabilized.modules[0].scale == 4)
  }

  @Test(arguments: [
    ("\"lora_bias\": true", "lora_bias"), ("\"kasa_config\": {\"x\": 1}", "kasa_config"), ("\"target_parameters\": [\"w\"]", "target_parameters"),
    ("\"alora_invocation_tokens\": [1]", "alora_invocation_tokens"), ("\"init_lora_weights\": \"pissa_niter_4\"", "pissa"),
    ("\"layer_replication\": [[0, 4]]", "layer_replication"), ("\"trainable_token_indices\": [3]", "trainable_token_indices"), ("\"future\": 3", "future"),
  ]) func unsupportedFeaturesAreNamedWithAWayOut(_ member: String, _ name: String) throws {
    let error = #expect(throws: ModelFileError.self) { try AdapterFactory.adapter(modules, seed: 1, more: member) }
    #expect(error?.code == .unsupported && error?.message.contains(name) == true && error?.message.contains(";") == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [
    "{}", "[]", "{\"peft_type\": \"LORA\"}", "{\"peft_type\": \"LORA\", \"r\": 1.5}", "{\"peft_type\": \"LORA\", \"r\": -1}", "{\"peft_type\": \"LORA\", \"r\": 1e300}",
    "{\"peft_type\": \"LORA\", \"r\": 4, \"r\": 4}", "{\"peft_type\": \"LORA\", \"r\": 4, \"rank_pattern\": {\"(\": 1}}", "{\"peft_type\": \"LORA\", \"r\": 4} x",
    "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": NaN}", "{\"peft_type\": \"LORA\", \"r\": 4, \"target_modules\": [1]}",
    "{\"peft_type\": \"LORA\", \"r\": 4, \"bias\": \"some\"}", "{\"peft_type\": \"LORA\", \"r\": 4, \"use_dora\": 1}",
  ]) func badConfigurationsAreMalformed(_ text: String) {
    let error = #expect(throws: ModelFileError.self) { try AdapterConfiguration(json: Array(text.utf8)) }
    #expect(error?.code == .malformed)
  }

  @Test func otherKindsOfAdaptersAreNamed() {
    let error = #expect(throws: ModelFileError.self) { try AdapterConfiguration(json: Array("{\"peft_type\": \"IA3\", \"r\": 4}".utf8)) }
    #expect(error?.code == .unsupported && error?.message.contains("IA3") == true)
  }

  @Test func tensorsThatDoNotFitAreRefused() throws {
    let good = AdapterFactory.tensors(modules, seed: 1)
    let configuration = AdapterFactory.configuration()
    func read(_ tensors: [(name: String, shape: [Int], values: [Float])]) throws -> Adapter {
      try Adapter(configuration: configuration, tensors: AdapterFactory.safetensors(tensors), name: "x")
    }
    #expect(try read(good).modules.count == 2)
    #expect(throws: ModelFileError.self) { try read(Array(good.dropFirst())) }
    #expect(throws: ModelFileError.self) { try read(good + [("layers.0.r.lora_A.weight", [1], [0])]) }
    #expect(throws: ModelFileError.self) { try read(good + [("base_model.model.r.lora_A.default.weight", [1], [0])]) }
    #expect(throws: ModelFileError.self) { try read(good + [("base_model.model.layers.0.p.lora_magnitude_vector", [6], Array(repeating: 1, count: 6))]) }
    #expect(throws: ModelFileError.self) { try read(good + [("base_model.model.layers.0.p.lora_B.bias", [6], Array(repeating: 1, count: 6))]) }
    #expect(throws: ModelFileError.self) { try read(AdapterFactory.tensors([.init(name: "p", outputs: 3, inputs: 3, rank: 3)], seed: 1)) }
    let convolution = [
      ("base_model.model.c.lora_A.weight", [4, 2, 1, 1], Array(repeating: Float(1), count: 8)),
      ("base_model.model.c.lora_B.weight", [3, 4, 1, 1], Array(repeating: Float(1), count: 12)),
    ]
    let error = #expect(throws: ModelFileError.self) { try read(convolution.map { (name: $0.0, shape: $0.1, values: $0.2) }) }
    #expect(error?.code == .unsupported)
    var infinite = good
    infinite[1].values[3] = .infinity
    let adapter = try read(infinite)
    #expect(throws: ModelFileError.self) { try adapter.factors(of: adapter.modules[0]) }
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .float16]) func writtenAdaptersReadBack(_ format: NumberFormat) throws {
    try Fixtures.withFolder { folder in
      var random = AdapterFactory.Generator(state: 3)
      // Names of which one ends another, ranks that differ, and rank 0.
      let written = [("m.layers.0.p", 4), ("layers.0.p", 2), ("layers.1.p", 4), ("layers.2.p", 0)].map { name, rank in
        AdapterContents.Module(name: name, outputs: 6, inputs: 5, rank: rank, a: random.numbers(rank * 5), b: random.numbers(6 * rank))
      }
      let embedding = AdapterContents.Module(name: "embed", kind: .embedding, outputs: 3, inputs: 9, rank: 4, a: random.numbers(36), b: random.numbers(12))
      var contents = AdapterContents(modules: written + [embedding])
      contents.saved = [
        .init(
          name: "lm_head.weight",
          values: .computed(format: .bfloat16, shape: [2, 3]) { offset, count, floats in
            for index in 0..<count { floats[index] = Float(offset + index) }
          }),
        .init(name: "embed.weight", isBaseLayer: true, values: .computed(format: .float32, shape: [9, 3]) { _, count, floats in floats.update(repeating: 1, count: count) }),
      ]
      (contents.modulesToSave, contents.baseModel) = (["lm_head"], "some \"base\"\n")
      try AdapterWriter.write(contents, to: folder, format: format)
      #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder)) == [Adapter.configurationFile, Adapter.tensorFile])
      let adapter = try Adapter(folder: folder)
      #expect(adapter.modules.allSatisfy { $0.scale == 1 })
      #expect(adapter.configuration.baseModel == contents.baseModel && adapter.configuration.modulesToSave == ["lm_head"])
      #expect(adapter.savedBaseLayers == ["embed.weight"])
      #expect(adapter.file.floats(of: try #require(adapter.savedTensors["lm_head.weight"])) == [0, 1, 2, 3, 4, 5])
      for module in contents.modules {
        let read = try #require(adapter.module(module.name))
        #expect(read.rank == max(1, module.rank) && read.kind == module.kind)
        let tolerance = format == .float32 ? 0 : format == .float16 ? 4e-3 : 4e-2
        #expect(largestDifference(try adapter.delta(read), module.delta) <= tolerance)
      }
    }
  }

  @Test func numbersThatTheFormatCannotHoldAreNotWritten() throws {
    try Fixtures.withFolder { folder in
      func write(_ number: Float, _ format: NumberFormat) throws {
        try AdapterWriter.write(AdapterContents(modules: [.init(name: "p", outputs: 1, inputs: 1, rank: 1, a: [1], b: [number])]), to: folder, format: format)
      }
      try write(65504, .float16)
      try write(-70000, .bfloat16)
      #expect(throws: ModelFileError.self) { try write(-70000, .float16) }
      #expect(throws: ModelFileError.self) { try write(.nan, .float32) }
      #expect(throws: ModelFileError.self) { try write(-.infinity, .float32) }
    }
  }

  @Test func foldersThatCannotBeWrittenAreNamed() throws {
    try Fixtures.withFolder { folder in
      try Data([1]).write(to: URL(fileURLWithPath: folder))
      let contents = AdapterContents(modules: [.init(name: "p", outputs: 1, inputs: 1, rank: 1, a: [1], b: [1])])
      let error = #expect(throws: ModelFileError.self) { try AdapterWriter.write(contents, to: folder + "/inside") }
      #expect(error?.code == .unwritable && error?.message.contains(folder) == true)
    }
  }

  @Test func savedTensorsAreAveragedOrCopiedWithAWarning() throws {
    func adapter(_ seed: UInt64, _ tensors: [(name: String, shape: [Int], values: [Float])]) throws -> Adapter {
      try AdapterFactory.adapter(modules, seed: seed, more: "\"modules_to_save\": [\"head\"]", extra: tensors)
    }
    let one = try adapter(1, [("base_model.model.head.weight", [2], [1, 2])]), two = try adapter(2, [("base_model.model.head.weight", [2], [3, 6])])
    try Fixtures.withFolder { folder in
      let report = try AdapterMergeJob.simple("merge.lora_cat", [one, two], [1, 3]).run(to: folder)
      let merged = try Adapter(folder: folder)
      #expect(merged.file.floats(of: try #require(merged.savedTensors["head.weight"])) == [2.5, 5])
      #expect(report.warnings.isEmpty && merged.configuration.modulesToSave == ["head"])
    }
    let (contents, report) = try AdapterMergeJob.simple("merge.lora_cat", [try adapter(3, []), two], [1, 3]).merged()
    #expect(contents.saved.count == 1 && report.warnings.count == 1 && report.warnings[0].contains("head.weight"))
    let other = try adapter(4, [("base_model.model.head.weight", [3], [3, 6, 9])])
    #expect(throws: MergeError.self) { try AdapterMergeJob.simple("merge.lora_cat", [one, other], [1, 3]).merged() }
  }

  @Test func shortTargetNamesAreKeptOnlyWhereTheyHold() throws {
    let plain = try AdapterFactory.adapter(modules, seed: 1)
    #expect(try AdapterMergeJob.simple("merge.lora_cat", [plain], [1]).merged().contents.targets == ["p", "q"])
    let partial = try AdapterFactory.adapter(modules, seed: 1, more: "\"layers_to_transform\": [0, 1]")
    #expect(try AdapterMergeJob.simple("merge.lora_cat", [plain, partial], [1, 1]).merged().contents.targets == nil)
  }
}
