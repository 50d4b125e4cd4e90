// SPDX-License-Identifier: Apache-2.0

/// What a merge operator wants of its inputs.
public struct MergeNeeds: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Refuses to run without a base model.
  public static var base: MergeNeeds { .init(rawValue: 1) }
  /// The base is just another input (linear, karcher).
  public static var baseAsInput: MergeNeeds { .init(rawValue: 2) }
  /// The result depends on the seed.
  public static var seed: MergeNeeds { .init(rawValue: 4) }
}

/// What a user must know to use a merge operator.
public struct MergeOperatorInfo: Sendable {
  public var needs: MergeNeeds
  /// How many inputs it takes; the base does not count, unless it is just another input.
  public var inputs: ClosedRange<Int>
  public var parameters: [ParameterSpecification]

  public init(needs: MergeNeeds = [], inputs: ClosedRange<Int> = 1...64, parameters: [ParameterSpecification] = []) {
    (self.needs, self.inputs, self.parameters) = (needs, inputs, parameters)
  }
}

/// Mathematics on the tensors of several models. An operator offers one ability or more: `TensorMerging`,
/// `AdapterMerging`, `AdapterExtracting`.
///
/// The host reads files, converts number formats, cuts tensors into blocks and schedules cores. It makes one instance
/// a job and calls it from one thread a tensor, never twice at once for the same instance.
public protocol MergeOperator: Sendable {
  var info: MergeOperatorInfo { get }
}

/// Merges whole checkpoints tensor by tensor.
public protocol TensorMerging: MergeOperator {
  /// Writes every element of the output through `request.forEachBlock`, exactly once.
  ///
  /// The result must not depend on how the tensor is cut into blocks, on the number of threads, or on other tensors.
  func merge(_ request: MergeRequest) throws(PluginError)
}

/// Where a tensor may be cut.
@frozen public enum BlockGranularity: Int32, Sendable {
  /// Anywhere.
  case any = 0
  /// Between rows: runs along the last axis. A vector is one row.
  case rows
  /// Nowhere. Costs memory for the whole tensor and its inputs.
  case whole
}

/// A run of elements of one tensor: views that the host lends for the call.
@frozen public struct MergeBlock: @unchecked Sendable {
  /// Of the first element, in row-major order.
  public let offset: Int
  public let count: Int
  /// One pointer to `count` elements for each input; do not read those that were not asked for.
  public let inputs: UnsafePointer<UnsafePointer<Float>>
  /// `count` elements to write. In a reduction there is no output: do not touch it.
  public let output: UnsafeMutablePointer<Float>

  @inlinable public init(
    offset: Int, count: Int, inputs: UnsafePointer<UnsafePointer<Float>>, output: UnsafeMutablePointer<Float>
  ) {
    (self.offset, self.count, self.inputs, self.output) = (offset, count, inputs, output)
  }

  @inlinable public func input(_ index: Int) -> UnsafeBufferPointer<Float> { .init(start: inputs[index], count: count) }
  @inlinable public var outputBuffer: UnsafeMutableBufferPointer<Float> { .init(start: output, count: count) }
}

/// Fixes which elements random methods keep, so that a result can be compared with another implementation's.
public protocol MaskProvider: Sendable {
  /// Fills `mask` with 1 (keep) or 0 and returns true, or returns false where it has none for this tensor and model.
  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool
}

/// The host's side of a request: runs a body over the blocks of a tensor.
public protocol MergeDriver: Sendable {
  /// How many stripes `run` will use. Depends on the tensor and the granularity, never on the threads.
  func stripeCount(_ granularity: BlockGranularity) -> Int
  /// Calls `body` for blocks that cover the tensor once. Blocks of one stripe come in order and on one thread at a
  /// time; stripes run at once. Stops at the first error and throws it.
  /// - Parameter inputs: the inputs wanted; nil: all.
  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool,
    _ body: @Sendable (_ stripe: Int, _ block: MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError)
}
