internal import CKernels
public import CentramPluginAPI

/// Memory of another's for one worker's block.
public struct BlockRoomPlaces {
  /// Where each input is converted to.
  public var inputs: [UnsafeMutablePointer<Float>]
  public var output: UnsafeMutablePointer<Float>
  /// Where an operator finds the inputs, if that is a view that it cannot write to; nil: where they are converted to.
  public var views: [UnsafePointer<Float>]?

  public init(inputs: [UnsafeMutablePointer<Float>], output: UnsafeMutablePointer<Float>, views: [UnsafePointer<Float>]? = nil) {
    (self.inputs, self.output, self.views) = (inputs, output, views)
  }
}

/// Room for one worker's block: the converted inputs and the output.
public final class BlockBuffers {
  public let output: UnsafeMutablePointer<Float>
  fileprivate let pointers: UnsafeMutablePointer<UnsafePointer<Float>>
  private var buffers: [UnsafeMutablePointer<Float>?]
  private let length: Int
  private let places: BlockRoomPlaces?

  /// - Parameters:
  ///   - length: elements of the longest block.
  ///   - memory: a buffer of that length for each input and one for the output, which outlive this; nil: memory of its own.
  public init(inputs: Int, length: Int, memory: BlockRoomPlaces? = nil) {
    (self.length, places) = (max(1, length), memory)
    output = memory?.output ?? .allocate(capacity: self.length)
    buffers = memory?.inputs ?? Array(repeating: nil, count: inputs)
    pointers = .allocate(capacity: max(1, inputs))
    // An input that is not read has an address all the same.
    pointers.initialize(repeating: UnsafePointer(output), count: max(1, inputs))
  }

  deinit {
    pointers.deallocate()
    guard places == nil else { return }
    for buffer in buffers { buffer?.deallocate() }
    output.deallocate()
  }

  /// - Returns: false where it was asked to look and found NaN or infinity.
  fileprivate func fill(_ input: Int, from source: any ElementSource, offset: Int, count: Int, checking: Bool) -> Bool {
    // Memory without views is there for somebody who must find the inputs in it.
    if places == nil || places?.views != nil, let lent = source.lend(offset: offset, count: count) {
      pointers[input] = lent
      return !checking || ck_all_within(lent, .greatestFiniteMagnitude, count) == 1
    }
    let buffer = buffers[input] ?? .allocate(capacity: length)
    buffers[input] = buffer
    pointers[input] = places?.views?[input] ?? UnsafePointer(buffer)
    if checking { return source.readFinite(offset: offset, count: count, into: buffer) }
    source.read(offset: offset, count: count, into: buffer)
    return true
  }
}

/// The loop over neighbouring blocks of a tensor. In process and in a plugin's own process it is this one, so that results have the same bits.
public struct BlockLoop {
  /// An element that is NaN or infinity where that may not be.
  public struct NonFinite: Equatable, Sendable {
    public let input: Int
    /// Of the tensor.
    public let element: Int

    public init(input: Int, element: Int) { (self.input, self.element) = (input, element) }
  }

  private let sources: [(any ElementSource)?]
  private let checking: [Bool]
  private let buffers: BlockBuffers

  /// - Parameters:
  ///   - sources: one an input; nil where it is not read.
  ///   - checking: for each input whether NaN and infinity end the loop.
  public init(_ sources: [(any ElementSource)?], checking: [Bool], in buffers: BlockBuffers) {
    (self.sources, self.checking, self.buffers) = (sources, checking, buffers)
  }

  /// Converts blocks of `length` elements, the last of which may be shorter, from `offset` on and calls `body` for each.
  /// - Parameter body: returns whether to go on.
  /// - Returns: what ended the loop, where that was an element of an input.
  public func run(offset: Int, count: Int, length: Int, _ body: (MergeBlock) throws(PluginError) -> Bool) throws(PluginError) -> NonFinite? {
    for start in stride(from: offset, to: offset + count, by: length) {
      let size = min(length, offset + count - start)
      for (input, source) in sources.enumerated() {
        guard let source, !buffers.fill(input, from: source, offset: start, count: size, checking: checking[input]) else { continue }
        let floats = buffers.pointers[input]
        return NonFinite(input: input, element: start + ((0..<size).first { !floats[$0].isFinite } ?? 0))
      }
      guard try body(MergeBlock(offset: start, count: size, inputs: UnsafePointer(buffers.pointers), output: buffers.output)) else { return nil }
    }
    return nil
  }
}
