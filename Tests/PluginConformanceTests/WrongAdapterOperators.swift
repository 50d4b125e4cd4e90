import CentramPluginAPI
import Synchronization

/// A fault in merging or extracting adapters, and the check that finds it.
enum AdapterMutation: String, CaseIterable, Sendable {
  case refusesColumns, emitsInfinity, emitsTwice, writesToFactors, countsCalls, halves, takesNoWeight, isSilentAboutNaN, swallowsTheHostsError
  case losesAThird, goesBeyondTheRank, takesAnySize

  var caughtBy: String {
    switch self {
    case .refusesColumns, .emitsInfinity: "adapter-shapes"
    case .emitsTwice: "adapter-once"
    case .writesToFactors: "adapter-inputs-unchanged"
    case .countsCalls: "adapter-repeatable"
    case .halves: "adapter-identity"
    case .takesNoWeight: "adapter-missing-parameter"
    case .isSilentAboutNaN: "adapter-strange-numbers"
    case .swallowsTheHostsError: "adapter-host-error"
    case .losesAThird: "extract-whole"
    case .goesBeyondTheRank: "extract-rank"
    case .takesAnySize: "extract-size-refused"
    }
  }
}

/// A right operator on adapters made wrong in one way.
struct WrongAdapterOperator: AdapterMerging, AdapterExtracting {
  let base: any AdapterMerging & AdapterExtracting, mutation: AdapterMutation
  private let calls = WrongMemory()
  init(_ base: any AdapterMerging & AdapterExtracting, _ mutation: AdapterMutation) { (self.base, self.mutation) = (base, mutation) }

  var info: MergeOperatorInfo { base.info }

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    let number = calls.merged.add(1, ordering: .relaxed).newValue
    if mutation == .refusesColumns, request.inputs == 1 { throw PluginError(.unsupported, "no columns") }
    if mutation == .isSilentAboutNaN, request.factors.contains(where: { factor in (0..<factor.rank * request.inputs).contains { factor.a[$0].isNaN } }) { return }
    var parameters = request.parameters
    if mutation == .takesNoWeight {
      for input in parameters.perInput.indices where parameters.perInput[input]["weight"] == nil { parameters.perInput[input]["weight"] = .number(1) }
    }
    defer { if mutation == .writesToFactors { UnsafeMutablePointer(mutating: request.factors[0].a)[0] = 0.125 } }
    let host = Changing(host: request.host) { rank, a, b in
      switch mutation {
      case .countsCalls where number > 2: (rank, a.map { $0 * 1.5 }, b.map { $0 / 1.5 })
      case .halves: (rank, a.map { $0 / 2 }, b)
      case .emitsInfinity: (rank, a.map { _ in .infinity }, b)
      default: (rank, a, b)
      }
    }
    do throws(PluginError) {
      let changed = AdapterMergeRequest(
        module: request.module, outputs: request.outputs, inputs: request.inputs, models: request.models, factors: request.factors, parameters: parameters,
        seed: request.seed, masks: request.masks, host: host)
      try base.merge(changed)
      if mutation == .emitsTwice { try base.merge(changed) }
    } catch { if mutation != .swallowsTheHostsError || error.code != .cancelled { throw error } }
  }

  private struct Changing: AdapterMergeHost {
    let host: any AdapterMergeHost
    let change: @Sendable (Int, [Float], [Float]) -> (Int, [Float], [Float])
    func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError) {
      let (rank, a, b) = change(rank, a, b)
      try host.emit(module: module, rank: rank, a: a, b: b)
    }
    func apply(
      rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
    ) throws(PluginError) -> [Float] {
      try host.apply(rule: rule, to: matrices, rows: rows, columns: columns, name: name, models: models, parameters: parameters, seed: seed)
    }
  }

  func extract(
    _ matrix: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, maximumRank: Int, threshold: Double, distributeScale: Bool
  ) throws(PluginError) -> LowRankFactors {
    if mutation == .takesAnySize, matrix.count != outputs * inputs { return LowRankFactors(rank: 0, a: [], b: []) }
    var found = try base.extract(
      matrix, outputs: outputs, inputs: inputs, maximumRank: mutation == .goesBeyondTheRank && maximumRank == 2 ? 3 : maximumRank, threshold: threshold,
      distributeScale: distributeScale)
    if mutation == .losesAThird, found.rank > 0 { found.a[0] *= 0.66 }
    return found
  }
}
