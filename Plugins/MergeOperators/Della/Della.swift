import CentramMergeSupport
public import CentramPluginAPI

/// DELLA (Deep et al., arXiv 2406.11617): keeps entries of a task vector with a probability that grows with their rank by
/// magnitude in their row, stretches what is kept to the L1 norm that the task vector had, then elects signs as
/// TIES does (arXiv 2306.01708).
struct Della: TensorMerging {
  let info = MergeOperatorInfo(
    needs: [.base, .seed],
    parameters: ParameterSpecification.sparsifiedSum(normalize: true, rescale: true) + [.epsilon])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let sum = try TaskVectorSum(request, elects: true)
    let sparsifier = try RankedSparsifier(request, sum)
    try sum.write(request, sparsifier, scales: try request.parameters.flag("rescale") ? sparsifier.scales : nil)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.della", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Task vectors dropped at random by rank, elected by sign"
) { pluginInterface($0, .mergeOperator { _ in Della() }) }

@c(centram_plugin_descriptor__merge_della) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
