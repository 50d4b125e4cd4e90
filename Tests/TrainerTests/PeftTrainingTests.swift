import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Testing

/// Asks the real PEFT and transformers what they make of our results. Needs a Python with both in CENTRAM_TEST_PYTHON.
@Suite(.serialized) struct PeftTrainingTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]

  /// The mean loss over rows of tokens, of a model with or without an adapter, loaded without a warning or a tensor left over.
  static let script = """
    import json, sys, torch, warnings
    import torch.nn.functional as F
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
    base, adapter, rows = sys.argv[1], sys.argv[2], torch.tensor(json.loads(sys.argv[3]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        if adapter:
            from peft import PeftModel
            model = PeftModel.from_pretrained(model, adapter)
            have = {k.replace(".default", "") for k in model.state_dict()}
            assert not set(load_file(adapter + "/adapter_model.safetensors")) - have
    with torch.no_grad():
        logits = model.eval()(rows).logits[:, :-1]
    print(F.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1)).item())
    """

  private func loss(_ model: String, adapter: String = "", _ rows: [[Int32]]) throws -> Double {
    let process = Process(), output = Pipe(), errors = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = ["-c", Self.script, model, adapter, "\(rows)"]
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile(), complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(String(decoding: complaint.suffix(2000), as: UTF8.self))")
    return try #require(Double(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  static let rows: [[Int32]] = (0..<3).map { row in (0..<20).map { Int32((row * 31 + $0 * 17) % 256) } }
  private let jobs = JobTests()
  private static let qwen = JobTests.models + "/tiny/tiny-qwen2-f32", llama = JobTests.models + "/tiny/tiny-llama3"
  private static let settings: [String: TrainingPlan.Setting] = [
    "steps": .number(4), "batch": .number(2), "length": .number(20), "learning_rate": .number(0.01), "checkpoint_every": .number(0),
  ]

  /// The loss over the rows as we compute it.
  private func ours(_ folder: String, adapter: String? = nil) throws -> Double {
    let files = try ModelFiles(path: folder)
    let model = try LanguageModel(configuration: files.configuration, weights: files.weights)
    let engine = try Engine(model: model, threads: 1)
    let adapters = try adapter.map { [AppliedAdapter(try AdapterWeights(Adapter(folder: $0), model: model))] } ?? []
    let losses = try Self.rows.flatMap { try engine.losses($0, cache: try KeyValueCache(model: model), adapters: adapters) }
    return losses.reduce(0, +) / Double(losses.count)
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft, transformers and torch"), arguments: ["qwen", "llama"])
  func ourAdaptersLoadInPeftAsTheyAre(name: String) async throws {
    let base = name == "qwen" ? Self.qwen : Self.llama
    let data = try jobs.folder.write(JobTests.text(), as: "data.txt")
    let kinds: [[String: TrainingPlan.Setting]] = [
      ["rank": .number(4), "rslora": .boolean(true)], ["rank": .number(2), "alpha": .number(3), "layers": .string("1"), "targets": .string("q_proj,down_proj")],
    ]
    for (index, more) in kinds.enumerated() {
      let output = jobs.folder("\(name)\(index)")
      try await jobs.run(jobs.plan("trainer.lora", model: base, data: data, Self.settings.merging(more) { $1 }), output)
      let (here, there, without) = (try ours(base, adapter: output), try loss(base, adapter: output, Self.rows), try loss(base, Self.rows))
      // A rank of 2 in one layer changes little; what it changes must stand far above the rounding.
      #expect(abs(here - there) < 1e-5 && abs(there - without) > 20 * abs(here - there), "\(here) \(there) \(without)")
    }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with peft, transformers and torch"), arguments: ["qwen", "llama"])
  func ourCheckpointsLoadInTransformers(name: String) async throws {
    let base = name == "qwen" ? Self.qwen : Self.llama
    var plan = jobs.plan("trainer.full-delta", model: base, data: try jobs.folder.write(JobTests.text(), as: "data.txt"), Self.settings)
    plan.writesMerged = true
    try await jobs.run(plan, jobs.folder("whole"))
    let (here, there, before) = (try ours(jobs.folder("whole")), try loss(jobs.folder("whole"), Self.rows), try loss(base, Self.rows))
    #expect(abs(here - there) < 1e-4 && abs(there - before) > 1e-2, "\(here) \(there) \(before)")
  }

  /// Needs no Python: the adapter was written by PEFT. With a learning rate of 0 it comes out as it went in.
  @Test func theirAdaptersAreTrainedOn() async throws {
    let given = JobTests.models + "/tiny/adapter", adapter = try Adapter(folder: given)
    let names = Set(adapter.modules.map { String($0.name.split(separator: ".").last!) }).sorted().joined(separator: ",")
    var settings = Self.settings.merging(["rank": .number(Double(adapter.configuration.rank)), "alpha": .number(adapter.configuration.alpha), "targets": .string(names)]) { $1 }
    settings["learning_rate"] = .number(0)
    var plan = jobs.plan("trainer.lora", model: Self.qwen, data: try jobs.folder.write(JobTests.text(), as: "data.txt"), settings)
    plan.initialAdapter = given
    try await jobs.run(plan, jobs.folder("on"))
    let ours = try Adapter(folder: jobs.folder("on"))
    #expect(ours.modules.map(\.name) == adapter.modules.map(\.name))
    for (one, other) in zip(ours.modules, adapter.modules) {
      let (a, b) = (try ours.factors(of: one), try adapter.factors(of: other))
      #expect(one.scale == other.scale && a.a == b.a && a.b == b.b, "\(one.name)")
    }
    plan.settings["rank"] = .number(1)
    let found = await jobs.message { try await jobs.run(plan, jobs.folder("other")) }
    #expect(found.contains("take its rank and targets"), "\(found)")
  }
}
