import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

@Suite struct MergeConfigurationTests {
  @Test func readsEveryKeyOfAModelsConfiguration() throws {
    let yaml = """
      merge_method: ties
      base_model: base
      models:
      - model: a
        parameters: {weight: 0.5, density: [1, 0.3]}
      - model: b
      dtype: float32
      out_dtype: torch.bfloat16
      chat_template: chatml
      parameters:
        normalize: false
        weight: [{filter: mlp, value: 0.2}, {value: [0, 1]}]
      """
    let read = try parsed(yaml)
    #expect(read.method == "ties")
    #expect(read.baseModel == ModelReference(path: "base"))
    #expect(read.workFormat == .float32)
    #expect(read.outputFormat == .bfloat16)
    #expect(read.chatTemplate == .preset(.chatml))
    #expect(read.output == .model)
    guard case .models(let models) = read.inputs else { throw MergeError(.input, "no models") }
    #expect(models.map(\.model.description) == ["a", "b"])
    #expect(models[0].parameters["weight"] == .value(.number(0.5)))
    #expect(models[0].parameters["density"] == .gradient([.number(1), .number(0.3)]))
    #expect(read.parameters["normalize"] == .value(.boolean(false)))
    #expect(
      read.parameters["weight"]
        == .filtered([
          .init(pattern: "mlp", values: [.number(0.2)], isGradient: false), .init(pattern: nil, values: [.number(0), .number(1)], isGradient: true),
        ]))
  }

  @Test func readsSlices() throws {
    let yaml = """
      merge_method: slerp
      slices:
      - sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [1, 3], parameters: {weight: 1}}]
        base_model: a
        parameters: {t: 0.5}
      - sources: [{model: a}]
      """
    guard case .slices(let slices) = try parsed(yaml).inputs else { throw MergeError(.input, "no slices") }
    #expect(slices.count == 2)
    #expect(slices[0].sources.map(\.layers) == [0..<2, 1..<3])
    #expect(slices[0].baseModel == ModelReference(path: "a"))
    #expect(slices[0].parameters["t"] == .value(.number(0.5)))
    #expect(slices[1].sources[0].layers == nil)
  }

  @Test func readsTheModuleDefault() throws {
    let read = try parsed("merge_method: linear\nmodules:\n  default:\n    models: [{model: a}]\n    parameters: {weight: 1}")
    #expect(read.moduleParameters["weight"] == .value(.number(1)))
    #expect(read.models == [ModelReference(path: "a")])
  }

  @Test func refusesOtherModulesByName() {
    expectParseError("merge_method: linear\nmodules: {vision: {models: [{model: a}]}}", "vision is no module", "2:19: modules.vision")
    expectParseError("merge_method: linear\nmodules: {default: {models: [{model: a}]}, audio: {models: [{model: a}]}}", "audio is no module")
    expectParseError("merge_method: linear\nmodules: {}", "modules")
    expectParseError("merge_method: linear\nmodules: {default: {}}", "models or slices is missing")
  }

  @Test func readsAdapterOutputs() throws {
    #expect(try parsed(linearConfiguration("out: model")).output == .model)
    #expect(try parsed(linearConfiguration("out: {kind: model}")).output == .model)
    #expect(try parsed(linearConfiguration("out: adapter")).output == .adapter(rank: nil))
    #expect(try parsed(linearConfiguration("out: {kind: adapter, rank: 1}")).output == .adapter(rank: 1))
    #expect(try parsed(linearConfiguration("out: {kind: adapter, rank: 65536}")).output == .adapter(rank: 65_536))
    expectParseError(linearConfiguration("out: {kind: adapter, rank: 0}"), "7:28: out.rank", "0 is outside 1 to 65536")
    expectParseError(linearConfiguration("out: {kind: adapter, rank: 65537}"), "65537 is outside")
    expectParseError(linearConfiguration("out: {kind: model, rank: 4}"), "a model has no rank")
    expectParseError(linearConfiguration("out: adapted"), "did you mean adapter?")
    expectParseError(linearConfiguration("out: {rank: 4}"), "kind is missing")
  }

  @Test func refusesWhatAnAdapterCannotHave() {
    expectParseError(linearConfiguration("out: adapter\ntokenizer_source: union"), "out: adapter cannot have tokenizer_source")
    expectParseError(linearConfiguration("out: adapter\nchat_template: chatml"), "out: adapter cannot have chat_template")
    expectParseError("merge_method: x\nout: adapter\nslices: [{sources: [{model: a}]}]", "out: adapter cannot have slices")
  }

  // MARK: Keys

  @Test(arguments: [
    ("merge_metod: linear", "1:1", "did you mean merge_method?"),
    (linearConfiguration("basemodel: x"), "7:1", "did you mean base_model?"),
    (linearConfiguration("dtpye: float32"), "7:1", "did you mean dtype?"),
    (linearConfiguration("weights: 3"), "7:1", "known here: base_model, chat_template"),
    ("merge_method: x\nmodels: [{modle: a}]", "2:11: models[0]", "did you mean model?"),
    ("merge_method: x\nmodels: [{model: a, weight: 1}]", "2:21: models[0]", "weight is no key here; known here: model, parameters"),
    ("merge_method: x\nmodels: [{model: a, layer_range: [0, 1]}]", "2:21: models[0]", "layer_range is no key here"),
    ("merge_method: x\nslices: [{source: []}]", "2:11: slices[0]", "did you mean sources?"),
    ("merge_method: x\nslices: [{sources: [{model: a, layer_rage: [0, 1]}]}]", "2:32: slices[0].sources[0]", "did you mean layer_range?"),
    (linearConfiguration("tokenizer: {suorce: union}"), "7:13: tokenizer", "did you mean source?"),
    (linearConfiguration("parameters: {weight: [{fliter: a, value: 1}]}"), "7:24: parameters.weight[0]", "did you mean filter?"),
    (linearConfiguration("'': 1"), "7:1", "an empty key is no key here"),
  ])
  func unknownKeysAreErrorsWithPlaceAndNearestKey(_ yaml: String, _ place: String, _ hint: String) {
    expectParseError(yaml, "merge.yml:\(place): ", hint)
  }

  @Test(arguments: [
    ("merge_method: x", "one of models, slices or modules is missing"),
    ("merge_method: x\nmodels: [{model: a}]\nslices: [{sources: [{model: a}]}]", "there is models already"),
    ("merge_method: x\nmodels: [{parameters: {}}]", "model is missing"),
    ("merge_method: x\nslices: [{parameters: {}}]", "sources is missing"),
    (linearConfiguration("parameters: {weight: [{filter: a}]}"), "value is missing"),
    (linearConfiguration("tokenizer_source: union\ntokenizer: {source: union}"), "there is tokenizer already"),
    ("", "there is nothing in it"), ("---\n# only a comment\n---\n", "there is nothing in it"), ("[]", "a mapping"), ("5", "a mapping"), ("- a: 1", "a mapping"),
  ])
  func missingAndConflictingKeysAreErrors(_ yaml: String, _ message: String) { expectParseError(yaml, message) }

  @Test(arguments: ["models: [{model: a}]", "merge_method:\nmodels: [{model: a}]"])
  func withoutAMethodItIsTaskArithmeticAndSaysSo(_ yaml: String) throws {
    let document = try #require(try MergeDocument.parse(yaml: yaml, name: "c.yml").first)
    #expect(document.configuration.method == "task_arithmetic")
    #expect(document.warnings.contains { $0.contains("merge_method is not set") })
  }

  @Test func keysWithNothingBehindThemCountAsLeftOut() throws {
    let read = try parsed(linearConfiguration("base_model:\ndtype: null\nparameters: ~\ntokenizer:\nslices:"))
    #expect(read.baseModel == nil && read.workFormat == nil && read.parameters.entries.isEmpty)
  }

  // MARK: Values

  @Test(arguments: [
    ("merge_method: 5\nmodels: [{model: a}]", "1:15: merge_method", "put it in quotes"),
    ("merge_method: [x]\nmodels: [{model: a}]", "1:15: merge_method", "not a list"),
    ("merge_method: x\nmodels: []", "2:9: models", "the list of models is empty"),
    ("merge_method: x\nmodels: {model: a}", "2:9: models", "a list of models is needed here, not a mapping"),
    ("merge_method: x\nmodels: [a]", "2:10: models[0]", "not the text \"a\""),
    ("merge_method: x\nslices: [{sources: []}]", "2:20: slices[0].sources", "the list of sources is empty"),
    (linearConfiguration("dtype: float33"), "7:8: dtype", "did you mean float32?"),
    (linearConfiguration("dtype: int32"), "7:8: dtype", "no number format"),
    (linearConfiguration("dtype: 32"), "7:8: dtype", "a number format is needed"),
    (linearConfiguration("out_dtype: torch.floaty"), "7:12: out_dtype", "torch.floaty"),
    (linearConfiguration("parameters: [1]"), "7:13: parameters", "a mapping of parameters"),
    (linearConfiguration("parameters: {weight: }"), "parameters.weight", "not nothing"),
    (linearConfiguration("parameters: {weight: .nan}"), "parameters.weight", "nan"),
    (linearConfiguration("parameters: {weight: .inf}"), "parameters.weight", "inf"),
    (linearConfiguration("parameters: {weight: [1, .inf]}"), "7:26: parameters.weight[1]", "inf"),
    (linearConfiguration("parameters: {weight: [1, true]}"), "7:26: parameters.weight[1]", "another type"),
    (linearConfiguration("parameters: {weight: [1, [2]]}"), "7:26: parameters.weight[1]", "not a list"),
    (linearConfiguration("parameters: {weight: [{value: 1}, 2]}"), "parameters.weight[1]", "a filter"),
    (linearConfiguration("parameters: {weight: {value: {value: 1}}}"), "parameters.weight.value", "not a mapping"),
    (linearConfiguration("parameters: {weight: {filter: 5, value: 1}}"), "parameters.weight.filter", "put it in quotes"),
    (linearConfiguration("chat_template: short"), "7:16: chat_template", "20 characters"),
    (linearConfiguration("chat_template: chatnl"), "7:16: chat_template", "did you mean chatml?"),
  ])
  func wrongValuesAreErrorsWithTheirPlace(_ yaml: String, _ place: String, _ message: String) { expectParseError(yaml, place, message) }

  @Test(arguments: ["bfloat16", "float16", "float32", "float64", "int64", "torch.float32"])
  func takesTheFiveFormats(_ name: String) throws {
    #expect(try parsed(linearConfiguration("dtype: \(name)")).workFormat == NumberFormat(torchName: name))
  }

  @Test func chatTemplatesAreNamesOrJinja() throws {
    #expect(try parsed(linearConfiguration("chat_template: auto")).chatTemplate == .auto)
    #expect(try parsed(linearConfiguration("chat_template: '{{ messages[0] }}---'")).chatTemplate == .jinja("{{ messages[0] }}---"))
    let twenty = "{" + String(repeating: "x", count: 19)
    #expect(try parsed(linearConfiguration("chat_template: '\(twenty)'")).chatTemplate == .jinja(twenty))
    expectParseError(linearConfiguration("chat_template: '\(twenty.dropLast())'"), "20 characters")
    expectParseError(linearConfiguration("chat_template: '\(String(repeating: "x", count: 30))'"), "with a {")
  }

  @Test(arguments: [
    ("[0]", "takes two numbers"), ("[0, 1, 2]", "takes two numbers"), ("[2, 2]", "holds no layer"), ("[3, 1]", "holds no layer"), ("[-1, 1]", "-1 is outside"),
    ("[0, 1.5]", "a whole number"), ("[0, 'a']", "a whole number"), ("[]", "is empty"), ("0-2", "a list"), ("[0, 1000001]", "1000001 is outside"),
  ])
  func refusesWrongLayerRanges(_ range: String, _ message: String) {
    expectParseError("merge_method: x\nslices: [{sources: [{model: a, layer_range: \(range)}]}]", message, "slices[0].sources[0].layer_range")
  }

  @Test func refusesSourcesOfUnequalLength() {
    expectParseError(
      "merge_method: x\nslices: [{sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [0, 3]}]}]",
      "slices[0].sources[1]", "holds 3 layers, but that of a holds 2")
  }

  @Test func warnsThatResidualWeightHasNoEffect() throws {
    let documents = try MergeDocument.parse(yaml: "merge_method: x\nslices: [{sources: [{model: a}], residual_weight: 0.5}]", name: "m.yml")
    #expect(documents[0].warnings == ["m.yml:2:51: slices[0].residual_weight: residual_weight has no effect, as in mergekit"])
  }

  @Test func anEmptyGradientIsNotSet() throws {
    #expect(try parsed(linearConfiguration("parameters: {normalize: []}")).parameters["normalize"] == .gradient([]))
  }
}
