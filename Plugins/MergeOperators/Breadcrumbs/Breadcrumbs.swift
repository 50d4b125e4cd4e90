import CentramMergeSupport
public import CentramPluginAPI

/// Model Breadcrumbs (Davari and Belilovsky, arXiv 2312.06795): leaves the `gamma` greatest magnitudes out of each task
/// vector, and the least, so that `density` of it stay.
struct Breadcrumbs: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base,
    parameters: ParameterSpecification.sparsifiedSum(normalize: false, rescale: false) + [.gamma])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    guard request.count > 0 else { return }
    let sum = try TaskVectorSum(request, elects: false)
    let choices = zip(try request.numbers("density", of: sum.inputs), try request.numbers("gamma", of: sum.inputs))
      .map { BandSparsifier.Choice.breadcrumbs(density: $0, gamma: $1, count: request.count) }
    try sum.write(request, trimmedBy: choices)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.breadcrumbs", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Task vectors without their greatest and least entries"
) { pluginInterface($0, .mergeOperator { _ in Breadcrumbs() }) }

@c(centram_plugin_descriptor__merge_breadcrumbs) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
