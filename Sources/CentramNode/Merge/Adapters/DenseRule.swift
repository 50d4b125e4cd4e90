internal import CentramPluginAPI
internal import Synchronization

/// Runs a dense operator on small matrices in memory, each a change from a base of zeros.
struct DenseRule {
  let operation: any TensorMerging
  let isCancelled: @Sendable () -> Bool

  func merge(
    _ matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64,
    masks: (any MaskProvider)?
  ) throws(PluginError) -> [Float] {
    let info = operation.info
    guard info.inputs.contains(matrices.count) else {
      throw PluginError(.invalid, "\(name): the rule takes \(info.inputs) inputs, not \(matrices.count)")
    }
    guard matrices.allSatisfy({ $0.count == rows * columns }) else {
      throw PluginError(.shapeMismatch, "\(name): not all inputs have \(rows) × \(columns) elements")
    }
    // Where the base is an input like the others, there is none of zeros: the first adapter stands for it.
    let addsBase = info.needs.contains(.base) && !info.needs.contains(.baseAsInput)
    var parameters = parameters
    if addsBase { parameters.perInput.insert([:], at: 0) }
    let inputs = (addsBase ? [Array(repeating: 0, count: rows * columns)] : []) + matrices
    let sink = ArraySink(count: rows * columns)
    let driver = BlockDriver(
      shape: [rows, columns], sources: inputs.map(ArraySource.init), sink: sink, pool: WorkerPool(workers: 1), isCancelled: isCancelled)
    try operation.merge(
      MergeRequest(
        tensor: name, shape: [rows, columns], models: (addsBase ? ["base"] : []) + models, baseIndex: info.needs.contains(.base) ? 0 : nil,
        parameters: parameters.withDefaults(info.parameters, inputs: inputs.count), seed: seed, masks: masks, driver: driver))
    return sink.floats
  }

  private final class ArraySink: TensorSink {
    private let storage: Mutex<[Float]>
    init(count: Int) { storage = Mutex(Array(repeating: 0, count: count)) }
    var floats: [Float] { storage.withLock { $0 } }
    func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
      storage.withLock { array in
        for index in 0..<count { array[offset + index] = floats[index] }
      }
    }
  }
}

extension Parameters {
  /// These, with the defaults of what is not set.
  func withDefaults(_ specifications: [ParameterSpecification], inputs: Int) -> Parameters {
    var result = self
    while result.perInput.count < inputs { result.perInput.append([:]) }
    for specification in specifications {
      guard let value = specification.defaultValue else { continue }
      if specification.scope == .shared {
        result.shared[specification.name] = shared[specification.name] ?? value
      } else {
        for input in 0..<inputs { result.perInput[input][specification.name] = result.perInput[input][specification.name] ?? value }
      }
    }
    return result
  }
}
