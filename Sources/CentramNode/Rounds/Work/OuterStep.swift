internal import CentramModel
internal import CentramPluginAPI
internal import CentramWire
internal import Foundation

/// One step of the outer optimiser: the merge of the updates by an operator, and its addition to what was there.
///
/// θ is the adapter that the round has made so far, Δ what the operator makes of the updates. With momentum μ and learning rate η, as Nesterov's method
/// is written for SGD: v ← μ·v + Δ, θ ← θ + η·(Δ + μ·v). θ is then Σ c(T, s)·Δₛ over the steps s ≤ T, with c(T, s) = η·(1 + μ + … + μ^(T−s+1)), so no
/// velocity is kept: each step's factors stay apart in θ and are scaled anew. B·A of θ is that sum exactly, but for the rounding of each factor to float32.
struct OuterStep {
  /// Largest rank of a module: beyond it an aggregate takes more than the matrices that it changes.
  static let maximumRank = 4_096

  let plan: WireRoundPlan
  /// Finds a merge operator by id.
  let resolve: @Sendable (String) throws(MergeError) -> any MergeOperator
  /// For the files of the result.
  let folder: String

  /// - Parameter updates: with weights in basis points that sum to 10,000.
  func aggregate(start: AdapterBlob?, updates: [(blob: AdapterBlob, weight: UInt32)]) throws(RoundError) -> (bytes: [UInt8], norm: Double) {
    let change = try merged(updates)
    let steps = start?.segments.steps ?? 0
    var modules: [AdapterContents.Module] = [], ranks: [String: [Int]] = [:], squared = 0.0
    let names = Set(change.modules.map(\.name)).union(start?.adapter.modules.map(\.name) ?? []).sorted()
    for name in names {
      let new = change.modules.first { $0.name == name }, old = start?.adapter.module(name)
      var parts: [(module: AdapterContents.Module, scales: [Double])] = [], segments = old.map { start?.segments.ranks[name] ?? [$0.rank] } ?? []
      // The part of each term of the new sum that was not in the old one.
      var changed: [Double] = []
      while segments.count < steps + 1 { segments.append(0) }
      if let old, let start {
        let factors: (a: [Float], b: [Float])
        do throws(ModelFileError) { factors = try start.adapter.factors(of: old) } catch { throw RoundError(.update, error.message) }
        let growths = segments.enumerated().flatMap { index, rank in Array(repeating: growth(of: index, after: steps), count: rank) }
        let module = AdapterContents.Module(name: name, kind: old.kind, outputs: old.outputs, inputs: old.inputs, rank: old.rank, a: factors.a, b: factors.b)
        parts.append((module, growths.map { old.scale * $0 }))
        changed = growths.map { 1 - 1 / $0 }
      }
      if let new {
        parts.append((new, Array(repeating: coefficient(1), count: new.rank)))
        changed += Array(repeating: 1, count: new.rank)
      }
      segments.append(new?.rank ?? 0)
      let module = try Self.joined(parts)
      guard module.rank > 0 else { continue }
      guard module.rank <= Self.maximumRank else {
        throw RoundError(.work, "\(name) would have the rank \(module.rank); \(Self.maximumRank) is the most. Take merge.lora_svd, fewer outer steps, or a smaller rank")
      }
      squared += LowRankNorm.squared(a: module.a, b: module.b, rank: module.rank, inputs: module.inputs, outputs: module.outputs, scales: changed)
      modules.append(module)
      ranks[name] = segments
    }
    var contents = AdapterContents(modules: modules)
    (contents.targets, contents.baseModel, contents.taskType, contents.isTransposed) = (change.targets, change.baseModel, change.taskType, change.isTransposed)
    do throws(ModelFileError) { try AdapterWriter.write(contents, to: folder) } catch { throw RoundError(.work, error.message) }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let written = try AdapterBlob(folder: folder)
    let blob = try AdapterBlob(configuration: written.configuration, segments: .init(ranks: ranks, steps: steps + 1), tensors: written.tensors, name: "the aggregate")
    return (blob.encoded, squared.squareRoot())
  }

