import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Testing

/// Asks the real PEFT. Needs a Python with peft and torch in CENTRAM_TEST_PYTHON.
@Suite(.serialized) struct PeftLoadsTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]

  /// Loads each adapter onto the base without a warning and without a tensor left over, and writes the weights it leads to.
  static let script = """
    import sys, torch, warnings
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM
    from peft import PeftModel
    base, adapters = sys.argv[1], sys.argv[2:]
    for adapter in adapters:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = PeftModel.from_pretrained(model, adapter)
        loaded = set(load_file(adapter + "/adapter_model.safetensors"))
        have = {k.replace(".default", "").replace(".modules_to_save", "") for k in model.state_dict()}
        missing = sorted(loaded - have)
        assert not missing, missing[:3]
        model = model.merge_and_unload()
        save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, adapter + "/weights.safetensors")
    """

  static func weights(afterLoading adapters: [String], onto base: String) throws -> [SafetensorsFile] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(python))
    process.arguments = ["-c", script, Fixtures.golden + "/models/" + base] + adapters
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(String(decoding: text.suffix(2000), as: UTF8.self))")
    return try adapters.map { try SafetensorsFile(path: $0 + "/weights.safetensors") }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft and torch"))
  func loadsMergedAdaptersAsTheyAre() throws {
    let adapters = try ["r4a", "r8d", "emb4"].map(Fixtures.adapter), weights = [0.5, 0.8, -0.3]
    let base = try Fixtures.model("llama-base-f32")
    let rules = ["merge.lora_cat", "merge.lora_svd", "merge.core_space"]
    try Fixtures.withFolder { folder in
      for rule in rules { _ = try AdapterMergeJob.simple(rule, adapters, weights).run(to: "\(folder)/\(rule)") }
      let results = try Self.weights(afterLoading: rules.map { "\(folder)/\($0)" }, onto: "llama-base-f32")
      for (rule, result) in zip(rules, results) {
        let merged = try Adapter(folder: "\(folder)/\(rule)")
        for tensor in base.tensors {
          let source = try AdaptedSource.source(of: tensor.name, shape: tensor.shape, base: MappedSource(tensor, of: base), adapter: merged)
          expectClose(AdaptedSourceTests.read(source, 0, tensor.count), result.floats(of: try #require(result.tensor(tensor.name))), "\(rule) \(tensor.name)")
        }
      }
    }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft and torch"))
  func extractedAdaptersOfFullRankGiveTheModelBack() throws {
    // Qwen has biases, and embeddings that are the output layer too.
    for kind in ["llama", "qwen"] { try extractAndLoad("\(kind)-a-f32", base: "\(kind)-base-f32") }
  }

  private func extractAndLoad(_ name: String, base: String) throws {
    let model = try Fixtures.model(name)
    try Fixtures.withFolder { folder in
      let extraction = LoraExtraction(
        model: FileTensors(file: model), base: FileTensors(file: try Fixtures.model(base)),
        operation: try #require(try Operators.make("merge.lora_svd") as? any AdapterExtracting))
      _ = try extraction.run(to: folder)
      let result = try Self.weights(afterLoading: [folder], onto: base)[0]
      for tensor in model.tensors {
        let found = result.floats(of: try #require(result.tensor(tensor.name))), wanted = model.floats(of: tensor)
        #expect(largestDifference(found.map(Double.init), wanted.map(Double.init)) < 2e-6, "\(tensor.name)")
      }
    }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft and torch"))
  func modulesWithoutChangeLoadToo() throws {
    try Fixtures.withFolder { folder in
      var options = LoraExtraction.Options()
      options.threshold = 0.05
      let extraction = LoraExtraction(
        model: FileTensors(file: try Fixtures.model("llama-a-f32")), base: FileTensors(file: try Fixtures.model("llama-base-f32")),
        operation: try #require(try Operators.make("merge.lora_svd") as? any AdapterExtracting), options: options)
      let report = try extraction.run(to: folder)
      #expect(report.ranks.values.contains(0))
      _ = try Self.weights(afterLoading: [folder], onto: "llama-base-f32")
    }
  }
}
