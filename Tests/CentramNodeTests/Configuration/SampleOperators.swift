import CentramPluginAPI

/// What mergekit's methods take, as design/merge.md lists it. The planner's tests need it; the plugins have their own.
enum SampleOperators {
  static let weight = ParameterSpecification("weight", .number, .perInput, required: true, "share")
  static func normalize(_ value: Bool) -> ParameterSpecification { .init("normalize", .boolean, default: .boolean(value), "divide by the weights") }

  static func arithmetic(normalize: Bool, rescale: Bool, _ more: [ParameterSpecification] = []) -> MergeOperatorInfo {
    MergeOperatorInfo(
      needs: .base,
      parameters: [
        weight, SampleOperators.normalize(normalize),
        .init("rescale", .boolean, default: .boolean(rescale), "keep the norm"),
        .init("lambda", .number, default: .number(1), "scale"),
        .init("int8_mask", .boolean, default: .boolean(false), "no effect"),
        .init("density", .number, .perInput, default: .number(1), limits: 0...1, "share kept"),
      ] + more)
  }

  private static let gamma = ParameterSpecification("gamma", .number, .perInput, default: .number(0.01), limits: 0...1, "outliers dropped")
  private static let epsilon = ParameterSpecification("epsilon", .number, .perInput, default: .number(0.15), limits: 0...1, "spread")

  static let all: [String: MergeOperatorInfo] = [
    "linear": .init(needs: .baseAsInput, parameters: [weight, normalize(true)]),
    "slerp": .init(needs: .base, inputs: 1...1, parameters: [.init("t", .number, required: true, "from base to other")]),
    "nuslerp": .init(
      inputs: 2...2,
      parameters: [
        weight, .init("nuslerp_flatten", .boolean, default: .boolean(true), "one vector"),
        .init("nuslerp_row_wise", .boolean, default: .boolean(false), "columns"),
      ]),
    "multislerp": .init(
      parameters: [
        weight, .init("normalize_weights", .boolean, default: .boolean(true), "divide"), .init("eps", .number, default: .number(1e-8), "floor"),
      ]),
    "karcher": .init(
      needs: .baseAsInput,
      parameters: [
        .init("max_iter", .integer, default: .number(10), limits: 1...10_000, "steps"), .init("tol", .number, default: .number(1e-5), "tolerance"),
      ]),
    "task_arithmetic": arithmetic(normalize: false, rescale: false),
    "ties": arithmetic(normalize: true, rescale: false),
    "dare_ties": arithmetic(normalize: false, rescale: true),
    "dare_linear": arithmetic(normalize: false, rescale: true),
    "breadcrumbs": arithmetic(normalize: false, rescale: false, [gamma]),
    "breadcrumbs_ties": arithmetic(normalize: false, rescale: false, [gamma]),
    "della": arithmetic(normalize: true, rescale: true, [epsilon]),
    "della_linear": arithmetic(normalize: false, rescale: true, [epsilon]),
    "model_stock": .init(needs: .base, inputs: 2...64, parameters: [.init("filter_wise", .boolean, default: .boolean(false), "rows")]),
    "sce": .init(
      needs: .base,
      parameters: [
        .init("select_topk", .number, default: .number(1), limits: 0...1, "share"), .init("int8_mask", .boolean, default: .boolean(false), "no effect"),
      ]),
    "arcee_fusion": .init(needs: .base, inputs: 1...1),
    "nearswap": .init(needs: .base, inputs: 1...1, parameters: [.init("t", .number, required: true, "distance")]),
    "ram": .init(needs: .base, parameters: [.init("epsilon", .number, default: .number(1e-5), "threshold")]),
    "ramplus_tl": .init(
      needs: .base,
      parameters: [
        .init("epsilon", .number, default: .number(1e-5), "threshold"), .init("r", .number, default: .number(0.1), "rate"),
        .init("alpha", .number, default: .number(0.2), "limit"),
      ]),
    "passthrough": .init(inputs: 1...1, parameters: [.init("scale", .number, .perInput, "factor")]),
  ]
}
