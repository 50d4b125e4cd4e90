/// SplitMix64, so that a seed is a bug report.
struct Randomness: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(count, 1))) }
  mutating func element<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

  /// Text of all planes, spaces and digits among it.
  mutating func text(_ longest: Int) -> String {
    var view = String.UnicodeScalarView()
    let ranges: [ClosedRange<UInt32>] = [
      0x20...0x7e, 0x20...0x7e, 0x30...0x39, 0x09...0x0d, 0x80...0x24f, 0x300...0x36f, 0x370...0x5ff, 0x900...0xdff, 0x1100...0x11ff, 0x2000...0x206f, 0x3040...0x9fff,
      0xac00...0xd7a3,
      0xe000...0xffff, 0x10000...0x1ffff, 0x20000...0x10ffff,
    ]
    for _ in 0..<below(longest + 1) {
      let range = element(ranges)
      if let scalar = Unicode.Scalar(range.lowerBound + UInt32(below(range.count))) { view.append(scalar) }
    }
    return String(view)
  }
}
