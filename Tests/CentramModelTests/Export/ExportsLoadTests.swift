import CentramModel
import Foundation
import Testing

/// Asks transformers, PEFT, gguf and llama.cpp. Needs a Python that has them in CENTRAM_TEST_PYTHON.
@Suite(.serialized) struct ExportsLoadTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]
  static let script = FormatFixtures.golden + "/GGUF/check_exports.py"

  @Test(
    .enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with transformers, peft, gguf and llama-cpp-python"),
    arguments: ["llama-gqa", "llama-tied-3heads", "qwen2-tied", "qwen2-untied"])
  func othersLoadExportsAndGetTheSameLogits(name: String) throws {
    let folder = try TemporaryFolder(), base = "\(FormatFixtures.golden)/\(name)"
    let model = try ModelFiles(path: base), adapter = try Adapter(folder: "\(base)/adapter")
    let merged = try ModelExport(model: model, adapters: [.init(adapter)])
    _ = try merged.writeSafetensors(to: folder("merged"))
    _ = try ModelExport(model: model).writeGGUF(to: folder("base.gguf"), format: .f32)
    _ = try merged.writeGGUF(to: folder("merged.gguf"), format: .f32)
    _ = try GGUFAdapterExport.write(adapter, model: model.configuration, to: folder("lora.gguf"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = [Self.script, base, "\(base)/adapter", folder("merged"), folder("base.gguf"), folder("merged.gguf"), folder("lora.gguf")]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(String(decoding: text.suffix(2000), as: UTF8.self))")
  }
}
