internal import CentramModel
internal import CentramPluginAPI
internal import Synchronization

/// How one job's modules are merged: by which operator, with which parameters.
struct AdapterRoute {
  private enum Way {
    case direct
    /// A dense rule that is a weighted sum: its weights, and the operator that adds up exactly.
    case sum
    /// A dense rule inside Core Space.
    case coreSpace
  }

  private let job: AdapterMergeJob
  private let way: Way
  private let merging: any AdapterMerging
  private let recompressing: (any AdapterMerging)?

  init(_ job: AdapterMergeJob) throws(MergeError) {
    self.job = job
    let name = Self.plain(job.rule)
    if let operation = job.operation as? any AdapterMerging {
      (way, merging) = (.direct, operation)
    } else if job.operation is any TensorMerging {
      way = ["linear", "task_arithmetic"].contains(name) ? .sum : .coreSpace
      merging = try Self.adapterOperator(way == .sum ? "merge.lora_cat" : "merge.core_space", job)
    } else {
      throw MergeError(.operator, "\(job.rule) merges neither adapters nor tensors")
    }
    recompressing = try job.options.outputRank == nil ? nil : Self.adapterOperator("merge.lora_svd", job)
  }

  static func plain(_ rule: String) -> String { rule.hasPrefix("merge.") ? String(rule.dropFirst(6)) : rule }

  private static func adapterOperator(_ id: String, _ job: AdapterMergeJob) throws(MergeError) -> any AdapterMerging {
    guard let operation = try job.resolve(id) as? any AdapterMerging else { throw MergeError(.operator, "\(id) does not merge adapters") }
    return operation
  }

  func merge(_ name: String) throws(MergeError) -> AdapterContents.Module {
    let present = job.inputs.indices.filter { job.inputs[$0].adapter.module(name) != nil }
    let modules = present.map { job.inputs[$0].adapter.module(name)! }
    for (index, module) in zip(present, modules) {
      let first = modules[0]
      guard (module.outputs, module.inputs, module.kind) == (first.outputs, first.inputs, first.kind) else {
        throw MergeError(
          .mismatch,
          "\(name): \(job.inputs[index].name) changes \(module.outputs) × \(module.inputs), \(job.inputs[present[0]].name) "
            + "\(first.outputs) × \(first.inputs); they are adapters of different bases")
      }
    }
    var parameters = try self.parameters(name)
    parameters.perInput = present.map { parameters.perInput[$0] }
    let lent = LentFactors()
    for (index, module) in zip(present, modules) { try lent.add(module, of: job.inputs[index]) }
    var result = try call(merging, name, modules[0], present.map { job.inputs[$0].name }, lent.factors, parameters)
    if let rank = job.options.outputRank, result.rank > rank, let recompressing {
      let whole = LentFactors()
      whole.add(a: result.a, b: result.b, rank: result.rank, scale: 1)
      let once = Parameters(shared: ["rank": .number(Double(rank))], perInput: [["weight": .number(1)]])
      result = try call(recompressing, name, modules[0], ["merged"], whole.factors, once)
    }
    return AdapterContents.Module(
      name: name, kind: modules[0].kind, outputs: modules[0].outputs, inputs: modules[0].inputs, rank: result.rank, a: result.a, b: result.b)
  }

  private func call(
    _ operation: any AdapterMerging, _ name: String, _ module: AdapterModule, _ models: [String], _ factors: [AdapterFactors],
    _ parameters: Parameters
  ) throws(MergeError) -> LowRankFactors {
    let host = RouteHost(job: job)
    do throws(PluginError) {
      try operation.merge(
        AdapterMergeRequest(
          module: name, outputs: module.outputs, inputs: module.inputs, models: models, factors: factors, parameters: parameters,
          seed: job.options.seed, masks: job.options.masks, host: host))
    } catch {
      throw MergeError(error.code == .cancelled ? .cancelled : error.code == .invalid ? .configuration : .operator, error.message)
    }
    guard let result = host.emitted.withLock({ $0 }) else { throw MergeError(.operator, "\(job.rule) gave no factors for \(name)") }
    return result
  }

