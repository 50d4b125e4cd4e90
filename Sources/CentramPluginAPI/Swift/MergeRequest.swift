// SPDX-License-Identifier: Apache-2.0

/// One tensor to merge. Everything in it is lent for the call.
public struct MergeRequest: Sendable {
  /// The tensor's name in the output.
  public let tensor: String
  /// Extents, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The inputs' names, as the user wrote them, the base among them where there is one.
  public let models: [String]
  /// Which input is the base model.
  public let baseIndex: Int?
  public let parameters: Parameters
  public let seed: UInt64
  public let masks: (any MaskProvider)?
  public let driver: any MergeDriver

  public init(
    tensor: String, shape: [Int], models: [String], baseIndex: Int?, parameters: Parameters, seed: UInt64 = 0,
    masks: (any MaskProvider)? = nil, driver: any MergeDriver
  ) {
    (self.tensor, self.shape, self.models, self.baseIndex) = (tensor, shape, models, baseIndex)
    (self.parameters, self.seed, self.masks, self.driver) = (parameters, seed, masks, driver)
  }

  public var count: Int { shape.reduce(1, *) }
  /// Length of a row: the last axis; 1 for a scalar.
  public var rowLength: Int { shape.last ?? 1 }
  /// The inputs that are not the base, in the user's order.
  public var others: [Int] { models.indices.filter { $0 != baseIndex } }

  /// Calls `body`, from several threads at once, for blocks that cover the tensor once; it writes `block.output`.
  /// - Parameter inputs: the inputs that `body` reads; nil: all.
  public func forEachBlock(
    _ granularity: BlockGranularity = .any, inputs: [Int]? = nil,
    _ body: @Sendable (MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    try driver.run(granularity, inputs: inputs, writingOutput: true) { (_, block) throws(PluginError) in try body(block) }
  }

  /// Folds over the tensor. Stripes fold on their own, each in order from `initial`, and are combined in order, so the
  /// result has the same bits for any number of threads.
  public func reduce<State: Sendable>(
    _ granularity: BlockGranularity = .any, inputs: [Int]? = nil, _ initial: @Sendable () -> State,
    _ body: @Sendable (inout State, MergeBlock) throws(PluginError) -> Void, combine: (inout State, State) -> Void
  ) throws(PluginError) -> State {
    let count = max(1, driver.stripeCount(granularity))
    let states = UnsafeMutableBufferPointer<State>.allocate(capacity: count)
    for index in 0..<count { states.initializeElement(at: index, to: initial()) }
    defer { states.deinitialize().deallocate() }
    // A stripe is on one thread at a time, so each state has one writer.
    nonisolated(unsafe) let shared = states
    try driver.run(granularity, inputs: inputs, writingOutput: false) { (stripe, block) throws(PluginError) in
      try body(&shared[stripe], block)
    }
    var result = states[0]
    for index in 1..<count { combine(&result, states[index]) }
    return result
  }

  /// Fills `mask` for one input from the caller's own masks.
  /// - Returns: false where there are none: then the operator draws its own.
  public func fillMask(_ mask: UnsafeMutableBufferPointer<UInt8>, input: Int, offset: Int) -> Bool {
    masks?.fill(mask, tensor: tensor, model: models[input], offset: offset) ?? false
  }
}
