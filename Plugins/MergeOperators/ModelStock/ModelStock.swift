import CentramMergeSupport
import CentramNumerics
public import CentramPluginAPI

/// Model Stock (Jang, Yun, Han, arXiv 2403.19522): y = t · mean(xᵢ) + (1 − t) · b with t = N cos θ / (1 + (N − 1) cos θ),
/// cos θ the mean cosine between task vectors. For each tensor, or each row with `filter_wise`.
///
/// Cosines are exact for short task vectors too, where mergekit divides by at least 1e-6 and gets them wrong.
struct ModelStock: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base, inputs: 2...64,
    parameters: [.init("filter_wise", .boolean, default: .boolean(false), "an angle for each row, not for each tensor")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let base = try request.base(), inputs = request.others
    guard try request.parameters.flag("filter_wise"), request.shape.count > 1 else {
      return try request.writeCombination(Self.shares(try request.gram(of: inputs, lessBase: base)), of: inputs, around: base)
    }
    let row = request.rowLength
    try request.forEachBlock(.rows) { block in
      block.forEachRow(of: row) { start in
        let shares = Self.shares(block.gram(of: inputs, lessBase: base, from: start, count: row))
        block.combine(shares.map(Float.init), of: inputs, around: base, from: start, count: row)
      }
    }
  }

  /// t / N for each task vector.
  private static func shares(_ gram: Gram) -> [Double] {
    var sum = 0.0, pairs = 0.0
    for i in 0..<gram.size {
      for j in (i + 1)..<max(i + 1, gram.size) {
        let norms = gram.norm(i) * gram.norm(j)
        sum += norms > 0 ? min(1, max(-1, gram[i, j] / norms)) : 0
        pairs += 1
      }
    }
    let count = Double(gram.size), cosine = sum / pairs
    let denominator = 1 + (count - 1) * cosine
    let t = abs(denominator) < 1e-6 ? 0 : count * cosine / denominator
    return Array(repeating: t / count, count: gram.size)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.model_stock", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Mean of the models, pulled to the base by the angle between them"
) { pluginInterface($0, .mergeOperator { _ in ModelStock() }) }

@c(centram_plugin_descriptor__merge_model_stock) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
