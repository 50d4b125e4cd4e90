import CentramMergeSupport
public import CentramPluginAPI

/// TIES (Yadav et al., arXiv 2306.01708): trims each task vector to its `density` greatest magnitudes, elects the sign of
/// the weighted sum for each element, and merges the entries that have it.
///
/// Of equal magnitudes at the edge the first are kept.
struct Ties: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base, parameters: ParameterSpecification.sparsifiedSum(normalize: true, rescale: false))

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    guard request.count > 0 else { return }
    let sum = try TaskVectorSum(request, elects: true)
    let choices = try request.numbers("density", of: sum.inputs).map { density -> BandSparsifier.Choice in
      if density >= 1 { return .all }
      return density <= 0 ? .none : .greatest(max(1, Int(density * Double(request.count))))
    }
    try sum.write(request, trimmedBy: choices)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.ties", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Task vectors trimmed, elected by sign and merged"
) { pluginInterface($0, .mergeOperator { _ in Ties() }) }

@c(centram_plugin_descriptor__merge_ties) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