  /// The user's parameters for all inputs, with defaults and what the operator wants to know of the whole merge.
  private func parameters(_ name: String) throws(MergeError) -> Parameters {
    let specifications = job.operation.info.parameters
    var parameters = try job.parameters(name).withDefaults(specifications, inputs: job.inputs.count)
    switch way {
    case .direct:
      let ranks = job.inputs.map { max($0.adapter.configuration.rank, $0.adapter.modules.map(\.rank).max() ?? 0) }
      let facts = ["adapter_count": job.inputs.count, "largest_rank": ranks.max() ?? 0, "sum_of_ranks": ranks.reduce(0, +)]
      for (fact, value) in facts where specifications.contains(where: { $0.name == fact }) { parameters.shared[fact] = .number(Double(value)) }
    case .sum: parameters = try summing(parameters, name)
    case .coreSpace: parameters.shared["rule"] = .string(Self.plain(job.rule))
    }
    return parameters
  }

  /// The weights with which the dense rule adds up changes. They are normalized over all adapters: one that lacks a module
  /// takes part with a change of zero, as it would if checkpoints were merged.
  private func summing(_ parameters: Parameters, _ name: String) throws(MergeError) -> Parameters {
    do throws(PluginError) {
      var weights: [Double] = []
      for input in job.inputs.indices { weights.append(try parameters.requiredNumber("weight", input: input)) }
      let lambda = try parameters.number("lambda") ?? 1
      var divisor = 1.0
      if try parameters.flag("normalize") {
        divisor = weights.reduce(0, +)
        if abs(divisor) < 1e-8 {
          guard Self.plain(job.rule) != "linear" else { throw PluginError(.invalid, "\(name): the weights sum to 0, so they cannot be normalized") }
          divisor = 1
        }
      }
      return Parameters(perInput: weights.map { ["weight": .number($0 * lambda / divisor)] })
    } catch {
      throw MergeError(.configuration, error.message)
    }
  }
}

/// Takes an operator's factors, and lends it dense rules.
private final class RouteHost: AdapterMergeHost {
  let job: AdapterMergeJob
  let emitted = Mutex<LowRankFactors?>(nil)

  init(job: AdapterMergeJob) { self.job = job }

  func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError) {
    let isFirst = emitted.withLock { slot in
      defer { slot = LowRankFactors(rank: rank, a: a, b: b) }
      return slot == nil
    }
    guard isFirst else { throw PluginError(.invalid, "\(module): factors were handed over twice") }
  }

  func apply(
    rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
  ) throws(PluginError) -> [Float] {
    let operation: any MergeOperator
    do throws(MergeError) {
      operation = try AdapterRoute.plain(rule) == AdapterRoute.plain(job.rule) ? job.operation : job.resolve(rule)
    } catch {
      throw PluginError(.unavailable, error.message)
    }
    guard let dense = operation as? any TensorMerging else {
      throw PluginError(
        .invalid, "the rule \"\(rule)\" does not merge tensors, so it cannot work on coordinates; take ties, task_arithmetic or the like")
    }
    return try DenseRule(operation: dense, isCancelled: job.options.isCancelled).merge(
      matrices, rows: rows, columns: columns, name: name, models: models, parameters: parameters, seed: seed, masks: job.options.masks)
  }
}

/// Factors of several adapters, kept in place for a call.
private final class LentFactors {
  private(set) var factors: [AdapterFactors] = []
  private var buffers: [UnsafeMutableBufferPointer<Float>] = []

  func add(_ module: AdapterModule, of input: AdapterMergeJob.Input) throws(MergeError) {
    do throws(ModelFileError) {
      let (a, b) = try input.adapter.factors(of: module)
      add(a: a, b: b, rank: module.rank, scale: module.scale)
    } catch {
      throw MergeError(.input, error.message)
    }
  }

  func add(a: [Float], b: [Float], rank: Int, scale: Double) {
    factors.append(AdapterFactors(a: copy(a), b: copy(b), rank: rank, scale: scale))
  }

  private func copy(_ floats: [Float]) -> UnsafePointer<Float> {
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, floats.count))
    _ = buffer.initialize(from: floats)
    buffers.append(buffer)
    return UnsafePointer(buffer.baseAddress!)
  }

  deinit { buffers.forEach { $0.deallocate() } }
}
