import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

@Suite struct WholeModelPlanTests {
  private let two = ["a": SampleCatalog.llama(layers: 2), "b": SampleCatalog.llama(layers: 2)]
  private func linear(_ more: String = "", weight: String = "1") -> String {
    "merge_method: linear\nmodels: [{model: a}, {model: b}]\nparameters: {weight: \(weight)}\n\(more)"
  }

  @Test func tensorsComeInNaturalOrder() throws {
    let models = ["a": SampleCatalog.llama(layers: 11), "b": SampleCatalog.llama(layers: 11)]
    let plan = try SampleCatalog.plan(linear(), models)
    let layers = (0..<11).flatMap { ["model.layers.\($0).input_layernorm.weight", "model.layers.\($0).mlp.up_proj.weight"] }
    #expect(plan.tensors.map(\.name) == ["model.embed_tokens.weight"] + layers + ["lm_head.weight", "model.norm.weight"])
    #expect(plan.layerCount == 11)
    #expect(try SampleCatalog.plan(linear(), models) == plan)
  }

  @Test func gradientsRunOverTheLayersAndStartOutsideThem() throws {
    let models = ["a": SampleCatalog.llama(layers: 3), "b": SampleCatalog.llama(layers: 3)]
    let plan = try SampleCatalog.plan(linear(weight: "[0.25, 0.75]"), models)
    #expect(try (0..<3).map { try plan.weight("model.layers.\($0).input_layernorm.weight") } == [.number(0.25), .number(0.5), .number(0.75)])
    #expect(try plan.weight("model.embed_tokens.weight") == .number(0.25))
    #expect(try plan.weight("model.norm.weight") == .number(0.25))
    #expect(try plan.weight("lm_head.weight") == .number(0.25))
  }

  @Test func theOnlyLayerIsAtTheEndOfAGradient() throws {
    let models = ["a": SampleCatalog.llama(layers: 1), "b": SampleCatalog.llama(layers: 1)]
    #expect(try SampleCatalog.plan(linear(weight: "[0.25, 0.75]"), models).weight("model.layers.0.input_layernorm.weight") == .number(0.75))
  }

  @Test func theSameModelMayTakePartTwice() throws {
    let plan = try SampleCatalog.plan("merge_method: linear\nmodels: [{model: a, parameters: {weight: 1}}, {model: a, parameters: {weight: 2}}]", two)
    let merge = try plan.merge("model.norm.weight")
    #expect(plan.models.count == 1)
    #expect(merge.inputs == [.init(model: 0, tensor: "model.norm.weight"), .init(model: 0, tensor: "model.norm.weight")])
    #expect(merge.parameters.perInput.map { $0["weight"] } == [.number(1), .number(2)])
  }

  @Test func severalStacksOfLayersEachHaveTheirOwnGradient() throws {
    var entries: [String: TensorCatalog.Entry] = ["shared.weight": .init(.float32, [8, 4])]
    for i in 0..<2 { entries["encoder.block.\(i).layer.0.q.weight"] = .init(.float32, [4, 4]) }
    for i in 0..<3 { entries["decoder.block.\(i).layer.0.q.weight"] = .init(.float32, [4, 4]) }
    let catalog = TensorCatalog(entries)
    let plan = try SampleCatalog.plan(linear(weight: "[0, 1]"), ["a": catalog, "b": catalog])
    #expect(try plan.weight("encoder.block.1.layer.0.q.weight") == .number(1))
    #expect(try plan.weight("decoder.block.1.layer.0.q.weight") == .number(0.5))
    #expect(plan.layerCount == 3)
    #expect(plan["shared.weight"]?.isVocabulary == true)
  }

  @Test func unequalNumbersOfLayersAreAnError() {
    expectPlanError(
      .mismatch, linear(), ["a": SampleCatalog.llama(layers: 2), "b": SampleCatalog.llama(layers: 3)], "a has 2 layers", "b has 3", "slices and layer_range")
  }

  @Test func modelsWithoutCatalogOrTensorsAreErrors() {
    expectPlanError(.input, linear(), ["a": SampleCatalog.llama(layers: 2)], "b: its tensors are not known")
    expectPlanError(.input, linear(), ["a": SampleCatalog.llama(layers: 2), "b": .init()], "b: it has no tensors")
  }

  @Test func anUnknownParameterIsAnErrorOfThePlan() {
    expectPlanError(.configuration, linear("dtype: float32").replacing("weight", with: "wieght"), two, "merge.yml:3:22", "did you mean weight?")
  }

  // MARK: Base

  @Test func aBaseThatIsNotListedIsAppendedWithoutParameters() throws {
    let three = two.merging(["base": SampleCatalog.llama(layers: 2)]) { $1 }
    let plan = try SampleCatalog.plan(
      "merge_method: ties\nbase_model: base\nmodels: [{model: a, parameters: {weight: 1}}, {model: b, parameters: {weight: 2}}]", three)
    let merge = try plan.merge("model.norm.weight")
    #expect(plan.models.map(\.description) == ["a", "b", "base"])
    #expect(merge.modelNames == ["a", "b", "base"])
    #expect(merge.baseIndex == 2)
    #expect(merge.parameters.perInput[2]["weight"] == nil)
    #expect(merge.parameters.perInput[2]["density"] == .number(1))
  }

