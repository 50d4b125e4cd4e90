/// The merges of byte-pair encoding: which pairs of tokens become one, and in which order.
struct MergeTable: Sendable {
  /// Open addressing by the pair; `free` where nothing is. The size is a power of two.
  private var keys: [UInt64]
  /// Rank over token.
  private var values: [UInt64]
  private(set) var count = 0

  private static let free = UInt64.max
  /// Differs from process to process, so that no file can be made whose pairs collide.
  private let seed: UInt64

  init(expecting count: Int = 0) {
    seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1
    var size = 64
    while size < count * 2 { size *= 2 }
    keys = [UInt64](repeating: Self.free, count: size)
    values = [UInt64](repeating: 0, count: size)
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 { UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right)) }

  @inline(__always)
  private func slot(_ key: UInt64, _ mask: Int) -> Int {
    let product = (key ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ seed)
    return Int(truncatingIfNeeded: product.high ^ product.low) & mask
  }

  /// A pair that stands twice has its later rank, as in the tokenizers library.
  mutating func insert(_ left: Int32, _ right: Int32, rank: Int32, token: Int32) {
    if count * 2 >= keys.count { grow() }
    let key = Self.key(left, right)
    let mask = keys.count - 1
    var slot = self.slot(key, mask)
    while keys[slot] != Self.free, keys[slot] != key { slot = (slot + 1) & mask }
    if keys[slot] == Self.free { count += 1 }
    keys[slot] = key
    values[slot] = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: token))
  }

  private mutating func grow() {
    let old = zip(keys, values).filter { $0.0 != Self.free }
    keys = [UInt64](repeating: Self.free, count: keys.count * 2)
    values = [UInt64](repeating: 0, count: keys.count)
    let mask = keys.count - 1
    for (key, value) in old {
      var slot = self.slot(key, mask)
      while keys[slot] != Self.free { slot = (slot + 1) & mask }
      (keys[slot], values[slot]) = (key, value)
    }
  }

  /// Rank over token of a pair's merge: lower is earlier. `none` where the pair does not merge.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = Self.key(left, right)
    let mask = keys.count - 1
    var slot = self.slot(key, mask)
    while keys[slot] != key {
      if keys[slot] == Self.free { return Self.none }
      slot = (slot + 1) & mask
    }
    return values[slot]
  }

  static let none = UInt64.max
  @inline(__always) static func token(_ merge: UInt64) -> Int32 { Int32(truncatingIfNeeded: merge) }
}
