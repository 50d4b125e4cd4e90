import CentramAdapterSupport
import CentramLinearAlgebra
public import CentramPluginAPI

/// Merges adapters with any dense rule inside their common core space (Panariello et al., "Accurate and Efficient
/// Low-Rank Model Merging in Core Space", arXiv 2509.17786).
///
/// U holds the left singular vectors of all Bᵢ side by side, V the right singular vectors of all Aᵢ stacked. Every
/// adapter's change lies in their span, so its coordinates Mᵢ = Uᵀ (sᵢ Bᵢ Aᵢ) V, at most Σrᵢ × Σrᵢ, lose nothing. The
/// rule merges them to M, and ΔW = U M Vᵀ has factors again.
struct CoreSpace: AdapterMerging {
  /// A direction whose singular value is smaller than this part of the largest is rounding, not a direction.
  static let smallest = 1e-12

  let info = MergeOperatorInfo(parameters: [
    .init("rule", .string, default: .string("task_arithmetic"), "dense operator that merges the coordinates; its parameters are given beside"),
    .init("rank", .integer, default: .number(0), limits: 0...65536, "rank of the result; 0: all directions, up to the sum of the ranks"),
  ])

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    let (outputs, inputs) = (request.outputs, request.inputs)
    let factors = request.factors.map { (scale: $0.scale, bt: $0.bTransposed(outputs: outputs), a: $0.aMatrix(inputs: inputs)) }
    let (ut, vt, coordinates) = try algebra(request.module) { () throws(LinearAlgebraError) in
      // Half of each scale to either side, so that large changes weigh more in both bases.
      let ut = try basis(of: factors.map { (abs($0.scale).squareRoot(), $0.bt) })
      let vt = try basis(of: factors.map { (abs($0.scale).squareRoot(), $0.a) })
      let coordinates = factors.map { factor in
        let left = factor.bt.times(ut, transposing: (false, true)), right = factor.a.times(vt, transposing: (false, true))
        return left.times(right, transposing: (true, false)).elements.map { Float(factor.scale * $0) }
      }
      return (ut, vt, coordinates)
    }
    guard ut.rows > 0, vt.rows > 0 else { return try request.emit(rank: 0, a: [], b: []) }
    let merged = try request.host.apply(
      rule: request.parameters.string("rule") ?? "task_arithmetic", to: coordinates, rows: ut.rows, columns: vt.rows,
      name: "\(request.module)|core", models: request.models, parameters: request.parameters, seed: request.seed)
    guard merged.count == ut.rows * vt.rows else {
      throw PluginError(.shapeMismatch, "\(request.module): the rule gave \(merged.count) elements for \(ut.rows) × \(vt.rows)")
    }
    let wanted = Int(try request.parameters.number("rank") ?? 0)
    let (rank, a, b) = try algebra(request.module) { () throws(LinearAlgebraError) in
      let core = try Matrix(rows: ut.rows, columns: vt.rows, elements: merged.map(Double.init)).singularValues()
      let kept = core.truncated(to: wanted > 0 ? wanted : core.s.count)
      let roots = kept.s.map { $0.squareRoot() }
      let a = kept.vt.scalingRows(roots).times(vt)
      let bt = kept.u.transposed().scalingRows(roots).times(ut)
      return (kept.s.count, a.floats, bt.transposed().floats)
    }
    try request.emit(rank: rank, a: a, b: b)
  }

  /// The right singular vectors of the parts below each other, as rows; those of singular value 0 left out.
  private func basis(of parts: [(factor: Double, matrix: Matrix)]) throws(LinearAlgebraError) -> Matrix {
    let (l, q) = try Matrix(stacking: parts).lq()
    let svd = try l.singularValues()
    let count = svd.s.prefix { $0 > Self.smallest * svd.s[0] }.count
    return svd.vt.firstRows(count).times(q)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.core_space", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Any dense rule on adapters, inside their common core space"
) { pluginInterface($0, .mergeOperator { _ in CoreSpace() }) }

@c(centram_plugin_descriptor__merge_core_space) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
