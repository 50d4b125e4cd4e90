import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

/// What happens to one tensor: formats, shapes, gaps, heads, vocabularies.
@Suite struct TensorPlanTests {
  private let linear = "merge_method: linear\nmodels: [{model: a}, {model: b}]\nparameters: {weight: 1}\n"

  private func plan(_ a: [String: TensorCatalog.Entry], _ b: [String: TensorCatalog.Entry], _ more: String = "", vocabularySize: Int? = nil) throws -> MergePlan {
    try SampleCatalog.plan(linear + more, ["a": .init(a), "b": .init(b)], vocabularySize: vocabularySize)
  }

  private func refuse(
    _ a: [String: TensorCatalog.Entry], _ b: [String: TensorCatalog.Entry], more: String = "", code: MergeError.Code = .mismatch, vocabularySize: Int? = nil,
    _ message: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectPlanError(code, linear + more, ["a": .init(a), "b": .init(b)], vocabularySize: vocabularySize, message, sourceLocation: sourceLocation)
  }

  // MARK: Formats

  @Test(
    arguments: [
      (.float32, .bfloat16, .float32), (.bfloat16, .bfloat16, .bfloat16), (.float16, .bfloat16, .float32), (.float16, .float64, .float64), (.float16, .float16, .float16),
    ] as [(NumberFormat, NumberFormat, NumberFormat)])
  func withoutDtypeTheOutputHasTheWidestInputFormat(_ a: NumberFormat, _ b: NumberFormat, _ widest: NumberFormat) throws {
    let tensor = try #require(try plan(["w": .init(a, [2])], ["w": .init(b, [2])])["w"])
    #expect(tensor.format == widest)
    #expect(tensor.workFormat == nil)
  }

  @Test func dtypeRoundsInputsAndIsTheOutputFormat() throws {
    let tensor = try #require(try plan(["w": .init(.float32, [2])], ["w": .init(.float32, [2])], "dtype: bfloat16")["w"])
    #expect(tensor.workFormat == .bfloat16 && tensor.format == .bfloat16)
  }

  @Test func outDtypeIsTheOutputFormat() throws {
    let entry: [String: TensorCatalog.Entry] = ["w": .init(.float32, [2])]
    let both = try #require(try plan(entry, entry, "dtype: float32\nout_dtype: bfloat16")["w"])
    #expect(both.workFormat == .float32 && both.format == .bfloat16)
    let alone = try #require(try plan(entry, entry, "out_dtype: float16")["w"])
    #expect(alone.workFormat == nil && alone.format == .float16)
  }

  @Test func int64ForWeightsIsAnError() throws {
    let entry: [String: TensorCatalog.Entry] = ["w": .init(.float32, [2])]
    refuse(entry, entry, more: "dtype: int64", code: .configuration, "dtype: int64 would cut the weights of w to whole numbers")
    refuse(entry, entry, more: "out_dtype: int64", code: .configuration, "out_dtype: int64")
    let codes: [String: TensorCatalog.Entry] = ["w": .init(.int64, [2])]
    #expect(try plan(codes, codes, "dtype: int64")["w"]?.format == .int64)
  }

  @Test func whatIsNoFloatingPointMustBeEqualAndIsCopied() throws {
    for format in NumberFormat.allCases where !format.isFloatingPoint {
      let tensor = try #require(try plan(["w": .init(format, [2])], ["w": .init(format, [2])], "dtype: bfloat16\nout_dtype: float16")["w"])
      #expect(tensor.action == .copy(.init(model: 0, tensor: "w"), mustEqual: [.init(model: 1, tensor: "w")]))
      #expect(tensor.format == format && tensor.workFormat == nil)
    }
  }

  @Test func formatsThatCannotBeMergedAreErrors() {
    refuse(["w": .init(.float32, [2])], ["w": .init(.int64, [2])], "w has the format float32 in a, int64 in b; numbers and codes cannot be merged")
    refuse(["w": .init(.int32, [2])], ["w": .init(.int64, [2])], "w has the format int32 in a, int64 in b; formats without arithmetic must be equal")
  }

  @Test func copiesCountInTheSummary() throws {
    let plan = try plan(["w": .init(.int64, [2])], ["w": .init(.int64, [2])])
    #expect(plan.summary == .init(merged: 0, copied: 1, elements: 2, bytesIn: 32, bytesOut: 16))
  }

  // MARK: Shapes

  @Test func differentShapesAreErrorsWithBothShapes() {
    refuse(["w": .init(.float32, [2, 3])], ["w": .init(.float32, [3, 2])], "w has the shape [2, 3] in a, [3, 2] in b: only models of one architecture and size")
    refuse(["w": .init(.float32, [])], ["w": .init(.float32, [1])], "w has the shape [] in a, [1] in b")
    refuse(["w": .init(.uint8, [2])], ["w": .init(.uint8, [3])], "w has the shape [2] in a, [3] in b")
  }

