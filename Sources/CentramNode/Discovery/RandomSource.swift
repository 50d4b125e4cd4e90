/// Randomness that was handed in: the system's in a node, a seed's in tests and in the simulator.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var generator: any RandomNumberGenerator & Sendable
  public init(_ generator: any RandomNumberGenerator & Sendable) { self.generator = generator }
  public static var system: RandomSource { RandomSource(SystemRandomNumberGenerator()) }
  public mutating func next() -> UInt64 { generator.next() }

  /// A generator of its own for a part, so that what one part draws does not move what another does.
  public mutating func fork() -> RandomSource { RandomSource(SplitMix64(state: next())) }

  mutating func milliseconds(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &self) }

  /// So many random hexadecimal digits.
  mutating func hex(_ count: Int) -> String { String((0..<count).map { _ in "0123456789abcdef".randomElement(using: &self)! }) }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). Repeatable; not for secrets.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(state: UInt64) { self.state = state }
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
