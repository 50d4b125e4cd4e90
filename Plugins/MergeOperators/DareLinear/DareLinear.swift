import CentramMergeSupport
public import CentramPluginAPI

/// DARE (Yu et al., arXiv 2311.03099): keeps each entry of a task vector with probability `density`, stretches what is
/// kept to the L1 norm that the task vector had, and sums.
///
/// As in mergekit the factor is the ratio of norms, whose mean is about the paper's 1 / density.
struct DareLinear: TensorMerging {
  let info = MergeOperatorInfo(
    needs: [.base, .seed], parameters: ParameterSpecification.sparsifiedSum(normalize: false, rescale: true))

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let sum = try TaskVectorSum(request, elects: false)
    let sparsifier = try RandomSparsifier(request, sum)
    try sum.write(request, sparsifier, scales: try sum.scalesIfWanted(request, sparsifier))
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.dare_linear", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Task vectors dropped at random and rescaled, summed"
) { pluginInterface($0, .mergeOperator { _ in DareLinear() }) }

@c(centram_plugin_descriptor__merge_dare_linear) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
