import CentramNode
import Testing

@Suite struct ModelReferenceTests {
  private func model(_ yaml: String) throws -> ModelReference {
    let configuration = try parsed("merge_method: linear\nmodels: [{model: \(yaml)}]")
    return configuration.models[0]
  }

  @Test func readsAPath() throws {
    #expect(try model("../x/y-1.5b") == ModelReference(path: "../x/y-1.5b"))
    #expect(try model("org/model").description == "org/model")
  }

  @Test func readsAPathWithAnAdapter() throws {
    #expect(try model("base+lora/x") == ModelReference(path: "base", adapter: "lora/x"))
    #expect(try model("base+lora/x").description == "base+lora/x")
  }

  @Test func readsTheLongForm() throws {
    #expect(try model("{model: {path: base}, lora: {path: l}}") == ModelReference(path: "base", adapter: "l"))
    #expect(try model("{model: base, lora: l}") == ModelReference(path: "base", adapter: "l"))
    #expect(try model("{model: {path: 'a+b@c'}}") == ModelReference(path: "a+b@c"))
  }

  @Test func warnsThatAnArchitectureHasNoEffect() throws {
    let documents = try MergeDocument.parse(
      yaml: "merge_method: linear\nmodels: [{model: {model: {path: a}, override_architecture: X}}]", name: "merge.yml")
    #expect(documents[0].warnings.count == 1)
    #expect(documents[0].warnings[0].contains("merge.yml:2:60: models[0].model.override_architecture"))
  }

  @Test(arguments: ["a@main", "a+l@v1", "a@x+l", "{model: {path: a, revision: main}}", "{model: {path: a}, lora: {path: l, revision: r}}"])
  func refusesRevisionsPlainly(_ yaml: String) {
    expectParseError("merge_method: linear\nmodels: [{model: \(yaml)}]", "revisions cannot be fetched", "local folders", "models[0].model")
  }

  @Test(arguments: [
    "a+", "+l", "a+b+c", "''", "' '", "5", "true", "[a]", "{path: a}", "{model: {}}", "{model: {path: ''}}", "{lora: {path: a}}", "{model: a, lorra: b}",
  ])
  func refusesWhatIsNoModel(_ yaml: String) {
    expectParseError("merge_method: linear\nmodels: [{model: \(yaml)}]", "models[0]")
  }

  @Test func listsEachModelOnceWithTheBaseLast() throws {
    let configuration = try parsed("merge_method: x\nmodels: [{model: a}, {model: b}, {model: a}]\nbase_model: c\ntokenizer: {source: d}")
    #expect(configuration.models.map(\.description) == ["a", "b", "c"])
    #expect(configuration.allModels.map(\.description) == ["a", "b", "c", "d"])
  }
}
