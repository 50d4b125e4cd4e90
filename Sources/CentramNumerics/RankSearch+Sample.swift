internal import CKernels

extension RankSearch {
  /// A coarse histogram of some of the keys.
  public struct Sample: Sendable {
    /// 32 buckets an octave.
    static let shift: UInt32 = 18
    var counts = [UInt32](repeating: 0, count: 1 << (31 - 18))
    var total = 0

    public init() {}

    public mutating func add(_ keys: UnsafePointer<UInt32>, count: Int) {
      total += count
      counts.withUnsafeMutableBufferPointer { ck_histogram(keys, count, Self.shift, $0.baseAddress) }
    }

    public mutating func add(_ other: Sample) {
      total += other.total
      for index in counts.indices { counts[index] += other.counts[index] }
    }
  }

  /// Whether a sample saves more than it costs.
  public static func isWorthSampling(count: Int) -> Bool { count >= 1 << 17 }

  /// Which elements of [offset, offset + count) are in the sample: runs of 64 every 1040 elements, a distance that no
  /// usual row length divides.
  public static func sampled(offset: Int, count: Int) -> [Range<Int>] {
    let run = 64, distance = 1040
    return stride(from: (offset + distance - 1) / distance * distance, to: offset + count, by: distance).map {
      $0..<min($0 + run, offset + count)
    }
  }

  /// Narrows the brackets to where the sample puts the ranks, five standard deviations to each side.
  public mutating func guess(_ sample: Sample) {
    guard sample.total > 0 else { return }
    for index in ranks.indices {
      let share = (Double(ranks[index]) + 0.5) / Double(count)
      let expected = share * Double(sample.total)
      let margin = 5 * (expected * (1 - share)).squareRoot() + 1
      var seen = 0.0
      var first: Int?, last = sample.counts.count - 1
      for (bucket, count) in sample.counts.enumerated() {
        seen += Double(count)
        if first == nil && seen >= expected - margin { first = bucket }
        if seen >= expected + margin {
          last = bucket
          break
        }
      }
      guess(index, buckets: (first ?? 0)...last, shift: Sample.shift)
    }
  }
}
