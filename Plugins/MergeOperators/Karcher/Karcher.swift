import CentramMergeSupport
import CentramNumerics
public import CentramPluginAPI

/// The Karcher (Riemannian) mean of the models' directions, with equal weights, times the mean of their norms (Karcher,
/// "Riemannian center of mass and mollifier smoothing", 1977). The base is a model like any other.
struct Karcher: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .baseAsInput,
    parameters: [
      .init("max_iter", .integer, default: .number(10), limits: 0...100_000, "steps at most"),
      .init("tol", .number, default: .number(1e-5), limits: 0...1, "length of a step to stop at; shorter inputs are left out"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let inputs = Array(request.models.indices)
    let shares = KarcherMean.coefficients(
      try request.gram(of: inputs), maximumIterations: Int(try request.parameters.requiredNumber("max_iter")),
      tolerance: try request.parameters.requiredNumber("tol"))
    try request.writeCombination(shares, of: inputs)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.karcher", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Karcher mean of the models on the sphere"
) { pluginInterface($0, .mergeOperator { _ in Karcher() }) }

@c(centram_plugin_descriptor__merge_karcher) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
