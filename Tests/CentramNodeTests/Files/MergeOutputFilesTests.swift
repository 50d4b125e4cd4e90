import CentramModel
import Foundation
import Testing

@testable import CentramNode

@Suite struct MergeOutputFilesTests {
  private let configuration = #"{"model_type": "llama", "num_hidden_layers": 1, "eos_token_id": 2, "dtype": "float32"}"#

  private func model(_ scratch: ScratchFolder, _ name: String, _ files: [String: String] = [:]) throws -> MergeOutputFiles.Model {
    MergeOutputFiles.Model(reference: name, folder: try scratch.folder(name, ["config.json": configuration].merging(files) { $1 }))
  }

  private func names(_ folder: String) throws -> [String] { try DurableFolder(folder: folder).list().map(\.name) }

  @Test func copiesTheBasesFilesAsTheyAre() throws {
    let scratch = try ScratchFolder()
    let copied = [
      "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "merges.txt",
      "added_tokens.json", "generation_config.json", "chat_template.jinja", "preprocessor_config.json", "processor_config.json",
    ]
    let base = try model(scratch, "base", Dictionary(uniqueKeysWithValues: copied.map { ($0, "{ \"of\" : \"\($0)\" }") } + [("notes.txt", "mine")]))
    let out = try scratch.folder("out", ["model.safetensors": "weights"])
    try MergeOutputFiles.plain([try model(scratch, "first", ["tokenizer.json": "other"]), base], base: 1).write(into: out)
    for name in copied { #expect(try scratch.text("out/\(name)") == "{ \"of\" : \"\(name)\" }") }
    #expect(try names(out) == (copied + ["README.md", "config.json", "lineage.json", "mergekit_config.yml", "model.safetensors"]).sorted())
  }

  @Test func takesTheFirstModelWithoutABase() throws {
    let scratch = try ScratchFolder()
    let models = [try model(scratch, "first", ["tokenizer.json": "first's"]), try model(scratch, "second", ["tokenizer.json": "second's"])]
    try MergeOutputFiles.plain(models, base: nil).write(into: scratch.folder("out"))
    #expect(try scratch.text("out/tokenizer.json") == "first's")
  }

  @Test func listsTheOutputsFilesInTheLineage() throws {
    let scratch = try ScratchFolder()
    let out = try scratch.folder("out", ["model.safetensors": "weights"])
    try MergeOutputFiles.plain([try model(scratch, "base")]).write(into: out)
    let outputs = try FolderFiles(folder: out).json("lineage.json")?["outputs"]?.array ?? []
    #expect(outputs.compactMap { $0["name"]?.string } == ["README.md", "config.json", "mergekit_config.yml", "model.safetensors"])
    #expect(outputs.last?["bytes"] == .integer(7))
  }

  @Test func writesTheConfigurationAsItWasGiven() throws {
    let scratch = try ScratchFolder()
    var files = MergeOutputFiles.plain([try model(scratch, "base")])
    files.configuration = "# mine\nmerge_method:   linear"
    try files.write(into: scratch.folder("out"))
    #expect(try scratch.text("out/mergekit_config.yml") == files.configuration)
  }

  @Test func leavesOutWhatItIsToldTo() throws {
    let scratch = try ScratchFolder()
    var files = MergeOutputFiles.plain([try model(scratch, "base", ["tokenizer.json": "{}", "generation_config.json": "{}"])])
    (files.writesTokenizer, files.writesModelCard) = (false, false)
    let out = try scratch.folder("out")
    try files.write(into: out)
    #expect(try names(out) == ["config.json", "generation_config.json", "lineage.json", "mergekit_config.yml"])
  }

  @Test func writesTheChatTemplateIntoBothFiles() throws {
    let scratch = try ScratchFolder()
    var files = MergeOutputFiles.plain([try model(scratch, "base", ["tokenizer_config.json": #"{"a": 1e5, "chat_template": [], "b": 2}"#])])
    files.chatTemplate = .jinja("{{ messages[0]['content'] }}")
    try files.write(into: scratch.folder("out"))
    #expect(try scratch.text("out/chat_template.jinja") == "{{ messages[0]['content'] }}")
    #expect(
      try scratch.text("out/tokenizer_config.json")
        == "{\n  \"a\": 1e5,\n  \"chat_template\": \"{{ messages[0]['content'] }}\",\n  \"b\": 2\n}\n")
  }

  @Test func takesTheTokenizerAndItsIdsFromTheModelThatTheSettingsName() throws {
    let scratch = try ScratchFolder()
    let tokenizer = #"{"model": {"type": "WordLevel", "vocab": {"a": 0, "<end>": 1}}}"#
    let owner = try model(
      scratch, "owner", ["tokenizer.json": tokenizer, "config.json": #"{"eos_token_id": 1}"#, "generation_config.json": #"{"eos_token_id": 1}"#])
    let base = try model(
      scratch, "base",
      ["tokenizer.json": #"{"model": {"type": "WordLevel", "vocab": {"b": 0}}}"#, "generation_config.json": "{}", "preprocessor_config.json": "base's"])
    var files = MergeOutputFiles.plain([base, owner])
    files.vocabulary = try VocabularyPlan(
      VocabularySettings(source: .model("owner"), padToMultipleOf: 8),
      models: [base, owner].map { try VocabularyModel(reference: $0.reference, folder: $0.folder, rows: 2) }, base: 0)
    try files.write(into: scratch.folder("out"))
    #expect(try scratch.text("out/tokenizer.json") == tokenizer)
    #expect(try scratch.text("out/generation_config.json") == #"{"eos_token_id": 1}"#)
    #expect(try scratch.text("out/preprocessor_config.json") == "base's")
    let config = try FolderFiles(folder: scratch.path + "/out").jsonObject("config.json")
    #expect(config?["eos_token_id"] == .integer(1) && config?["vocab_size"] == .integer(8) && config?["model_type"] == .string("llama"))
  }

  @Test func leavesOutVocabularyFilesThatWouldBeStale() throws {
    let scratch = try ScratchFolder()
    let base = try model(
      scratch, "base",
      [
        "tokenizer.json": #"{"model": {"type": "WordLevel", "vocab": {"b": 0}}}"#, "tokenizer.model": "old", "vocab.json": "old", "merges.txt": "old",
        "added_tokens.json": "{}", "special_tokens_map.json": "{}",
      ])
    var files = MergeOutputFiles.plain([base])
    files.vocabulary = try VocabularyPlan(
      VocabularySettings(tokens: [.init("<new>", source: .zero)]), models: [VocabularyModel(reference: "base", folder: base.folder, rows: 1)], base: 0)
    let out = try scratch.folder("out")
    try files.write(into: out)
    #expect(
      try names(out) == [
        "README.md", "added_tokens.json", "config.json", "lineage.json", "mergekit_config.yml", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json",
      ])
    #expect(try scratch.text("out/added_tokens.json") == "{\n  \"<new>\": 1\n}\n")
  }

  @Test func saysWhichModelHasNoConfiguration() throws {
    let scratch = try ScratchFolder()
    let files = MergeOutputFiles.plain([.init(reference: "org/empty", folder: try scratch.folder("empty"))])
    #expect(throws: MergeError(.input, "org/empty has no config.json, which the output's is made from")) {
      try files.write(into: scratch.folder("out"))
    }
  }

  @Test func reportsAFolderThatCannotBeWritten() throws {
    let scratch = try ScratchFolder()
    let error = #expect(throws: MergeError.self) { try MergeOutputFiles.plain([model(scratch, "base")]).write(into: scratch.path + "/missing") }
    #expect(error?.code == .output)
  }
}
