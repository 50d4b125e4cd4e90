import CentramMergeSupport
public import CentramPluginAPI

/// SCE (Wan et al., "FuseChat", arXiv 2408.07990): *selects* the `select_topk` elements with the greatest variance over the
/// models, *calculates* each model's weight from the mean square of its selected task vector, and *erases* entries
/// against the sign of the sum.
///
/// Weights follow the formula for short task vectors too, where mergekit makes them equal.
struct Sce: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base,
    parameters: [
      .init("select_topk", .number, default: .number(1), limits: 0...1, "share of the elements that differ between models to keep"),
      .without(effect: "int8_mask", .boolean, "no mask is stored"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    guard request.count > 0 else { return }
    let base = try request.base(), inputs = request.others
    let selection = try VarianceSelection(request, base: base, inputs: inputs, share: try request.parameters.requiredNumber("select_topk"))
    let energies = try selection.energies(request), sum = energies.reduce(0, +)
    try selection.write(request, weights: energies.map { sum > 0 ? $0 / sum : 1 / Double(inputs.count) })
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.sce", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Task vectors selected by variance, weighted by energy, elected by sign"
) { pluginInterface($0, .mergeOperator { _ in Sce() }) }

@c(centram_plugin_descriptor__merge_sce) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
