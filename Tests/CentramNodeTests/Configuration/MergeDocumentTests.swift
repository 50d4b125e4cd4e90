import CentramNode
import Testing

@Suite struct MergeDocumentTests {
  private func parse(_ yaml: String) throws -> [MergeDocument] { try MergeDocument.parse(yaml: yaml, name: "merge.yml") }

  @Test func laterDocumentsUseEarlierOnesByName() throws {
    let documents = try parse("name: one\nmerge_method: x\nmodels: [{model: a}]\n---\nmerge_method: x\nmodels: [{model: one}, {model: b+one}, {model: c}]\n")
    #expect(documents.map(\.name) == ["one", nil])
    #expect(
      documents[1].configuration.models == [
        .init(model: .document("one")), .init(model: .path("b"), adapter: .document("one")), .init(path: "c"),
      ])
    #expect(documents[1].dependencies == ["one"])
  }

  @Test func documentsComeAfterWhatTheyNeed() throws {
    let documents = try parse(
      "merge_method: x\nmodels: [{model: two}]\n---\nname: two\nmerge_method: x\nmodels: [{model: one}]\n---\nname: one\nmerge_method: x\nmodels: [{model: a}]\n---\nname: other\nmerge_method: x\nmodels: [{model: a}]\n"
    )
    #expect(documents.map(\.name) == ["one", "two", "other", nil])
  }

  @Test func aBaseOrATokenizerMayBeADocument() throws {
    let documents = try parse(
      "merge_method: x\nbase_model: b\ntokenizer: {source: t}\nmodels: [{model: a}]\n---\nname: b\nmerge_method: x\nmodels: [{model: a}]\n---\nname: t\nmerge_method: x\nmodels: [{model: a}]\n"
    )
    #expect(documents[2].dependencies == ["b", "t"])
  }

  @Test func documentsThatNeedEachOtherAreErrors() {
    expectParseError(
      "name: a\nmerge_method: x\nmodels: [{model: b}]\n---\nname: b\nmerge_method: x\nmodels: [{model: a}]\n", "a needs b", "b needs a")
    expectParseError("name: a\nmerge_method: x\nmodels: [{model: a}]\n", "a needs a")
  }

  @Test func namesAreUniqueAndOneMayBeLeftOut() {
    let item = "merge_method: x\nmodels: [{model: a}]\n"
    expectParseError("name: a\n\(item)---\nname: a\n\(item)", "merge.yml:5:7", "a document named a is there already")
    expectParseError("\(item)---\n\(item)", "merge.yml:4:1", "a second document without a name")
    expectParseError("name: a+b\n\(item)", "no +")
    expectParseError("name: 5\n\(item)", "put it in quotes")
    expectParseError("name: a\n\(item)---\n5\n", "a mapping")
  }

  @Test func warnsOfAPathThatLooksLikeADocument() throws {
    let documents = try parse("name: first\nmerge_method: x\nmodels: [{model: a}]\n---\nmerge_method: x\nmodels: [{model: frist}]\n")
    #expect(documents[1].warnings == ["merge.yml: frist is read as a folder; the document is called first"])
  }

  @Test func keepsTheTextOfEachDocument() throws {
    let first = "# why\nname: one\nmerge_method: x\nmodels: [{model: a}] # here\n"
    let second = "# then\nmerge_method: x\nmodels: [{model: one}]\n"
    #expect(try parse(second)[0].text == second)
    #expect(try parse(first + "---\n" + second).map(\.text) == [first, second])
    #expect(try parse("---\n" + first + "...\n---\n" + second + "---\n").map(\.text) == [first, second])
    #expect(try parse(first + "--- {merge_method: x, models: [{model: one}]}\n").map(\.text) == [first, "--- {merge_method: x, models: [{model: one}]}\n"])
  }

  @Test func takesJSON() throws {
    let documents = try parse(#"{"merge_method": "linear", "models": [{"model": "a", "parameters": {"weight": 1}}], "parameters": {"normalize": false}}"#)
    #expect(documents[0].configuration.method == "linear")
  }
}
