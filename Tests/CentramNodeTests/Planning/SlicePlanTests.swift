import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

@Suite struct SlicePlanTests {
  private let models = ["a": SampleCatalog.llama(layers: 4), "b": SampleCatalog.llama(layers: 3)]
  private let weightless = MergeOperatorInfo(parameters: [.init("weight", .number, .perInput, "w"), .init("t", .number, .shared, "t")])

  private func slice(_ sources: [(String, Int, Int)], _ more: String = "") -> String {
    "- sources: [\(sources.map { "{model: \($0.0), layer_range: [\($0.1), \($0.2)]}" }.joined(separator: ", "))]\n\(more)"
  }

  private func plan(_ slices: String, method: String = "m", _ more: String = "") throws -> MergePlan {
    try SampleCatalog.plan("merge_method: \(method)\nslices:\n\(slices)\n\(more)", models, info: SampleOperators.all[method] ?? weightless)
  }

  @Test func slicesAreStackedAndLayersRenumbered() throws {
    let plan = try plan(slice([("a", 1, 3)]) + slice([("b", 0, 2)]) + slice([("a", 1, 2)]))
    #expect(plan.layerCount == 5)
    let inputs = try (0..<5).map { try plan.merge("model.layers.\($0).mlp.up_proj.weight").inputs }
    let a = 0, b = 1
    #expect(
      inputs == [
        [.init(model: a, tensor: "model.layers.1.mlp.up_proj.weight")], [.init(model: a, tensor: "model.layers.2.mlp.up_proj.weight")],
        [.init(model: b, tensor: "model.layers.0.mlp.up_proj.weight")], [.init(model: b, tensor: "model.layers.1.mlp.up_proj.weight")],
        [.init(model: a, tensor: "model.layers.1.mlp.up_proj.weight")],
      ])
    #expect(plan["model.layers.5.mlp.up_proj.weight"] == nil)
  }

  @Test func sourcesOfASliceMayLieAtDifferentHeights() throws {
    let merge = try plan(slice([("a", 2, 4), ("b", 0, 2)])).merge("model.layers.1.input_layernorm.weight")
    #expect(merge.inputs.map(\.tensor) == ["model.layers.3.input_layernorm.weight", "model.layers.1.input_layernorm.weight"])
  }

  @Test func withoutALayerRangeASourceGivesAllItsLayers() throws {
    #expect(try plan("- sources: [{model: a}]").layerCount == 4)
    #expect(try plan("- sources: [{model: b}, {model: a, layer_range: [1, 4]}]").layerCount == 3)
    #expect(throws: MergeError.self) { try plan("- sources: [{model: b}, {model: a}]") }
  }

  @Test func embeddingsComeFromTheFirstSliceAndTheRestFromTheLast() throws {
    let plan = try plan(slice([("a", 0, 1)]) + slice([("b", 1, 2)]) + slice([("a", 1, 2), ("b", 2, 3)]))
    #expect(try plan.merge("model.embed_tokens.weight").modelNames == ["a"])
    #expect(try plan.merge("model.norm.weight").modelNames == ["a", "b"])
    #expect(try plan.merge("lm_head.weight").modelNames == ["a", "b"])
    #expect(plan.tensors.first?.name == "model.embed_tokens.weight")
    #expect(plan.tensors.suffix(2).map(\.name) == ["lm_head.weight", "model.norm.weight"])
  }

  @Test func gradientsRestartInEachSlice() throws {
    let plan = try plan(
      slice([("a", 0, 3)], "  parameters: {t: [1, 3]}\n") + slice([("a", 3, 4)], "  parameters: {t: [5, 7]}\n") + slice([("b", 0, 2)]), "parameters: {t: [10, 11]}")
    let values = try (0..<6).map { try plan.merge("model.layers.\($0).input_layernorm.weight").parameters.value("t") }
    #expect(values == [1, 2, 3, 7, 10, 11].map { .number($0) })
    #expect(try plan.merge("model.embed_tokens.weight").parameters.value("t") == .number(1))
    #expect(try plan.merge("model.norm.weight").parameters.value("t") == .number(10))
  }

  @Test func filtersOfInputsSeeTheInputsLayerAndSharedOnesTheOutputs() throws {
    let plan = try plan(
      slice([("a", 2, 4)]), "parameters: {weight: [{filter: 'layers.2.', value: 2}, {value: 0}], t: [{filter: 'layers.0.', value: 5}, {value: 6}]}")
    let merge = try plan.merge("model.layers.0.input_layernorm.weight")
    #expect(merge.parameters.value("weight", input: 0) == .number(2))
    #expect(merge.parameters.value("t") == .number(5))
  }

  @Test func duplicatedLayersAreReadEachTime() throws {
    let once = try plan(slice([("a", 0, 4)])), twice = try plan(slice([("a", 0, 4)]) + slice([("a", 0, 4)]))
    let layers = 4 * (8 * 4 + 4) * 4
    #expect(twice.summary.bytesIn == once.summary.bytesIn + layers)
    #expect(twice.layerCount == 8)
  }

  // MARK: Base

  @Test func theBaseIsLookedForAmongTheSources() throws {
    let plan = try plan(slice([("b", 0, 2), ("a", 1, 3)]), method: "slerp", "base_model: a\nparameters: {t: 0.5}")
    #expect(try plan.merge("model.layers.0.input_layernorm.weight").baseIndex == 1)
  }

  @Test func aSliceMayHaveItsOwnBase() throws {
    let plan = try plan(
      slice([("b", 0, 1), ("a", 0, 1)]) + slice([("b", 1, 2), ("a", 1, 2)], "  base_model: b\n"), method: "slerp", "base_model: a\nparameters: {t: 0.5}")
    #expect(try plan.merge("model.layers.0.input_layernorm.weight").baseIndex == 1)
    #expect(try plan.merge("model.layers.1.input_layernorm.weight").baseIndex == 0)
  }

  @Test func aBaseThatIsNoSourceIsAnErrorWhereItIsNeeded() {
    expectPlanError(
      .configuration, "merge_method: slerp\nbase_model: b\nparameters: {t: 0.5}\nslices:\n\(slice([("a", 0, 2)]))", models,
      "the base model b, which is not among slices[0].sources", "with its layer_range")
  }

  @Test func aBaseThatIsNoSourceGivesNoTensorsWhereItIsNotNeeded() throws {
    let yaml = "merge_method: passthrough\nbase_model: elsewhere\nslices:\n\(slice([("a", 0, 2)]))"
    let plan = try SampleCatalog.plan(yaml, models)
    #expect(try plan.merge("model.norm.weight").baseIndex == nil)
    #expect(plan.warnings.count == 1 && plan.warnings[0].contains("elsewhere gives no tensors"))
  }

  @Test func theNumberOfInputsIsCheckedInEachSlice() {
    expectPlanError(
      .configuration, "merge_method: passthrough\nslices:\n\(slice([("a", 0, 2)]))\(slice([("a", 0, 2), ("b", 0, 2)]))", models,
      "merge.yml:4:3: slices[1]: passthrough takes exactly 1 model, but there are 2: a, b")
  }

  // MARK: Ranges

  @Test func rangesEndWithTheModel() throws {
    #expect(try plan(slice([("b", 2, 3)])).layerCount == 1)
    #expect {
      _ = try plan(slice([("b", 2, 4)]))
    } throws: { "\($0)".contains("slices[0].sources[0]: layer_range [2, 4] ends behind the last layer: b has 3") }
  }

  @Test func modelsWithoutOneStackOfLayersCannotBeCut() {
    let flat = TensorCatalog(["w": .init(.float32, [1])])
    expectPlanError(.mismatch, "merge_method: m\nslices: [{sources: [{model: a}]}]", ["a": flat], info: weightless, "a has no numbered layers")
    let both = TensorCatalog(["encoder.block.0.w": .init(.float32, [1]), "decoder.block.0.w": .init(.float32, [1])])
    expectPlanError(.mismatch, "merge_method: m\nslices: [{sources: [{model: a}]}]", ["a": both], info: weightless, "2 stacks of layers (decoder.block, encoder.block)")
    let gpt = TensorCatalog(["transformer.h.0.w": .init(.float32, [1])])
    expectPlanError(
      .mismatch, "merge_method: m\nslices: [{sources: [{model: a, layer_range: [0, 1]}]}, {sources: [{model: g}]}]", ["a": models["a"]!, "g": gpt], info: weightless,
      "a numbers its layers under model.layers, g under transformer.h")
  }
}
