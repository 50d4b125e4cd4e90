internal import CModelKernels

/// An engine's working memory: room for the rows of a chunk, grown by need and kept.
final class Scratch {
  /// rows × hidden: the residual stream.
  private(set) var residual: UnsafeMutablePointer<Float>
  /// rows × hidden: what a norm gives, and what the feed-forward part and attention give back.
  private(set) var normed: UnsafeMutablePointer<Float>
  private(set) var delta: UnsafeMutablePointer<Float>
  /// rows × (queries, keys, values).
  private(set) var projected: UnsafeMutablePointer<Float>
  /// rows × query width: what attention reads from the values.
  private(set) var mixed: UnsafeMutablePointer<Float>
  /// rows × intermediate.
  private(set) var gate: UnsafeMutablePointer<Float>
  private(set) var up: UnsafeMutablePointer<Float>
  private(set) var attention: UnsafeMutableBufferPointer<mk_attention_row>
  /// Of the 8-bit profile.
  private(set) var activations: UnsafeMutableRawPointer?
  /// Matrices that are multiplied together, first those of 8-bit products, then the others.
  let group: UnsafeMutablePointer<mk_matrix>
  private(set) var rows = 0
  /// Floats of a row of `projected`.
  let projectedWidth: Int
  private let configuration: ModelConfiguration
  private let profile: NumericProfile
  private var buffers: [FloatBuffer] = []

  init(_ configuration: ModelConfiguration, profile: NumericProfile) {
    (self.configuration, self.profile) = (configuration, profile)
    projectedWidth = configuration.queryWidth + 2 * configuration.keyValueWidth
    let empty = FloatBuffer(count: 0)
    (residual, normed, delta, projected) = (empty.base, empty.base, empty.base, empty.base)
    (mixed, gate, up) = (empty.base, empty.base, empty.base)
    attention = .allocate(capacity: 0)
    group = .allocate(capacity: 2 * Int(MK_GROUP))
    buffers = [empty]
  }

  deinit {
    attention.deallocate()
    group.deallocate()
    activations?.deallocate()
  }

  /// - Parameter limit: rows of the largest chunk, at least `wanted`.
  func reserve(rows wanted: Int, limit: Int) {
    guard wanted > rows else { return }
    let needed = min(limit, max(wanted, 2 * rows))
    buffers.removeAll()
    func take(_ width: Int) -> UnsafeMutablePointer<Float> {
      let buffer = FloatBuffer(count: needed * width)
      buffers.append(buffer)
      return buffer.base
    }
    let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
    (residual, normed, delta) = (take(hidden), take(hidden), take(hidden))
    (projected, mixed) = (take(projectedWidth), take(configuration.queryWidth))
    up = take(intermediate)
    gate = configuration.family.feedForward == .gated ? take(intermediate) : up
    attention.deallocate()
    attention = .allocate(capacity: needed)
    if profile == .int8 {
      activations?.deallocate()
      let widest = max(hidden, intermediate, configuration.queryWidth)
      activations = .allocate(byteCount: mk_activation_bytes((widest + 31) / 32 * 32, needed), alignment: 64)
    }
    rows = needed
  }
}

/// Memory for results, grown by need.
struct GrowingBuffer {
  private var buffer = FloatBuffer(count: 0)

  mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
    if count > buffer.count { buffer = FloatBuffer(count: count) }
    return buffer.base
  }
}
