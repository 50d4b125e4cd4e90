import Testing

@testable import CentramNode

@Suite struct ChatTemplateSettingTests {
  @Test func readsTheSetting() {
    #expect(ChatTemplateSetting("auto") == .auto)
    for preset in ChatTemplateSetting.Preset.allCases { #expect(ChatTemplateSetting(preset.rawValue) == .preset(preset)) }
    let jinja = "{% for m in messages %}{{ m }}{% endfor %}"
    #expect(ChatTemplateSetting(jinja) == .jinja(jinja))
  }

  @Test(arguments: ["", "chatlm", "{{ messages }}", "a template of many characters without braces"])
  func refusesWhatIsNeitherANameNorATemplate(_ text: String) {
    #expect(ChatTemplateSetting(text) == nil)
  }

  private func chosen(_ scratch: ScratchFolder, _ models: [[String: String]]) throws -> String? {
    let folders = try models.enumerated().map { FolderFiles(folder: try scratch.folder("m\($0)", $1)) }
    return try ChatTemplateSetting.auto.template(of: folders)
  }

  @Test func choosesTheMostCommonTemplate() throws {
    let scratch = try ScratchFolder()
    let inConfiguration = ["tokenizer_config.json": #"{"chat_template": "B"}"#]
    let named = ["tokenizer_config.json": #"{"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "B"}]}"#]
    #expect(try chosen(scratch, [["chat_template.jinja": "A"], inConfiguration, [:], named]) == "B")
  }

  @Test func choosesTheBasesTemplateAmongEquallyFrequentOnes() throws {
    let scratch = try ScratchFolder()
    #expect(try chosen(scratch, [["chat_template.jinja": "B"], ["chat_template.jinja": "A"]]) == "B")
  }

  @Test func prefersTheFileToTheConfiguration() throws {
    let scratch = try ScratchFolder()
    let model = ["chat_template.jinja": "new", "tokenizer_config.json": #"{"chat_template": "old"}"#]
    #expect(try chosen(scratch, [model]) == "new")
  }

  @Test func choosesNothingWhereNoModelHasATemplate() throws {
    let scratch = try ScratchFolder()
    #expect(try chosen(scratch, [["tokenizer_config.json": "{}"], [:]]) == nil)
  }
}
