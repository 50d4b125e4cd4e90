import CentramMergeSupport
import CentramNumerics
public import CentramPluginAPI
import Foundation

/// Spherical interpolation of two models at t = w₂ / (w₁ + w₂), or with a base of their task vectors: as a whole, row by
/// row or column by column.
///
/// The names of the switches are mergekit's, and there they are the wrong way round: with `nuslerp_flatten` off, vectors
/// are rows (runs along the last axis), and with `nuslerp_row_wise` on, columns (runs along the first axis).
struct NuSlerp: TensorMerging {
  let info = MergeOperatorInfo(
    inputs: 2...2,
    parameters: [
      .init("weight", .number, .perInput, required: true, "share of this model"),
      .init("nuslerp_flatten", .boolean, default: .boolean(true), "one vector a tensor; off: one a row"),
      .init("nuslerp_row_wise", .boolean, default: .boolean(false), "with nuslerp_flatten off: vectors run along the first axis"),
    ])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let pair = request.others, base = request.baseIndex
    let weights = try request.numbers("weight", of: pair)
    let sum = weights[0] + weights[1]
    let t = abs(sum) < 1e-6 ? 0.5 : weights[1] / sum
    if try request.parameters.flag("nuslerp_flatten") || request.shape.count < 2 {
      let gram = try request.gram(of: pair, lessBase: base)
      try request.writeCombination(Self.shares(t, gram[0, 0], gram[0, 1], gram[1, 1]), of: pair, around: base)
    } else if try request.parameters.flag("nuslerp_row_wise") {
      try ColumnSlerp(request, pair: pair, base: base).write(request, t)
    } else {
      let row = request.rowLength
      try request.forEachBlock(.rows) { block in
        block.forEachRow(of: row) { start in
          let gram = block.gram(of: pair, lessBase: base, from: start, count: row)
          let shares = Self.shares(t, gram[0, 0], gram[0, 1], gram[1, 1]).map(Float.init)
          block.combine(shares, of: pair, around: base, from: start, count: row)
        }
      }
    }
  }

  /// Shares of two vectors a and b, given aa = ⟨a, a⟩ and so on.
  static func shares(_ t: Double, _ aa: Double, _ ab: Double, _ bb: Double) -> [Double] {
    let cosine = min(1, max(-1, ab / (max(aa.squareRoot(), 1e-7) * max(bb.squareRoot(), 1e-7))))
    guard 1 - cosine * cosine > 1e-16 else { return [1 - t, t] }
    let angle = acos(cosine)
    return [sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)]
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.nuslerp", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Weighted spherical interpolation of two models, or of their task vectors"
) { pluginInterface($0, .mergeOperator { _ in NuSlerp() }) }

@c(centram_plugin_descriptor__merge_nuslerp) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
