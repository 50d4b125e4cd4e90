import Foundation
import Testing

/// Every operator gives the same bytes for any number of threads and on every instruction set.
@Suite struct SameBytesTests {
  static let methods: [(method: String, perModel: String, shared: String, base: Bool, inputs: [String])] = [
    ("linear", "weight: 0.3", "", false, ["a", "b"]),
    ("slerp", "", "t: 0.4", true, ["a"]),
    ("nuslerp", "weight: 0.3", "nuslerp_flatten: false", true, ["a", "b"]),
    ("multislerp", "weight: 0.3", "", true, ["a", "b"]),
    ("karcher", "", "", false, ["base", "a", "b"]),
    ("task_arithmetic", "weight: 0.3", "", true, ["a", "b"]),
    ("ties", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("dare_ties", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("dare_linear", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("breadcrumbs", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("breadcrumbs_ties", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("della", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("della_linear", "weight: 0.3, density: 0.4", "", true, ["a", "b"]),
    ("model_stock", "", "", true, ["a", "b"]),
    ("sce", "", "select_topk: 0.5", true, ["a", "b"]),
    ("arcee_fusion", "", "", true, ["a"]),
    ("nearswap", "", "t: 0.01", true, ["a"]),
    ("ram", "", "epsilon: 0.01", true, ["a", "b"]),
    ("ramplus_tl", "", "epsilon: 0.01", true, ["a", "b"]),
    ("passthrough", "", "", false, ["a"]),
  ]

  @Test func coversEveryDenseOperator() throws {
    let plugins = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appendingPathComponent("Plugins/MergeOperators").path)
    #expect(plugins.count(where: { !["LoraCat", "LoraSVD", "CoreSpace", "Peft"].contains($0) && !$0.contains(".") }) == Self.methods.count)
  }

  @Test(arguments: methods.indices) func doNotDependOnThreadsOrProcessor(index: Int) throws {
    let (method, perModel, shared, base, inputs) = Self.methods[index]
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path)
    let configuration = try folder.write(
      Models.configuration(method, in: folder.path, perModel: perModel, shared: shared, base: base, inputs: inputs), as: "config.yml")
    var outputs: [Data] = []
    for (threads, isa) in [("1", ""), ("2", ""), ("8", ""), ("2", "base")] {
      let output = folder("out-\(threads)-\(isa)")
      let result = try Binary.run(
        ["merge", configuration, output, "--threads", threads, "--seed", "5", "--quiet"], environment: isa.isEmpty ? [:] : ["CENTRAM_ISA": isa])
      try #require(result.status == 0, "\(method): \(result.errors)")
      outputs.append(try Data(contentsOf: URL(fileURLWithPath: output + "/model.safetensors")))
    }
    for (output, how) in zip(outputs, ["1 thread", "2 threads", "8 threads", "base instructions"]) { #expect(output == outputs[0], "\(method): \(how)") }
  }

  @Test func dependOnTheSeedWhereTheOperatorDraws() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path)
    let configuration = try folder.write(Models.configuration("dare_ties", in: folder.path, perModel: "weight: 0.3, density: 0.4"), as: "config.yml")
    var outputs: Set<Data> = []
    for seed in ["1", "2", "1"] {
      let output = folder("out-\(seed)")
      #expect(try Binary.run("merge", configuration, output, "--seed", seed, "--quiet").status == 0)
      outputs.insert(try Data(contentsOf: URL(fileURLWithPath: output + "/model.safetensors")))
    }
    #expect(outputs.count == 2)
  }
}
