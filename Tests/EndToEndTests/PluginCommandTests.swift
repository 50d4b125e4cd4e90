import Foundation
import Testing

/// Plugins as a user meets them: listed, explained, checked, dropped in, disabled, chosen by version.
@Suite struct PluginCommandTests {
  struct Summary: Decodable {
    let id: String, version: String?, state: String, reason: String?, lanes: [String], kind: String
  }

  static func list(_ arguments: String...) throws -> [Summary] {
    let result = try Binary.run(["plugin", "list", "--json"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode([Summary].self, from: Data(result.output.utf8))
  }

  /// Compiles a file of the C example into a folder of its own and packs it.
  static func packExample(_ name: String, version: String = "1.0.0", in folder: TemporaryFolder, into plugins: String = "plugins") throws {
    var source = try String(contentsOf: Repository.root.appendingPathComponent("Examples/MergeOperatorC/\(name).c"), encoding: .utf8)
    source = source.replacingOccurrences(of: ".version = \"1.0.0\"", with: ".version = \"\(version)\"")
    let file = try folder.write(source, as: "\(name)-\(version).c"), library = folder("\(name)-\(version).so")
    let include = Repository.root.appendingPathComponent("Sources/CentramPluginAPI/C/include").path
    let compiled = try Binary.Running("/usr/bin/cc", ["-O2", "-fPIC", "-shared", "-ffp-contract=off", "-I", include, file, "-o", library], [:]).wait()
    try #require(compiled.status == 0, "\(compiled.errors)")
    let packed = try Binary.run("plugin", "pack", library, "--into", folder(plugins))
    try #require(packed.status == 0, "\(packed.errors)")
  }

  @Test func listsEveryBuiltInOperator() throws {
    let plugins = try Self.list()
    let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appendingPathComponent("Plugins/MergeOperators").path)
    #expect(plugins.count(where: { $0.kind == "merge-operator" && $0.reason == nil }) == names.count(where: { !$0.contains(".") }))
    #expect(plugins.allSatisfy { $0.reason == nil }, "\(plugins.filter { $0.reason != nil })")
  }

  @Test func explainsAnOperator() throws {
    let result = try Binary.run("plugin", "info", "ties")
    #expect(result.status == 0)
    for part in ["merge.ties 1.0.0", "weight", "per model, number, required", "density", "0 to 1", "ok       toolchain"] {
      #expect(result.output.contains(part), "\(part) in \(result.output)")
    }
    let unknown = try Binary.run("plugin", "info", "teis")
    #expect(unknown.status == 69 && unknown.errors.contains("nearest: ties"), "\(unknown.errors)")
  }

  @Test func anOperatorInCIsDroppedInAndUsed() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path, format: .float32)
    try Self.packExample("median", in: folder)
    #expect(try Self.list("--plugins", folder("plugins")).contains { $0.id == "example.merge.median" && $0.lanes == ["c"] && $0.state == "found" })
    let configuration = try folder.write(
      Models.configuration("median", in: folder.path, perModel: "", base: false, inputs: ["base", "a", "b"]), as: "config.yml")
    let result = try Binary.run("merge", configuration, folder("out"), "--plugins", folder("plugins"), "--quiet")
    #expect(result.status == 0, "\(result.errors)")
    // Without the folder nobody knows it.
    let without = try Binary.run("merge", configuration, folder("out2"))
    #expect(without.status == 65 && without.errors.contains("no merge operator named median"), "\(without.errors)")
  }

  @Test func theOperatorInCGivesTheBitsOfTheSwiftOne() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path, format: .float32)
    try Self.packExample("linear", in: folder)
    for (index, parameters) in [("weight: 0.3", ""), ("weight: 0.7", "normalize: false"), ("weight: [0.2, 0.9]", "")].enumerated() {
      var outputs: [Data] = []
      for method in ["merge.linear", "example.merge.linear-c"] {
        let configuration = try folder.write(
          Models.configuration(method, in: folder.path, perModel: parameters.0, shared: parameters.1, base: false, inputs: ["base", "a", "b"]), as: "c.yml")
        let output = folder("out-\(index)-\(method)")
        let result = try Binary.run("merge", configuration, output, "--plugins", folder("plugins"), "--quiet")
        try #require(result.status == 0, "\(result.errors)")
        outputs.append(try Data(contentsOf: URL(fileURLWithPath: output + "/model.safetensors")))
      }
      #expect(outputs[0] == outputs[1], "\(parameters)")
    }
  }

  @Test func choosesByVersionAndDisablesById() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path)
    try Self.packExample("median", version: "1.0.0", in: folder)
    try Self.packExample("median", version: "1.4.0", in: folder)
    try Self.packExample("median", version: "2.0.0", in: folder)
    #expect(try Self.list("--plugins", folder("plugins")).filter { $0.id == "example.merge.median" }.compactMap(\.version).sorted() == ["1.0.0", "1.4.0", "2.0.0"])
    struct Report: Decodable {
      struct Document: Decodable { let operation: String }
      let documents: [Document]
    }
    func merge(_ method: String, _ settings: String) throws -> (status: Int32, operation: String?, errors: String) {
      let configuration = try folder.write(Models.configuration(method, in: folder.path, perModel: "", base: false), as: "config.yml")
      let file = try folder.write(settings, as: "settings.json")
      let result = try Binary.run("merge", configuration, folder("out"), "--plugins", folder("plugins"), "--config", file, "--json", "--quiet")
      return (result.status, try? JSONDecoder().decode(Report.self, from: Data(result.output.utf8)).documents[0].operation, result.errors)
    }
    #expect(try merge("median", "{}").operation == "example.merge.median 2.0.0")
    #expect(try merge("median@^1.0", "{}").operation == "example.merge.median 1.4.0")
    #expect(try merge("median", #"{"plugins": {"versions": {"example.merge.median": "^1.0"}}}"#).operation == "example.merge.median 1.4.0")
    let disabled = try merge("median", #"{"plugins": {"disable": ["example.merge.median"]}}"#)
    #expect(disabled.status == 70 && disabled.errors.contains("disabled in the configuration"), "\(disabled)")
    let misspelt = try merge("median", #"{"plugins": {"disabel": []}}"#)
    #expect(misspelt.status == 65 && misspelt.errors.contains("did you mean disable?"), "\(misspelt.errors)")
  }

  @Test func refusesADamagedLibraryBeforeItIsLoaded() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path)
    try Self.packExample("median", in: folder)
    let library = folder("plugins/example.merge.median-1.0.0/median-1.0.0.so")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: library))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: library))
    let check = try Binary.run("plugin", "check", folder("plugins/example.merge.median-1.0.0"))
    #expect(check.status == 69 && check.output.contains("FAILED   hash"), "\(check)")
    let configuration = try folder.write(Models.configuration("median", in: folder.path, perModel: "", base: false), as: "config.yml")
    let result = try Binary.run("merge", configuration, folder("out"), "--plugins", folder("plugins"))
    #expect(result.status == 70 && result.errors.contains("SHA-256"), "\(result.errors)")
  }
}
