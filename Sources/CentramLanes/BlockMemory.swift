public import CentramPluginAPI

/// Where a merge's blocks lie. An operator in another process brings memory that both processes see, so no block is copied.
public protocol BlockMemory: Sendable {
  /// Room for one worker's blocks of at most `length` elements; given back with the last reference to it.
  func room(inputs: Int, length: Int) throws(PluginError) -> any BlockRoom
}

public protocol BlockRoom: AnyObject, Sendable {
  /// One buffer an input.
  var inputs: [UnsafeMutablePointer<Float>] { get }
  var output: UnsafeMutablePointer<Float> { get }
}

/// A merge operator that is fastest with blocks in memory of its own.
public protocol BringsBlockMemory: MergeOperator {
  var blockMemory: any BlockMemory { get }
}

/// A driver that can hand over several neighbouring blocks of a stripe at once, for an operator to which the way is long.
public protocol DrivesRuns: MergeDriver {
  /// As `run`. What `body` gets covers up to `blocks` blocks and is to be cut into blocks of `length` elements again, the last of which may be shorter.
  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool, blocks: Int,
    _ body: @Sendable (_ stripe: Int, _ blocks: MergeBlock, _ length: Int) throws(PluginError) -> Void
  ) throws(PluginError)
}
