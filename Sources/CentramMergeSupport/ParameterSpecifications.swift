public import CentramPluginAPI

extension ParameterSpecification {
  /// The parameters that all sums of task vectors take.
  public static func taskVectorSum(normalize: Bool) -> [ParameterSpecification] {
    [
      .init("weight", .number, .perInput, required: true, "factor of this model's task vector"),
      .init("normalize", .boolean, default: .boolean(normalize), "divide by the sum of the weights that take part"),
      .init("lambda", .number, default: .number(1), "factor of the sum of task vectors"),
      .without(effect: "int8_mask", .boolean, "no mask is stored"),
    ]
  }

  /// The same, for task vectors that entries are left out of.
  public static func sparsifiedSum(normalize: Bool, rescale: Bool) -> [ParameterSpecification] {
    taskVectorSum(normalize: normalize) + [
      .init("rescale", .boolean, default: .boolean(rescale), "stretch what is kept of a task vector to the L1 norm it had"),
      .init("density", .number, .perInput, default: .number(1), limits: 0...1, "share of this task vector's entries to keep"),
    ]
  }

  /// The share of the greatest entries to leave out.
  public static let gamma = ParameterSpecification(
    "gamma", .number, .perInput, default: .number(0.01), limits: 0...1, "share of this task vector's greatest entries to leave out")

  /// How far probabilities of keeping spread around the density.
  public static let epsilon = ParameterSpecification(
    "epsilon", .number, .perInput, default: .number(0.15), limits: 0...1,
    "the least entry is kept with probability density - epsilon, the greatest with density + epsilon")

  /// What counts as a change.
  public static let changeLimit = ParameterSpecification(
    "epsilon", .number, default: .number(1e-5), limits: 0...Double.greatestFiniteMagnitude,
    "differences from the base up to this do not count as changes")

  /// A parameter that is accepted so that configurations for mergekit run.
  public static func without(
    effect name: String, _ type: ValueType, scope: Scope = .shared, limits: ClosedRange<Double>? = nil, _ why: String
  ) -> ParameterSpecification {
    ParameterSpecification(name, type, scope, limits: limits, "accepted for mergekit's sake, without effect: \(why)")
  }
}
