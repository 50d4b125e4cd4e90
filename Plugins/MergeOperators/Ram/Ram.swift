import CKernels
import CentramMergeSupport
public import CentramPluginAPI

/// RAM (Yuan et al., "Behavior knowledge merge in reinforced agentic models", arXiv 2601.13572): an element that only one
/// model changed by more than `epsilon` takes that model's change whole, one that several changed takes the mean of their
/// changes.
struct Ram: TensorMerging {
  let info = MergeOperatorInfo(needs: .base, parameters: [.changeLimit])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let base = try request.base(), inputs = request.others
    let epsilon = Float(try request.parameters.requiredNumber("epsilon"))
    let factors = inputs.map { _ in Float(1) }
    try request.forEachBlock { block in
      block.withInputs(inputs) { ck_add_changed($0, factors, inputs.count, epsilon, block.inputs[base], block.output, block.count) }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.ram", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Mean of the models that changed an element"
) { pluginInterface($0, .mergeOperator { _ in Ram() }) }

@c(centram_plugin_descriptor__merge_ram) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
