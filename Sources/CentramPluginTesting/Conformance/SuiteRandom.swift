// SPDX-License-Identifier: Apache-2.0

/// Seeded numbers of the suites: SplitMix64.
struct SuiteRandom: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
  mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % limit }
  /// In −1 to 1, never 0.
  mutating func float() -> Float {
    let value = Float(unit() * 2 - 1)
    return value == 0 ? 0.5 : value
  }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 24) } }
}
