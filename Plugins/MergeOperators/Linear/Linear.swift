import CentramNumerics
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
    var weights: [Double] = []
    for input in request.models.indices { weights.append(try request.parameters.requiredNumber("weight", input: input)) }
    if try request.parameters.flag("normalize") {
      let sum = weights.reduce(0, +)
      guard sum != 0 else { throw PluginError(.invalid, "\(request.tensor): the weights sum to 0, so they cannot be normalized") }
      weights = weights.map { $0 / sum }
    }
    let factors = weights.map(Float.init)
    try request.forEachBlock { block in
      Kernels.scale(factors[0], block.inputs[0], into: block.output, count: block.count)
      for input in 1..<factors.count { Kernels.addScaled(factors[input], block.inputs[input], to: block.output, count: block.count) }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.linear", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Weighted mean of the inputs"
) { pluginInterface($0, .mergeOperator { _ in Linear() }) }

@c(centram_plugin_descriptor__merge_linear) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
