// What merge operators do with a request again and again: passes that know their stripe, pieces of a block, inputs as
// the kernels want them.

public import CentramPluginAPI

/// Elements that an operator works on at a time within a block, where it needs buffers of its own.
public let pieceLength = 2048

extension MergeRequest {
  /// Folds over each stripe on its own, its blocks in order.
  /// - Returns: the states in the order of the stripes; at least one.
  public func foldStripes<State: Sendable>(
    _ granularity: BlockGranularity = .any, inputs: [Int]? = nil, _ initial: @Sendable () -> State,
    _ body: @Sendable (inout State, _ stripe: Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) -> [State] {
    var states = (0..<max(1, driver.stripeCount(granularity))).map { _ in initial() }
    let result: Result<Void, PluginError> = states.withUnsafeMutableBufferPointer { buffer in
      // A stripe is on one thread at a time, so each state has one writer.
      nonisolated(unsafe) let shared = buffer
      do throws(PluginError) {
        try driver.run(granularity, inputs: inputs, writingOutput: false) { (stripe, block) throws(PluginError) in
          try body(&shared[stripe], stripe, block)
        }
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
    return states
  }

  /// Writes the output like `forEachBlock`, with the stripe of each block.
  public func writeStripes(
    _ granularity: BlockGranularity = .any, inputs: [Int]? = nil,
    _ body: @Sendable (_ stripe: Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    try driver.run(granularity, inputs: inputs, writingOutput: true, body)
  }

  /// The index of the base model.
  /// - Throws: `.invalid` where there is none.
  public func base() throws(PluginError) -> Int {
    guard let baseIndex else { throw PluginError(.invalid, "\(tensor): this method needs a base model") }
    return baseIndex
  }

  /// Makes sure of what an operator says that it needs: the number of its inputs, a base, and numbers inside their limits.
  /// - Throws: `.invalid`. A host asks before it calls; others may not.
  public func check(against info: MergeOperatorInfo) throws(PluginError) {
    if info.needs.contains(.base) { _ = try base() }
    let count = info.needs.contains(.baseAsInput) ? models.count : others.count
    guard info.inputs.contains(count) else {
      let (least, most) = (info.inputs.lowerBound, info.inputs.upperBound)
      throw PluginError(.invalid, "\(tensor): this method takes \(least == most ? "\(least)" : "\(least) to \(most)") inputs, not \(count)")
    }
    for specification in info.parameters {
      guard let limits = specification.limits else { continue }
      for input in specification.scope == .shared ? [nil] : models.indices.map(Optional.some) {
        guard let value = try parameters.number(specification.name, input: input), !limits.contains(value) else { continue }
        throw PluginError(.invalid, "\(tensor): \(specification.name) is \(value), not between \(limits.lowerBound) and \(limits.upperBound)")
      }
    }
  }

  /// The values of a required parameter for some inputs.
  public func numbers(_ name: String, of inputs: [Int]) throws(PluginError) -> [Double] {
    var result: [Double] = []
    for input in inputs { result.append(try parameters.requiredNumber(name, input: input)) }
    return result
  }
}

extension MergeBlock {
  /// Calls `body` with pointers to some inputs at element `start` of the block, as the kernels take them.
  public func withInputs<R>(_ wanted: [Int], from start: Int = 0, _ body: (UnsafePointer<UnsafePointer<Float>?>) -> R) -> R {
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: max(1, wanted.count)) { pointers in
      for (slot, input) in wanted.enumerated() { pointers.initializeElement(at: slot, to: inputs[input] + start) }
      return body(UnsafePointer(pointers.baseAddress!))
    }
  }

  /// Cuts the block into pieces.
  public func forEachPiece(_ body: (_ start: Int, _ count: Int) throws(PluginError) -> Void) throws(PluginError) {
    var start = 0
    while start < count {
      let length = min(pieceLength, count - start)
      try body(start, length)
      start += length
    }
  }
}

/// Room for floats or the like that lives for one call.
public func withScratch<Element: BitwiseCopyable>(
  _ type: Element.Type, _ count: Int, _ body: (UnsafeMutablePointer<Element>) throws(PluginError) -> Void
) throws(PluginError) {
  // The temporary allocator knows no typed errors.
  let result: Result<Void, PluginError> = withUnsafeTemporaryAllocation(of: type, capacity: max(1, count)) { buffer in
    do throws(PluginError) {
      try body(buffer.baseAddress!)
      return .success(())
    } catch { return .failure(error) }
  }
  try result.get()
}
