import CentramMergeSupport
public import CentramPluginAPI

/// y = x, times `scale` where it is given.
struct Passthrough: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .baseAsInput, inputs: 1...1, parameters: [.init("scale", .number, .perInput, "factor; without it the tensor is copied")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    try request.writeCombination([try request.parameters.number("scale", input: 0) ?? 1], of: [0])
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.passthrough", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "One model as it is, or scaled"
) { pluginInterface($0, .mergeOperator { _ in Passthrough() }) }

@c(centram_plugin_descriptor__merge_passthrough) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
