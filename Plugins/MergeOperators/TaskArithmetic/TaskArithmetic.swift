import CentramMergeSupport
public import CentramPluginAPI

/// y = b + λ Σ wᵢ (xᵢ − b), divided by Σ wᵢ if `normalize` (Ilharco et al., "Editing models with task arithmetic",
/// arXiv 2212.04089). `density`, `rescale` and `int8_mask` are accepted, as mergekit accepts them, and change nothing.
struct TaskArithmetic: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base,
    parameters: ParameterSpecification.taskVectorSum(normalize: false) + [
      .without(effect: "rescale", .boolean, "nothing is left out"),
      .without(effect: "density", .number, scope: .perInput, limits: 0...1, "nothing is left out"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let sum = try TaskVectorSum(request, elects: false)
    try request.writeCombination(sum.shares, of: sum.inputs, around: sum.base)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.task_arithmetic", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Base plus a weighted sum of task vectors"
) { pluginInterface($0, .mergeOperator { _ in TaskArithmetic() }) }

@c(centram_plugin_descriptor__merge_task_arithmetic)
public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
