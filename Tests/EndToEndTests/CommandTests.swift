import CentramModel
import Foundation
import Testing

/// What a user sees of `centram-host merge`: errors that help, plans, JSON, sizes, hashes.
@Suite struct CommandTests {
  private func models(_ format: NumberFormat = .float32) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path, format: format)
    return folder
  }

  @Test func namesTheNearestKeyAndItsPlace() throws {
    let folder = try models()
    let text = Models.configuration("ties", in: folder.path, perModel: "weight: 0.5, densty: 0.5")
    let result = try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"))
    #expect(result.status == 65)
    #expect(result.errors.contains("config.yml:4:") && result.errors.contains("densty") && result.errors.contains("did you mean density"))
    #expect(!FileManager.default.fileExists(atPath: folder("out")))
  }

  @Test(arguments: [
    ("merge_method: ties\n", "models"), ("merge_method: [\n", "no YAML"), ("", "merge_method"), ("a: &x [*x]\n", "anchor"), ("merge_method: linear\nmodels: []\n", "models"),
    ("merge_method: lineer\nmodels: [{model: base, parameters: {weight: 1}}]\n", "linear"),
    ("merge_method: linear\nmodels: [{model: nowhere, parameters: {weight: 1}}]\n", "nowhere"),
    ("merge_method: core_space\nmodels: [{model: base}]\n", "out: adapter"),
  ]) func refusesAWrongConfigurationWithItsReason(text: String, reason: String) throws {
    let folder = try models()
    let result = try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"))
    #expect(result.status == 65, "\(result.errors)")
    #expect(result.errors.hasPrefix("error: ") && result.errors.contains(reason), "\(result.errors)")
    #expect(folder.names == ["a", "b", "base", "config.yml"])
  }

  @Test func plansWithoutWriting() throws {
    let folder = try models()
    let configuration = try folder.write(Models.configuration("ties", in: folder.path, perModel: "weight: 0.5, density: 0.5"), as: "config.yml")
    let result = try Binary.run("merge", configuration, folder("out"), "--dry-run")
    #expect(result.status == 0 && result.output.contains("merge.ties 1.0.0") && result.output.contains("6 tensors merged"))
    let json = try Binary.run("merge", configuration, folder("out"), "--dry-run", "--json")
    struct Forecast: Decodable { let operation: String, tensorsMerged: Int, bytesOut: Int, layers: Int }
    let forecasts = try JSONDecoder().decode([Forecast].self, from: Data(json.output.utf8))
    #expect(forecasts.count == 1 && forecasts[0].tensorsMerged == 6 && forecasts[0].layers == 2)
    #expect(forecasts[0].bytesOut == 4 * (901 * 333 + 2 * 777 * 333 + 2 * 333 + 1))
    #expect(!FileManager.default.fileExists(atPath: folder("out")))
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .float16], [Float.nan, .infinity]) func refusesNumbersThatAreNone(format: NumberFormat, value: Float) throws {
    let folder = try models(format)
    let path = folder("a/model.safetensors")
    let file = try SafetensorsFile(path: path)
    let tensor = try #require(file.tensor("model.layers.1.mlp.up_proj.weight"))
    let place = file.header.upperBound + tensor.range.lowerBound + 100_000 * format.size
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes.withUnsafeMutableBytes { buffer in withUnsafePointer(to: value) { format.encode($0, count: 1, into: buffer.baseAddress! + place) } }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    for method in ["linear", "ties", "slerp"] {
      let text = Models.configuration(
        method, in: folder.path, perModel: method == "slerp" ? "" : "weight: 0.5", shared: method == "slerp" ? "t: 0.5" : "", base: method != "linear",
        inputs: method == "slerp" ? ["a"] : ["a", "b"])
      let result = try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"))
      #expect(result.status == 65)
      #expect(result.errors.contains("model.layers.1.mlp.up_proj.weight holds NaN or infinity at element 100000"), "\(result.errors)")
      #expect(folder.names == ["a", "b", "base", "config.yml"])
    }
    let text = Models.configuration("linear", in: folder.path, base: false)
    #expect(try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"), "--allow-nonfinite", "--quiet").status == 0)
  }

  @Test func refusesAResultThatItsFormatCannotHold() throws {
    let folder = try models()
    let text = Models.configuration("linear", in: folder.path, perModel: "weight: 100000", shared: "normalize: false", base: false) + "out_dtype: float16\n"
    let result = try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"))
    #expect(result.status == 73 && result.errors.contains("too large for float16") && result.errors.contains("bfloat16"), "\(result.errors)")
  }

  @Test func shardsLoadAsOneModel() throws {
    let folder = try models()
    let configuration = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "config.yml")
    #expect(try Binary.run("merge", configuration, folder("one"), "--quiet").status == 0)
    #expect(try Binary.run("merge", configuration, folder("many"), "--shard-size", "1MB", "--quiet").status == 0)
    let one = try Checkpoint(path: folder("one")), many = try Checkpoint(path: folder("many"))
    #expect(one.files.count == 1 && many.files.count == 5)
    for name in one.tensorNames {
      let (x, y) = (try #require(one.entry(name)), try #require(many.entry(name)))
      #expect(x.file.bytes(of: x.tensor).elementsEqual(y.file.bytes(of: y.tensor)))
    }
    // And as an input.
    let again = try folder.write("merge_method: passthrough\nmodels: [{model: \(folder("many"))}]\n", as: "again.yml")
    #expect(try Binary.run("merge", again, folder("back"), "--quiet").status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder("back/model.safetensors"))) == Data(contentsOf: URL(fileURLWithPath: folder("one/model.safetensors"))))
  }

  @Test func theLineageHoldsTheHashOfEachInput() throws {
    let folder = try models()
    let configuration = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "config.yml")
    struct Lineage: Decodable {
      struct Input: Decodable { let files: [File] }
      struct File: Decodable { let name: String, bytes: Int, hash_algorithm: String, hash: String }
      let inputs: [Input]
    }
    for (algorithm, command) in [("sha256", "sha256sum"), ("none", "")] {
      #expect(try Binary.run("merge", configuration, folder("out"), "--hash", algorithm, "--quiet").status == 0)
      let lineage = try JSONDecoder().decode(Lineage.self, from: Data(contentsOf: URL(fileURLWithPath: folder("out/lineage.json"))))
      #expect(lineage.inputs.count == 2)
      for (input, name) in zip(lineage.inputs, ["a", "b"]) where !command.isEmpty {
        let sum = try Binary.Running("/usr/bin/\(command)", [folder(name + "/model.safetensors")], [:]).wait()
        #expect(sum.output.hasPrefix(input.files[0].hash + " "))
        #expect(try String(contentsOfFile: folder("out/README.md"), encoding: .utf8).contains(input.files[0].hash))
      }
    }
  }

  @Test func laterDocumentsUseEarlierOnes() throws {
    let folder = try models()
    let text = """
      name: first
      \(Models.configuration("linear", in: folder.path, base: false))
      ---
      merge_method: slerp
      base_model: \(folder("base"))
      models: [{model: first}]
      parameters: {t: 1}
      """
    let result = try Binary.run("merge", folder.write(text, as: "config.yml"), folder("out"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    let direct = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "direct.yml")
    #expect(try Binary.run("merge", direct, folder("direct"), "--quiet").status == 0)
    let (x, y) = (try Checkpoint(path: folder("out")), try Checkpoint(path: folder("direct")))
    for name in y.tensorNames {
      let (p, q) = (try #require(x.entry(name)), try #require(y.entry(name)))
      #expect(zip(p.file.floats(of: p.tensor), q.file.floats(of: q.tensor)).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    #expect(folder.names == ["a", "b", "base", "config.yml", "direct", "direct.yml", "out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("out")).allSatisfy { !$0.hasPrefix(".") })
  }

  @Test func replacesNothingThatNoMergeWrote() throws {
    let folder = try models()
    let configuration = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "config.yml")
    try FileManager.default.createDirectory(atPath: folder("out"), withIntermediateDirectories: true)
    _ = try folder.write("mine", as: "out/thesis.tex")
    let result = try Binary.run("merge", configuration, folder("out"))
    #expect(result.status == 73 && result.errors.contains("--force"))
    #expect(try String(contentsOfFile: folder("out/thesis.tex"), encoding: .utf8) == "mine")
    #expect(try Binary.run("merge", configuration, folder("out"), "--force", "--quiet").status == 0)
    #expect(!FileManager.default.fileExists(atPath: folder("out/thesis.tex")))
  }

  @Test func adaptersGoInAndOut() throws {
    let folder = try TemporaryFolder()
    let lora = Repository.root.appendingPathComponent("Tests/Fixtures/Golden/lora").path, base = Repository.models + "/llama-base-f32"
    let text =
      "merge_method: task_arithmetic\nbase_model: \(base)\nmodels:\n"
      + ["r4a", "r8d"].map { "  - model: \(base)+\(lora)/\($0)\n    parameters: {weight: 0.5}\n" }.joined()
    #expect(try Binary.run("merge", folder.write(text, as: "full.yml"), folder("full"), "--quiet").status == 0)
    #expect(try Binary.run("merge", folder.write(text + "out: adapter\n", as: "adapter.yml"), folder("adapter"), "--quiet").status == 0)
    // The merged adapter on the base is the merged checkpoint.
    let applied = try folder.write("merge_method: passthrough\nmodels: [{model: \(base)+\(folder("adapter"))}]\n", as: "applied.yml")
    #expect(try Binary.run("merge", applied, folder("applied"), "--quiet").status == 0)
    let (x, y) = (try Checkpoint(path: folder("full")), try Checkpoint(path: folder("applied")))
    #expect(Set(x.tensorNames) == Set(y.tensorNames))
    for name in x.tensorNames {
      let (p, q) = (try #require(x.entry(name)), try #require(y.entry(name)))
      #expect(zip(p.file.floats(of: p.tensor), q.file.floats(of: q.tensor)).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
    }
    // And extracted again, it is the adapter.
    let extracted = try Binary.run("merge", "extract-lora", "--model", folder("full"), "--base-model", base, "--out-path", folder("extracted"), "--max-rank", "12", "--quiet")
    #expect(extracted.status == 0, "\(extracted.errors)")
  }
}
