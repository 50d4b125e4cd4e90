// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Runs a merge operator on arrays, one block after the other, on one thread: the plain judge of the fast driver.
public enum OperatorHarness {
  /// - Parameters:
  ///   - inputs: one array an input, each as long as the shape says.
  ///   - blockSize: elements a block; for `.rows` rounded to whole rows.
  ///   - parameters: as the user gave them; the operator's defaults are filled in.
  public static func merge(
    _ operation: any TensorMerging, _ inputs: [[Float]], shape: [Int], base: Int? = nil, parameters: Parameters = Parameters(),
    models: [String]? = nil, tensor: String = "t", seed: UInt64 = 0, masks: (any MaskProvider)? = nil, blockSize: Int = 1000
  ) throws(PluginError) -> [Float] {
    let driver = ArrayDriver(inputs, shape: shape, blockSize: blockSize)
    let models = models ?? inputs.indices.map { "model\($0)" }
    try operation.merge(
      MergeRequest(
        tensor: tensor, shape: shape, models: models, baseIndex: base,
        parameters: parameters.filled(from: operation.info.parameters, inputs: inputs.count), seed: seed, masks: masks, driver: driver))
    return Array(driver.output)
  }
}

/// Lends arrays in blocks.
final class ArrayDriver: MergeDriver, @unchecked Sendable {
  private let inputs: [UnsafeMutableBufferPointer<Float>]
  let output: UnsafeMutableBufferPointer<Float>
  private let rowLength: Int, blockSize: Int

  init(_ inputs: [[Float]], shape: [Int], blockSize: Int) {
    let count = shape.reduce(1, *)
    precondition(inputs.allSatisfy { $0.count == count }, "each input holds as many elements as the shape \(shape)")
    self.inputs = inputs.map { values in
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
      _ = buffer.initialize(from: values)
      return buffer
    }
    output = .allocate(capacity: count)
    // NaN shows what an operator forgot to write.
    output.initialize(repeating: .nan)
    (rowLength, self.blockSize) = (max(1, shape.last ?? 1), blockSize)
  }

  deinit {
    inputs.forEach { $0.deallocate() }
    output.deallocate()
  }

  private func length(_ granularity: BlockGranularity) -> Int {
    switch granularity {
    case .any: blockSize
    case .rows: max(1, blockSize / rowLength) * rowLength
    case .whole: max(1, output.count)
    }
  }

  func stripeCount(_ granularity: BlockGranularity) -> Int { min(3, (output.count + length(granularity) - 1) / length(granularity)) }

  func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool,
    _ body: @Sendable (_ stripe: Int, _ block: MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let length = length(granularity)
    let blocks = (output.count + length - 1) / length, stripes = stripeCount(granularity)
    for stripe in 0..<stripes {
      for block in (stripe * blocks / stripes)..<((stripe + 1) * blocks / stripes) {
        let offset = block * length
        let pointers = inputs.map { UnsafePointer($0.baseAddress! + offset) }
        let result: Result<Void, PluginError> = pointers.withUnsafeBufferPointer { list in
          do throws(PluginError) {
            try body(
              stripe,
              MergeBlock(
                offset: offset, count: min(length, output.count - offset), inputs: list.baseAddress!,
                output: output.baseAddress! + offset))
            return .success(())
          } catch { return .failure(error) }
        }
        try result.get()
      }
    }
  }
}

extension Parameters {
  /// Fills in the defaults that `specifications` state.
  public func filled(from specifications: [ParameterSpecification], inputs: Int) -> Parameters {
    var result = self
    while result.perInput.count < inputs { result.perInput.append([:]) }
    for specification in specifications {
      guard let value = specification.defaultValue else { continue }
      switch specification.scope {
      case .shared: result.shared[specification.name] = shared[specification.name] ?? value
      case .perInput:
        for input in 0..<inputs {
          result.perInput[input][specification.name] = result.perInput[input][specification.name] ?? value
        }
      @unknown default: continue
      }
    }
    return result
  }
}
