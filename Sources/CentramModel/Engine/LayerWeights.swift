internal import CModelKernels

/// A matrix and its bias as the kernels take them: y[outputs] = weight · x[inputs] + bias. Valid as long as the model.
public struct LinearWeights: @unchecked Sendable {
  public let format: WeightFormat
  public let outputs: Int
  public let inputs: Int
  /// `outputs` rows of `format.rowSize(columns: inputs)` bytes, at any alignment.
  public let weight: UnsafeRawPointer
  /// One an output; nil where there is none.
  public let bias: UnsafePointer<Float>?

  /// Whether the 8-bit profile has integer products for this format.
  let hasInt8: Bool

  init(format: WeightFormat, outputs: Int, inputs: Int, weight: UnsafeRawPointer, bias: UnsafePointer<Float>?) {
    (self.format, self.outputs, self.inputs, self.weight, self.bias) = (format, outputs, inputs, weight, bias)
    hasInt8 = mk_has_int8(format.kernel) != 0
  }
}

/// Valid as long as the model.
public struct NormWeights: @unchecked Sendable {
  /// One a channel.
  public let weight: UnsafePointer<Float>
  /// Nil for RMS norms.
  public let bias: UnsafePointer<Float>?
}

/// The weights of one block.
public struct LayerWeights: Sendable {
  public let attentionNorm: NormWeights
  public let feedForwardNorm: NormWeights
  let queryKeyValue: LinearWeights?
  let query: LinearWeights?
  let key: LinearWeights?
  let value: LinearWeights?
  let output: LinearWeights?
  let gate: LinearWeights?
  let up: LinearWeights?
  let down: LinearWeights?

  init(attentionNorm: NormWeights, feedForwardNorm: NormWeights, linears: [ModelFamily.Linear: LinearWeights]) {
    (self.attentionNorm, self.feedForwardNorm) = (attentionNorm, feedForwardNorm)
    (queryKeyValue, query, key, value) = (linears[.queryKeyValue], linears[.query], linears[.key], linears[.value])
    (output, gate, up, down) = (linears[.output], linears[.gate], linears[.up], linears[.down])
  }

  /// Nil where the family has no such matrix.
  public subscript(linear: ModelFamily.Linear) -> LinearWeights? {
    switch linear {
    case .queryKeyValue: queryKeyValue
    case .query: query
    case .key: key
    case .value: value
    case .output: output
    case .gate: gate
    case .up: up
    case .down: down
    }
  }
}