  /// c(T, s) for a step that is `age` steps old, 1 for the newest: η·(1 + μ + … + μ^age).
  private func coefficient(_ age: Int) -> Double {
    var sum = 1.0, power = 1.0
    for _ in 0..<age {
      power *= plan.outerMomentum
      sum += power
    }
    return plan.outerLearningRate * sum
  }

  /// What a segment is multiplied by when a step is added after `steps`. The first is what the round started from, and stays.
  private func growth(of segment: Int, after steps: Int) -> Double {
    segment == 0 || plan.outerMomentum == 0 ? 1 : coefficient(steps - segment + 2) / coefficient(steps - segment + 1)
  }

  /// The operator's merge of the updates.
  private func merged(_ updates: [(blob: AdapterBlob, weight: UInt32)]) throws(RoundError) -> AdapterContents {
    do throws(MergeError) {
      let operation = try resolve(plan.aggregator.id)
      let shared = try parameters(operation.info.parameters)
      let parameters = Parameters(shared: shared, perInput: updates.map { ["weight": .number(Double($0.weight) / 10_000)] })
      let inputs = updates.enumerated().map { AdapterMergeJob.Input(name: "update \($0)", adapter: $1.blob.adapter) }
      let job = AdapterMergeJob(inputs, rule: plan.aggregator.id, operation: operation, parameters: { (_) throws(MergeError) in parameters }, resolve: resolve)
      return try job.merged().contents
    } catch { throw RoundError(.work, error.message) }
  }

  private func parameters(_ specifications: [ParameterSpecification]) throws(MergeError) -> [String: ParameterValue] {
    guard !plan.aggregatorParameters.isEmpty else { return [:] }
    guard let object = try? OrderedJSON(parsing: Array(plan.aggregatorParameters.utf8)).object else {
      throw MergeError(.configuration, "the aggregator's parameters are no JSON object")
    }
    var result: [String: ParameterValue] = [:]
    for member in object.members {
      guard let specification = specifications.first(where: { $0.name == member.key && $0.scope == .shared }) else {
        throw MergeError(.configuration, "\(plan.aggregator.id) has no parameter \(member.key.prefix(60))")
      }
      switch member.value {
      case .bool(let flag): result[specification.name] = .boolean(flag)
      case .string(let text): result[specification.name] = .string(text)
      case .number(let text):
        guard let number = Double(text), number.isFinite else { throw MergeError(.configuration, "\(member.key) is not a number") }
        result[specification.name] = .number(number)
      default: throw MergeError(.configuration, "\(member.key.prefix(60)) is neither number, text nor true or false")
      }
    }
    return result
  }

  /// Factors side by side; the rows of A scaled in float64 and rounded once.
  private static func joined(_ parts: [(module: AdapterContents.Module, scales: [Double])]) throws(RoundError) -> AdapterContents.Module {
    let first = parts[0].module
    for part in parts where (part.module.outputs, part.module.inputs, part.module.kind) != (first.outputs, first.inputs, first.kind) {
      throw RoundError(.update, "\(first.name) changes \(part.module.outputs) × \(part.module.inputs) in one adapter and \(first.outputs) × \(first.inputs) in another")
    }
    let rank = parts.reduce(0) { $0 + $1.module.rank }
    var a: [Float] = []
    a.reserveCapacity(rank * first.inputs)
    for (module, scales) in parts {
      for row in 0..<module.rank { for column in 0..<module.inputs { a.append(Float(scales[row] * Double(module.a[row * module.inputs + column]))) } }
    }
    let b = [Float](unsafeUninitializedCapacity: first.outputs * rank) { target, count in
      var offset = 0
      for (module, _) in parts {
        for row in 0..<module.outputs { for column in 0..<module.rank { target[row * rank + offset + column] = module.b[row * module.rank + column] } }
        offset += module.rank
      }
      count = first.outputs * rank
    }
    return AdapterContents.Module(name: first.name, kind: first.kind, outputs: first.outputs, inputs: first.inputs, rank: rank, a: a, b: b)
  }
}
