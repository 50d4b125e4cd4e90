import CentramPluginAPI
import Synchronization

/// Lends whole tensors, cut into blocks of a fixed size; stripes run one after another or at once.
final class LendingDriver: MergeDriver, @unchecked Sendable {
  let inputs: [UnsafeMutableBufferPointer<Float>]
  let output: UnsafeMutableBufferPointer<Float>
  let blockSize: Int, stripes: Int

  init(_ inputs: [[Float]], blockSize: Int = .max, stripes: Int = 1) {
    self.inputs = inputs.map { values in
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, values.count))
      _ = buffer.initialize(from: values)
      return buffer
    }
    output = .allocate(capacity: max(1, inputs.first?.count ?? 0))
    output.initialize(repeating: .nan)
    (self.blockSize, self.stripes) = (blockSize, stripes)
  }

  deinit {
    for buffer in inputs { buffer.deallocate() }
    output.deallocate()
  }

  var result: [Float] { Array(output) }

  func stripeCount(_ granularity: BlockGranularity) -> Int { stripes }

  func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool,
    _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let share = (output.count + stripes - 1) / stripes
    for stripe in 0..<stripes {
      let end = min(output.count, (stripe + 1) * share)
      var offset = stripe * share
      while offset < end {
        let count = min(blockSize, end - offset)
        let pointers = inputs.map { UnsafePointer($0.baseAddress! + offset) }
        var failure: PluginError?
        pointers.withUnsafeBufferPointer { buffer in
          do throws(PluginError) {
            try body(stripe, MergeBlock(offset: offset, count: count, inputs: buffer.baseAddress!, output: output.baseAddress! + offset))
          } catch { failure = error }
        }
        if let failure { throw failure }
        offset += count
      }
    }
  }
}

extension MergeRequest {
  /// A request for one vector.
  static func vector(
    _ driver: LendingDriver, weights: [Double]? = nil, shared: [String: ParameterValue] = [:], seed: UInt64 = 0, masks: (any MaskProvider)? = nil
  ) -> MergeRequest {
    let names = driver.inputs.indices.map { "model-\($0)" }
    let perInput = (weights ?? []).map { ["weight": ParameterValue.number($0)] }
    return MergeRequest(
      tensor: "blk.0.weight", shape: [driver.output.count], models: names, baseIndex: nil,
      parameters: Parameters(shared: shared, perInput: perInput), seed: seed, masks: masks, driver: driver)
  }
}

extension MergeOperator {
  /// Merges vectors with this operator.
  func merged(_ driver: LendingDriver, weights: [Double]? = nil, shared: [String: ParameterValue] = [:]) throws -> [Float] {
    guard let merging = self as? any TensorMerging else { throw PluginError(.unsupported, "not a TensorMerging") }
    try merging.merge(.vector(driver, weights: weights, shared: shared))
    return driver.result
  }
}
