import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Testing

/// Asks the real PEFT. Needs a Python with peft and torch in CENTRAM_TEST_PYTHON.
@Suite struct PeftLoadsTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]

  /// Loads ADAPTER onto BASE strictly, and writes the weights that the adapter leads to.
  static let script = """
    import sys, json, torch, warnings
    from safetensors.torch import load_file, save_file
    from transformers import LlamaConfig, LlamaForCausalLM
    from peft import PeftModel
    base, adapter, out = sys.argv[1:4]
    model = LlamaForCausalLM(LlamaConfig(**json.load(open(base + "/config.json")))).to(torch.float32)
    model.load_state_dict({k: v.float() for k, v in load_file(base + "/model.safetensors").items()}, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PeftModel.from_pretrained(model, adapter)
    loaded = set(load_file(adapter + "/adapter_model.safetensors"))
    have = {k.replace(".default", "").replace(".modules_to_save", "") for k in model.state_dict()}
    missing = sorted(loaded - have)
    assert not missing, missing[:3]
    model = model.merge_and_unload()
    save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, out)
    """

  static func weights(afterLoading adapter: String, onto base: String) throws -> SafetensorsFile {
    let out = adapter + "-weights.safetensors"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(python))
    process.arguments = ["-c", script, Fixtures.golden + "/models/" + base, adapter, out]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(String(decoding: text.suffix(2000), as: UTF8.self))")
    defer { try? FileManager.default.removeItem(atPath: out) }
    return try SafetensorsFile(path: out)
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft and torch"))
  func loadsMergedAdaptersAsTheyAre() throws {
    let adapters = try ["r4a", "r8d", "emb4"].map(Fixtures.adapter), weights = [0.5, 0.8, -0.3]
    let base = try Fixtures.model("llama-base-f32")
    for rule in ["merge.lora_cat", "merge.lora_svd", "merge.core_space"] {
      try Fixtures.withFolder { folder in
        _ = try AdapterMergeJob.simple(rule, adapters, weights).run(to: folder)
        let merged = try Adapter(folder: folder), result = try Self.weights(afterLoading: folder, onto: "llama-base-f32")
        for tensor in base.tensors {
          let source = try AdaptedSource.source(of: tensor.name, shape: tensor.shape, base: MappedSource(tensor, of: base), adapter: merged)
          expectClose(AdaptedSourceTests.read(source, 0, tensor.count), result.floats(of: try #require(result.tensor(tensor.name))), "\(rule) \(tensor.name)")
        }
      }
    }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft and torch"))
  func extractedAdaptersOfFullRankGiveTheModelBack() throws {
    let model = try Fixtures.model("llama-a-f32")
    try Fixtures.withFolder { folder in
      let extraction = LoraExtraction(
        model: FileTensors(file: model), base: FileTensors(file: try Fixtures.model("llama-base-f32")),
        operation: try #require(try Operators.make("merge.lora_svd") as? any AdapterExtracting))
      _ = try extraction.run(to: folder)
      let result = try Self.weights(afterLoading: folder, onto: "llama-base-f32")
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
      _ = try Self.weights(afterLoading: folder, onto: "llama-base-f32")
    }
  }
}
