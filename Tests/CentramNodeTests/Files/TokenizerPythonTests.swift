import Foundation
import Testing

@testable import CentramNode

enum TokenizerPython {
  static let path = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]
}

/// The real `tokenizers` and `transformers` read what we write.
@Suite(
  .enabled(
    if: TokenizerPython.path != nil, "set CENTRAM_TEST_PYTHON to a Python with tokenizers, transformers and jinja2 (pip install them) to run these"),
  .serialized
)
struct TokenizerPythonTests {
  private func run(_ scratch: ScratchFolder, _ arguments: String...) throws {
    let script = try scratch.folder("script", ["script.py": TokenizerScript.text]) + "/script.py"
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(TokenizerPython.path))
    process.arguments = [script] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["HF_HUB_OFFLINE": "1", "HF_HOME": scratch.path, "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"]) { $1 }
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && text.contains("good"), "\(arguments): \(text)")
  }

  private func plan(_ settings: VocabularySettings, _ models: [MergeOutputFiles.Model], base: Int? = 0) throws -> VocabularyPlan {
    try VocabularyPlan(
      settings,
      models: models.map { model in
        let vocabulary = try Vocabulary(folder: model.folder)
        return VocabularyModel(reference: model.reference, folder: model.folder, vocabulary: vocabulary, rows: vocabulary.idLimit)
      }, base: base)
  }

  private func writeExpected(_ plan: VocabularyPlan, _ scratch: ScratchFolder, _ name: String) throws {
    try DurableFolder(folder: scratch.path).write(
      .object(OrderedJSON.Object(members: plan.entries.map { .init(key: $0.text.text, value: .integer($0.id)) })), as: name)
  }

  @Test(arguments: ["bpe", "wordpiece", "wordpiece-bpe", "unigram"])
  func realLibrariesReadAUnionOfTwoTrainedTokenizers(_ kind: String) throws {
    let scratch = try ScratchFolder()
    try run(scratch, "make", scratch.path, kind)
    let models = ["one", "two"].map { MergeOutputFiles.Model(reference: $0, folder: "\(scratch.path)/\(kind)-\($0)") }
    let plan = try plan(VocabularySettings(source: .union), models)
    #expect(!plan.keepsFiles)
    var files = MergeOutputFiles.plain(models)
    files.vocabulary = plan
    try files.write(into: scratch.folder("\(kind)-out"))
    try writeExpected(plan, scratch, "\(kind)-expected.json")
    try run(scratch, "check", scratch.path, kind)
  }

  @Test(arguments: [VocabularySettings.Source.base, .union, .model("alt")])
  func realLibrariesReadTheGoldensTokenizersWithNewTokens(_ source: VocabularySettings.Source) throws {
    let scratch = try ScratchFolder()
    let models = try [("base", "llama-base-f32"), ("alt", "llama-alttok-f32")].map {
      MergeOutputFiles.Model(reference: $0, folder: try MergeGolden.model($1))
    }
    let plan = try plan(
      VocabularySettings(source: source, tokens: [.init("<|new|>", source: .zero), .init("word", source: .token("a", of: "base"))], padToMultipleOf: 16),
      models)
    var files = MergeOutputFiles.plain(models)
    files.vocabulary = plan
    let out = try scratch.folder("out")
    try files.write(into: out)
    try writeExpected(plan, scratch, "expected.json")
    try run(scratch, "vocabulary", out, scratch.path + "/expected.json")
  }

  @Test func realLibrariesReadABaseWithoutTheTokensThatHaveNoRow() throws {
    let scratch = try ScratchFolder()
    try run(scratch, "make", scratch.path, "wordpiece-bpe")
    let model = MergeOutputFiles.Model(reference: "one", folder: scratch.path + "/wordpiece-bpe-one")
    let vocabulary = try Vocabulary(folder: model.folder)
    let plan = try VocabularyPlan(
      VocabularySettings(),
      models: [VocabularyModel(reference: "one", folder: model.folder, vocabulary: vocabulary, rows: vocabulary.idLimit - 20)], base: 0)
    var files = MergeOutputFiles.plain([model])
    files.vocabulary = plan
    let out = try scratch.folder("out")
    try files.write(into: out)
    // Its name for the end has no row, so the loader would add it again.
    var configuration = try #require(try FolderFiles(folder: out).jsonObject("tokenizer_config.json"))
    configuration["eos_token"] = nil
    try DurableFolder(folder: out).write(.object(configuration), as: "tokenizer_config.json")
    try writeExpected(plan, scratch, "expected.json")
    try run(scratch, "vocabulary", out, scratch.path + "/expected.json")
  }

  @Test func presetsRenderToTheFormatsOfTheirModels() throws {
    let scratch = try ScratchFolder()
    for preset in ChatTemplateSetting.Preset.allCases {
      try DurableFolder(folder: scratch.path).write(preset.source, as: "\(preset.rawValue).jinja")
    }
    try run(scratch, "templates", scratch.path)
  }

  @Test func transformersAppliesTheTemplateThatWasSet() throws {
    let scratch = try ScratchFolder()
    var files = MergeOutputFiles.plain([.init(reference: "base", folder: try MergeGolden.model("llama-base-f32"))])
    files.chatTemplate = .preset(.chatml)
    let out = try scratch.folder("out")
    try files.write(into: out)
    try run(scratch, "chat", out)
  }

  /// mergekit 0.1.5 fails here: it leaves `layer_types` as long as the donor's.
  @Test func transformersReadsTheConfigurationOfAFrankenmerge() throws {
    let scratch = try ScratchFolder()
    var files = MergeOutputFiles.plain([.init(reference: "qwen", folder: try MergeGolden.model("qwen-a-f32"))], base: nil, format: .bfloat16)
    files.layers = [0, 1, 0, 1, 2, 3].map { LayerOrigin(model: 0, layer: $0) }
    let out = try scratch.folder("out")
    try files.write(into: out)
    try run(scratch, "config", out)
  }
}
