import CentramAdapterSupport
import CentramLinearAlgebra
public import CentramPluginAPI

/// Combines adapters exactly as PEFT 0.21.2's `add_weighted_adapter` does, cross terms and all, for those who need the
/// same result. `merge.lora_cat`, `merge.lora_svd` and `merge.core_space` merge the changes themselves.
struct Peft: AdapterMerging {
  /// The dare types draw by the seed, where their caller brings no masks.
  let info = MergeOperatorInfo(
    needs: .seed,
    parameters: [
      .init("weight", .number, .perInput, required: true, "factor of this adapter"),
      .init("combination_type", .string, default: .string("svd"), "one of \(PeftOptions.names)"),
      .init("density", .number, limits: 0...1, "share of the elements to keep; needed by ties, dare and magnitude_prune"),
      .init("majority_sign_method", .string, default: .string("total"), "total or frequency: how ties elects signs"),
      .init("svd_rank", .integer, default: .number(0), limits: 0...65536, "rank of the svd types; 0: the largest input rank"),
      .init("svd_clamp", .number, limits: 0...1, "quantile at which the svd types clamp their factors"),
      .init("adapter_count", .integer, default: .number(0), "filled in by the host: adapters of the whole merge"),
      .init("largest_rank", .integer, default: .number(0), "filled in by the host: of the whole merge"),
      .init("sum_of_ranks", .integer, default: .number(0), "filled in by the host: of the whole merge"),
    ])

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    let options = try PeftOptions(request)
    if options.isSVD {
      try mergeDeltas(request, options)
    } else if options.rule == .cat {
      try concatenate(request, options)
    } else {
      try mergeFactors(request, options)
    }
  }

  /// The rule on the Aᵢ and on the Bᵢ, each times √|wᵢ sᵢ|, the sign with A.
  private func mergeFactors(_ request: AdapterMergeRequest, _ options: PeftOptions) throws(PluginError) {
    let ranks = request.factors.map(\.rank), rank = ranks.first ?? 0
    guard ranks.allSatisfy({ $0 == rank }) else {
      throw PluginError(
        .shapeMismatch,
        "\(request.module): combination_type \(options.name) needs equal ranks, not \(ranks); take cat, svd, merge.lora_svd or merge.core_space")
    }
    var weightsA: [Double] = [], weightsB: [Double] = []
    for (weight, factors) in zip(options.weights, request.factors) {
      let root = abs(weight * factors.scale).squareRoot()
      weightsA.append(weight * factors.scale < 0 ? -root : root)
      weightsB.append(root)
    }
    func combined(
      _ part: String, _ count: Int, _ weights: [Double], _ pointer: (AdapterFactors) -> UnsafePointer<Float>
    ) throws(PluginError) -> [Float] {
      let tensors = request.factors.map { factors in (0..<count).map { Double(pointer(factors)[$0]) } }
      return try PeftRule(options, request, part: part).combine(tensors, weights).map(Float.init)
    }
    let a = try combined("A", rank * request.inputs, weightsA, { $0.a })
    try request.emit(rank: rank, a: a, b: try combined("B", request.outputs * rank, weightsB, { $0.b }))
  }

  /// Rows wᵢ sᵢ Aᵢ and columns Bᵢ, then zeros up to the sum of all adapters' ranks, so that all modules have one rank.
  private func concatenate(_ request: AdapterMergeRequest, _ options: PeftOptions) throws(PluginError) {
    let rank = max(options.sumOfRanks, request.factors.reduce(0) { $0 + $1.rank })
    var a = [Float](repeating: 0, count: rank * request.inputs), b = [Float](repeating: 0, count: request.outputs * rank)
    var start = 0
    for (weight, factors) in zip(options.weights, request.factors) {
      for index in 0..<(factors.rank * request.inputs) {
        a[start * request.inputs + index] = Float(weight * factors.scale * Double(factors.a[index]))
      }
      for row in 0..<request.outputs {
        for index in 0..<factors.rank { b[row * rank + start + index] = factors.b[row * factors.rank + index] }
      }
      start += factors.rank
    }
    try request.emit(rank: rank, a: a, b: b)
  }

  /// The rule on the changes sᵢ Bᵢ Aᵢ themselves, then B = U S and A = Vᵀ of the result's singular values.
  private func mergeDeltas(_ request: AdapterMergeRequest, _ options: PeftOptions) throws(PluginError) {
    let (outputs, inputs) = (request.outputs, request.inputs)
    let terms = zip(options.weights, request.factors).map { weight, factors in
      (factor: weight * factors.scale, bTransposed: factors.bTransposed(outputs: outputs), a: factors.aMatrix(inputs: inputs))
    }
    let wanted = [options.svdRank, options.largestRank, request.factors.map(\.rank).max() ?? 0].first { $0 > 0 } ?? 0
    let rank = min(wanted, outputs, inputs)
    // PEFT keeps the rank it was told even where a matrix has none such; zeros fill up.
    if options.rule == .linear && options.clamp == nil {
      // The plain sum needs no full matrix.
      let (ut, s, vt) = try algebra(request.module) { () throws(LinearAlgebraError) in try LowRankSum(terms).singularValues(rank: rank) }
      return try emit(request, rank: wanted, ut.scalingRows(s), vt)
    }
    var tensors: [[Double]] = []
    for (term, factors) in zip(terms, request.factors) {
      tensors.append(term.bTransposed.times(term.a, transposing: (true, false)).elements.map { $0 * factors.scale })
    }
    let delta = Matrix(rows: outputs, columns: inputs, elements: try PeftRule(options, request, part: "delta").combine(tensors, options.weights))
    let svd = try algebra(request.module) { () throws(LinearAlgebraError) in
      try options.clamp == nil ? delta.singularValues(largest: rank) : delta.singularValuesWithPlainSigns().truncated(to: rank)
    }
    var (us, vt) = (svd.u.transposed().scalingRows(svd.s), svd.vt)
    if let quantile = options.clamp {
      let limit = Self.quantile(us.elements + vt.elements, quantile)
      // PyTorch's clamp: where the limits cross, the upper one counts.
      func clamp(_ x: Double) -> Double { min(max(x, -limit), limit) }
      us.elements = us.elements.map(clamp)
      vt.elements = vt.elements.map(clamp)
    }
    try emit(request, rank: wanted, us, vt)
  }

  private func emit(_ request: AdapterMergeRequest, rank: Int, _ bTransposed: Matrix, _ a: Matrix) throws(PluginError) {
    let missing = rank - a.rows
    let b = Matrix(stacking: [(1, bTransposed), (1, Matrix(zeros: missing, request.outputs))]).transposed()
    try request.emit(rank: rank, a: a.floats + Array(repeating: 0, count: missing * request.inputs), b: b.floats)
  }

  /// Linear interpolation between the two nearest of the sorted values.
  static func quantile(_ values: [Double], _ quantile: Double) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return 0 }
    let position = quantile * Double(sorted.count - 1), index = Int(position)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.peft", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Combines adapters exactly as PEFT's add_weighted_adapter"
) { pluginInterface($0, .mergeOperator { _ in Peft() }) }

@c(centram_plugin_descriptor__merge_peft) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
