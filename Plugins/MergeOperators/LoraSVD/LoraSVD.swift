import CentramAdapterSupport
import CentramLinearAlgebra
public import CentramPluginAPI

/// The best approximation, in the Frobenius norm, of the adapters' exact weighted sum Σ wᵢ sᵢ Bᵢ Aᵢ by factors of a
/// given rank (Eckart and Young, 1936), from the small core of the stacked factors.
struct LoraSVD: AdapterMerging {
  let info = MergeOperatorInfo(parameters: [
    .init("weight", .number, .perInput, required: true, "factor of this adapter's change"),
    .init("rank", .integer, default: .number(0), limits: 0...65536, "rank of the result; 0: the largest input rank"),
  ])

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    var terms: [(factor: Double, bTransposed: Matrix, a: Matrix)] = []
    for (input, factors) in request.factors.enumerated() {
      let factor = try request.parameters.requiredNumber("weight", input: input) * factors.scale
      terms.append((factor, factors.bTransposed(outputs: request.outputs), factors.aMatrix(inputs: request.inputs)))
    }
    let wanted = Int(try request.parameters.number("rank") ?? 0)
    let rank = wanted > 0 ? wanted : request.factors.map(\.rank).max() ?? 0
    let (ut, s, vt) = try algebra(request.module) { () throws(LinearAlgebraError) in
      try LowRankSum(terms).singularValues(rank: rank)
    }
    // √S on both sides: neither factor's numbers get much larger than the other's, which matters in 16-bit formats.
    let roots = s.map { $0.squareRoot() }
    try request.emit(rank: s.count, a: vt.scalingRows(roots).floats, b: ut.scalingRows(roots).transposed().floats)
  }
}

extension LoraSVD: AdapterExtracting {
  func extract(
    _ matrix: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, maximumRank: Int, threshold: Double, distributeScale: Bool
  ) throws(PluginError) -> LowRankFactors {
    guard matrix.count == outputs * inputs else {
      throw PluginError(.shapeMismatch, "\(matrix.count) elements do not make \(outputs) × \(inputs)")
    }
    guard let base = matrix.baseAddress, maximumRank > 0 else { return LowRankFactors(rank: 0, a: [], b: []) }
    let svd = try algebra("the difference of two weights") { () throws(LinearAlgebraError) in
      try Matrix(rows: outputs, columns: inputs, floats: base).singularValues(largest: maximumRank)
    }
    let kept = svd.truncated(to: svd.s.prefix { $0 > threshold }.count)
    let roots = kept.s.map { $0.squareRoot() }
    return LowRankFactors(
      rank: kept.s.count, a: kept.vt.scalingRows(distributeScale ? roots : kept.s).floats,
      b: (distributeScale ? kept.u.transposed().scalingRows(roots).transposed() : kept.u).floats)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.lora_svd", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Best approximation of the weighted sum of adapters by a given rank; extracts adapters from checkpoints"
) { pluginInterface($0, .mergeOperator { _ in LoraSVD() }) }

@c(centram_plugin_descriptor__merge_lora_svd) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
