import CKernels
import CentramMergeSupport
public import CentramPluginAPI

/// RAM+ with counts for each tensor (Yuan et al., arXiv 2601.13572): like RAM, but what one model changed alone is
/// multiplied by 1 + r · clamp(shared / unique, 0, alpha), from the number of elements that it changed together with others
/// and alone in this tensor: it makes up for the thinning that the mean does to shared changes.
struct RamPlusTl: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base,
    parameters: [
      .init("r", .number, default: .number(0.1), limits: 0...Double.greatestFiniteMagnitude, "strength of the amplification"),
      .init("alpha", .number, default: .number(0.2), limits: 0...Double.greatestFiniteMagnitude, "limit of the ratio of shared to unique"),
      .changeLimit,
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let base = try request.base(), inputs = request.others
    let r = try request.parameters.requiredNumber("r"), alpha = try request.parameters.requiredNumber("alpha")
    let epsilon = try request.parameters.requiredNumber("epsilon"), limit = Float(epsilon)
    let zeros = [UInt64](repeating: 0, count: inputs.count)
    let counts = try request.reduce {
      (unique: zeros, shared: zeros)
    } _: { (counts, block) in
      block.withInputs(inputs) { ck_count_changed($0, inputs.count, limit, block.inputs[base], &counts.unique, &counts.shared, block.count) }
    } combine: { (total, part) in
      for index in zeros.indices {
        total.unique[index] += part.unique[index]
        total.shared[index] += part.shared[index]
      }
    }
    let factors = zeros.indices.map { index in
      Float(1 + r * min(alpha, Double(counts.shared[index]) / max(Double(counts.unique[index]), epsilon)))
    }
    try request.forEachBlock { block in
      block.withInputs(inputs) { ck_add_changed($0, factors, inputs.count, limit, block.inputs[base], block.output, block.count) }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.ramplus_tl", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Mean of the models that changed an element, lone changes amplified"
) { pluginInterface($0, .mergeOperator { _ in RamPlusTl() }) }

@c(centram_plugin_descriptor__merge_ramplus_tl) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
