import CKernels
import CentramMergeSupport
public import CentramPluginAPI

/// y = w x + (1 − w) b with w = clamp(t / |b − x|, 0, 1): where the other model x is within t of the base b it is taken, and
/// the further away it is the less of it.
struct NearSwap: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base, inputs: 1...1,
    parameters: [.init("t", .number, required: true, "distance up to which the other model is taken over whole")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let base = try request.base(), other = request.others[0]
    let t = Float(try request.parameters.requiredNumber("t"))
    try request.forEachBlock { block in ck_near_swap(block.inputs[other], block.inputs[base], t, block.output, block.count) }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.nearswap", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Takes over one model where it is near the base"
) { pluginInterface($0, .mergeOperator { _ in NearSwap() }) }

@c(centram_plugin_descriptor__merge_nearswap) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
