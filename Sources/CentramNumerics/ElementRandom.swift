public import CKernels

/// Random bits for the elements of one tensor of one model: a function of seed, names and the element's index, so the
/// same for any order of work and any number of threads. Philox4x32-10, Salmon et al., SC 2011.
public struct ElementRandom: Sendable {
  @usableFromInline let key: UInt64
  @usableFromInline let stream: UInt64

  /// - Parameters:
  ///   - name: of the tensor; it and the seed make the key.
  ///   - stream: tells apart what is drawn for one tensor, such as the masks of several models.
  public init(seed: UInt64, name: String, stream: Int) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    key = Self.mix(Self.mix(seed) ^ hash)
    self.stream = UInt64(stream)
  }

  /// Draws for one key and the counters of one stream.
  public init(key: UInt64, stream: UInt64) { (self.key, self.stream) = (key, stream) }

  /// The finalizer of SplitMix64: every bit of the result depends on every bit of the argument.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Draws 32 bits for each of the elements [index, index + count).
  @inlinable public func fill(_ words: UnsafeMutablePointer<UInt32>, index: Int, count: Int) {
    ck_philox(key, stream, UInt64(index), words, count)
  }

  /// What a word must be below, so that it happens with the probability; nil: always.
  public static func limit(_ probability: Double) -> UInt32? {
    probability >= 1 ? nil : UInt32(max(0, probability) * 4_294_967_296)
  }
}
