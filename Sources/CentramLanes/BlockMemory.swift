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
