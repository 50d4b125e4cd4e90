import CentramMergeSupport
import CentramNumerics
public import CentramPluginAPI
import Foundation

/// Weighted mean on the sphere in one step. With uᵢ = yᵢ / |yᵢ| and m the direction of Σ wᵢ uᵢ, the mean tangent
/// T = Σ wᵢ (uᵢ − ⟨uᵢ, m⟩ m) is followed from m for its length z: y = (m cos z + T sin z / z) · Σ wᵢ |yᵢ|.
/// With a base b, yᵢ = xᵢ − b and b is added again.
struct MultiSlerp: TensorMerging {
  let info = MergeOperatorInfo(
    parameters: [
      .init("weight", .number, .perInput, required: true, "share of this model"),
      .init("normalize_weights", .boolean, default: .boolean(true), "divide the weights by their sum"),
      .init("eps", .number, default: .number(1e-8), limits: 0...1, "added to norms that are divided by"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let inputs = request.others
    if inputs.count == 1 { return try request.writeCombination([1], of: inputs) }
    var weights = try request.numbers("weight", of: inputs)
    if try request.parameters.flag("normalize_weights") {
      let sum = weights.reduce(0, +)
      guard sum != 0 else { throw PluginError(.invalid, "\(request.tensor): the weights sum to 0, so they cannot be normalized") }
      weights = weights.map { $0 / sum }
    }
    let gram = try request.gram(of: inputs, lessBase: request.baseIndex)
    let shares = try Self.shares(gram, weights, eps: try request.parameters.requiredNumber("eps"), tensor: request.tensor)
    try request.writeCombination(shares, of: inputs, around: request.baseIndex)
  }

  /// The mean's coefficients over the inputs.
  private static func shares(_ gram: Gram, _ weights: [Double], eps: Double, tensor: String) throws(PluginError) -> [Double] {
    let all = weights.indices
    let norms = all.map { gram.norm($0) }
    // Every vector is kept as coefficients over the inputs: uᵢ is unit[i] in place i.
    let unit = norms.map { 1 / ($0 + eps) }
    var mean = all.map { weights[$0] * unit[$0] }
    let length = gram.norm(mean)
    if length < eps || length == 0 {
      if weights.count == 2 || norms.allSatisfy({ $0 == 0 }) { return weights }
      throw PluginError(.invalid, "\(tensor): the directions of the \(weights.count) models cancel, so they have no mean")
    }
    mean = mean.map { $0 / length }
    var tangent = all.map { weights[$0] * unit[$0] }
    for index in all {
      let onMean = unit[index] * all.reduce(0) { $0 + gram[index, $1] * mean[$1] }
      for other in all { tangent[other] -= weights[index] * onMean * mean[other] }
    }
    let z = gram.norm(tangent) + eps
    let scale = all.reduce(0) { $0 + weights[$1] * norms[$1] }
    return all.map { (mean[$0] * cos(z) + tangent[$0] * (z > 0 ? sin(z) / z : 1)) * scale }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.multislerp", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Spherical mean of any number of models, or of their task vectors"
) { pluginInterface($0, .mergeOperator { _ in MultiSlerp() }) }

@c(centram_plugin_descriptor__merge_multislerp) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