  @Test func aListedBaseStaysWhereItIs() throws {
    let plan = try SampleCatalog.plan("merge_method: slerp\nbase_model: b\nmodels: [{model: a}, {model: b}]\nparameters: {t: 0.3}", two)
    #expect(try plan.merge("model.norm.weight").baseIndex == 1)
    #expect(try plan.merge("model.norm.weight").modelNames == ["a", "b"])
  }

  @Test func aMissingBaseIsAnError() {
    expectPlanError(.configuration, "merge_method: slerp\nmodels: [{model: a}, {model: b}]\nparameters: {t: 0.3}", two, "add base_model")
  }

  @Test func whereTheBaseIsJustAnotherInputItNeedsItsParameters() throws {
    let three = two.merging(["base": SampleCatalog.llama(layers: 2)]) { $1 }
    let yaml = "merge_method: linear\nbase_model: base\nmodels: [{model: a, parameters: {weight: 1}}, {model: b, parameters: {weight: 1}}]"
    expectPlanError(.configuration, yaml, three, "weight is missing for the base model base", "list it under models", "leave base_model out", "for all models")
    let plan = try SampleCatalog.plan(yaml + "\nparameters: {weight: 3}", three)
    #expect(try plan.merge("model.norm.weight").parameters.perInput.map { $0["weight"] } == [.number(1), .number(1), .number(3)])
  }

  @Test func anOptionalBaseIsUsedWhenGiven() throws {
    let three = two.merging(["base": SampleCatalog.llama(layers: 2)]) { $1 }
    #expect(try SampleCatalog.plan(linear("base_model: base").replacing("linear", with: "nuslerp"), three).merge("model.norm.weight").baseIndex == 2)
    #expect(try SampleCatalog.plan(linear().replacing("linear", with: "nuslerp"), two).merge("model.norm.weight").baseIndex == nil)
  }

  // MARK: Numbers of inputs

  @Test func tooFewOrTooManyInputsAreErrorsWithTheirNames() {
    let four = two.merging(["c": SampleCatalog.llama(layers: 2), "d": SampleCatalog.llama(layers: 2)]) { $1 }
    expectPlanError(
      .configuration, "merge_method: slerp\nbase_model: a\nmodels: [{model: a}, {model: b}, {model: c}]\nparameters: {t: 0.3}", four,
      "slerp takes exactly 1 model besides the base model, but there are 2: b, c")
    expectPlanError(
      .configuration, "merge_method: slerp\nbase_model: a\nmodels: [{model: a}]\nparameters: {t: 0.3}", four, "slerp takes exactly 1 model", "there is none")
    expectPlanError(
      .configuration, "merge_method: model_stock\nbase_model: a\nmodels: [{model: b}]", four, "model_stock takes 2 to 64 models besides the base model, but there are 1: b")
    expectPlanError(
      .configuration, "merge_method: nuslerp\nmodels: [{model: a}, {model: b}, {model: c}]\nparameters: {weight: 1}", four, "takes exactly 2 models, but there are 3: a, b, c")
    expectPlanError(
      .configuration, "merge_method: m\nbase_model: b\nmodels: [{model: a}]", four, info: .init(needs: .baseAsInput, inputs: 1...1),
      "exactly 1 model (base_model counts as one of them), but there are 2: a, b")
  }

  @Test func theLimitsThemselvesArePlanned() throws {
    let info = MergeOperatorInfo(inputs: 2...3)
    func yaml(_ count: Int) -> String { "merge_method: m\nmodels: [\(Array(repeating: "{model: a}", count: count).joined(separator: ", "))]" }
    for count in 2...3 { #expect(try SampleCatalog.plan(yaml(count), two, info: info).merge("model.norm.weight").inputs.count == count) }
    for count in [1, 4] { expectPlanError(.configuration, yaml(count), two, info: info, "2 to 3 models") }
  }

  // MARK: Documents and adapters

  @Test func documentsAndAdaptersAreModelsOfTheirOwn() throws {
    let documents = try MergeDocument.parse(
      yaml: "name: one\nmerge_method: linear\nmodels: [{model: a}]\nparameters: {weight: 1}\n---\n\(linear().replacing("model: b", with: "model: a+one"))", name: "m.yml")
    let reference = ModelReference(model: .path("a"), adapter: .document("one"))
    let plan = try MergePlanner.plan(documents[1], info: SampleOperators.all["linear"]!, catalogs: [.init(path: "a"): two["a"]!, reference: two["a"]!])
    #expect(plan.models == [.init(path: "a"), reference])
    #expect(try plan.merge("model.norm.weight").modelNames == ["a", "a+one"])
  }

  // MARK: Numbers

  @Test func theSummaryCountsTensorsElementsAndBytes() throws {
    let plan = try SampleCatalog.plan(linear("out_dtype: bfloat16"), two)
    let elements = 2 * 8 * 4 + 4 + 2 * (8 * 4 + 4)
    #expect(plan.summary == .init(merged: 7, copied: 0, elements: elements, bytesIn: 2 * 4 * elements, bytesOut: 2 * elements))
  }
}
