/// What one session has for a step: the next tokens of a prompt, or the one that was chosen.
public struct StepInput {
  /// Whose logits a step gives.
  public enum Logits: Sendable { case none, last, all }

  /// At least one.
  public var tokens: [Int32]
  /// Where the session is; the step appends to it.
  public var cache: KeyValueCache
  /// Side paths of this session, in the order in which they are added; empty for the base alone.
  public var adapters: [AppliedAdapter]
  public var logits: Logits

  public init(tokens: [Int32], cache: KeyValueCache, adapters: [AppliedAdapter] = [], logits: Logits = .last) {
    (self.tokens, self.cache, self.adapters, self.logits) = (tokens, cache, adapters, logits)
  }
}

/// An adapter in use, and how much of it.
public struct AppliedAdapter: Sendable, Equatable {
  public var weights: AdapterWeights
  /// Multiplies the adapter's own scale.
  public var scale: Float
  public init(_ weights: AdapterWeights, scale: Float = 1) { (self.weights, self.scale) = (weights, scale) }

  public static func == (one: Self, other: Self) -> Bool { one.weights === other.weights && one.scale == other.scale }
}

/// Logits of a step, in the engine's memory: valid until the engine is used again, and no longer than the engine lives.
public struct Logits {
  public let vocabulary: Int
  /// Rows of all inputs together, in the order of the inputs.
  public let count: Int
  /// Where each input's rows begin, and `count` at the end.
  let starts: [Int]
  let base: UnsafeMutablePointer<Float>

  /// - Parameter index: less than `count`.
  public subscript(index: Int) -> UnsafeMutableBufferPointer<Float> {
    precondition(index >= 0 && index < count, "row \(index) of \(count)")
    return UnsafeMutableBufferPointer(start: base + index * vocabulary, count: vocabulary)
  }

  /// The rows of one input: none, one, or one a token.
  public func rows(of input: Int) -> Range<Int> { starts[input]..<starts[input + 1] }

  /// The logits after an input's last token.
  public func last(of input: Int) -> UnsafeMutableBufferPointer<Float> { self[starts[input + 1] - 1] }
}