  @Test func differentVocabulariesMentionTheTokenizer() {
    let a: [String: TensorCatalog.Entry] = ["model.embed_tokens.weight": .init(.float32, [64, 4])]
    refuse(
      a, ["model.embed_tokens.weight": .init(.float32, [60, 4])],
      "model.embed_tokens.weight has the shape [64, 4] in a, [60, 4] in b: their vocabularies differ; add tokenizer: {source: union}")
    refuse(a, ["model.embed_tokens.weight": .init(.float32, [64, 8])], "only models of one architecture")
  }

  @Test func scalarsAreMerged() throws {
    #expect(try plan(["w": .init(.float32, [])], ["w": .init(.float32, [])]).summary.elements == 1)
  }

  // MARK: Aligned vocabularies

  @Test func alignedVocabularyTensorsHaveTheNewNumberOfRows() throws {
    let plan = try SampleCatalog.plan(linear, ["a": SampleCatalog.llama(layers: 1, rows: 8), "b": SampleCatalog.llama(layers: 1, rows: 9)], vocabularySize: 12)
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      #expect(plan[name]?.shape == [12, 4])
      #expect(plan[name]?.isVocabulary == true)
    }
    #expect(plan["model.norm.weight"]?.isVocabulary == false)
    #expect(plan["model.layers.0.mlp.up_proj.weight"]?.shape == [8, 4])
  }

  @Test func alignmentDoesNotMendOtherAxes() {
    refuse(
      ["lm_head.weight": .init(.float32, [8, 4])], ["lm_head.weight": .init(.float32, [8, 5])], vocabularySize: 8, "lm_head.weight has the shape [8, 4] in a, [8, 5] in b")
  }

  // MARK: Gaps

  @Test func whatSomeInputsLackIsCopiedFromTheFirstThatHasItWithAWarning() throws {
    let plan = try plan(["w": .init(.bfloat16, [2])], ["w": .init(.bfloat16, [2]), "v": .init(.bfloat16, [3])], "out_dtype: float32")
    let tensor = try #require(plan["v"])
    #expect(tensor.action == .copy(.init(model: 1, tensor: "v"), mustEqual: []))
    #expect(tensor.format == .float32)
    #expect(plan.warnings == ["v is missing from a: copied from b"])
    #expect(plan.summary.copied == 1 && plan.summary.merged == 1)
  }

  @Test func whatTheBaseHasIsCopiedFromTheBase() throws {
    let with = TensorCatalog(["w": .init(.float32, [2]), "v": .init(.float32, [3])]), without = TensorCatalog(["w": .init(.float32, [2])])
    let yaml = "merge_method: ties\nbase_model: base\nmodels: [{model: a}, {model: b}]\nparameters: {weight: 1}"
    let plan = try SampleCatalog.plan(yaml, ["a": with, "b": without, "base": with])
    #expect(plan["v"]?.action == .copy(.init(model: 2, tensor: "v"), mustEqual: []))
    #expect(plan.warnings == ["v is missing from b: copied from base"])
    #expect(try SampleCatalog.plan(yaml, ["a": with, "b": with, "base": without])["v"]?.action == .copy(.init(model: 0, tensor: "v"), mustEqual: []))
  }

  @Test func gapsOfOneKindAreOneWarning() throws {
    var a = SampleCatalog.llama(layers: 3).entries
    for layer in 0..<3 { a["model.layers.\(layer).self_attn.q_proj.bias"] = .init(.float32, [4]) }
    let plan = try plan(a, SampleCatalog.llama(layers: 3).entries)
    #expect(plan.warnings == ["model.layers.*.self_attn.q_proj.bias (3 tensors) is missing from b: copied from a"])
  }

  // MARK: Heads shared with the embedding

  @Test func aHeadThatNoInputHasIsLeftOut() throws {
    let tied = SampleCatalog.llama(layers: 1, head: false)
    let plan = try SampleCatalog.plan(linear, ["a": tied, "b": tied])
    #expect(plan["lm_head.weight"] == nil && !plan.untiesHead && plan.warnings.isEmpty)
  }

  @Test func aHeadThatOneInputHasIsReadFromTheEmbeddingOfTheOthers() throws {
    let yaml = linear.replacing("weight: 1", with: "weight: [{filter: lm_head, value: 0.25}, {value: 0.5}]")
    let plan = try SampleCatalog.plan(yaml, ["a": SampleCatalog.llama(layers: 1, head: false), "b": SampleCatalog.llama(layers: 1)])
    let merge = try plan.merge("lm_head.weight")
    #expect(merge.inputs == [.init(model: 0, tensor: "model.embed_tokens.weight"), .init(model: 1, tensor: "lm_head.weight")])
    #expect(merge.parameters.perInput.map { $0["weight"] } == [.number(0.25), .number(0.25)])
    #expect(plan.untiesHead && plan.warnings.isEmpty)
  }

  @Test func aHeadWithoutAnEmbeddingInItsPlaceIsAGap() throws {
    let plan = try plan(["w": .init(.float32, [2])], ["w": .init(.float32, [2]), "lm_head.weight": .init(.float32, [8, 4])])
    #expect(plan.warnings == ["lm_head.weight is missing from a: copied from b"])
    #expect(!plan.untiesHead)
  }
}
