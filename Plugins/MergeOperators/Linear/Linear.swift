import CentramMergeSupport
public import CentramPluginAPI

/// Weighted mean: y = Σ wᵢ xᵢ, divided by Σ wᵢ if `normalize` (Wortsman et al., "Model soups", 2022).
struct Linear: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .baseAsInput,
    parameters: [
      .init("weight", .number, .perInput, required: true, "share of this model"),
      .init("normalize", .boolean, default: .boolean(true), "divide by the sum of the weights"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let inputs = Array(request.models.indices)
    let weights = try request.numbers("weight", of: inputs)
    if try request.parameters.flag("normalize") {
      try request.writeMean(weights, of: inputs)
    } else {
      try request.writeCombination(weights, of: inputs)
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.linear", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Weighted mean of the inputs"
) { pluginInterface($0, .mergeOperator { _ in Linear() }) }

@c(centram_plugin_descriptor__merge_linear) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
