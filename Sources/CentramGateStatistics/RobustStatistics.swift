/// Location and spread that a minority of the values cannot move far.
public struct RobustStatistics: Sendable, Equatable {
  /// Middle value, or the mean of the two.
  public let median: Double
  /// Median absolute deviation from the median, without a factor.
  public let deviation: Double
  public let count: Int

  /// - Parameter values: at least one.
  public init(_ values: [Double]) {
    let middle = Self.median(values)
    (median, deviation, count) = (middle, Self.median(values.map { abs($0 - middle) }), values.count)
  }

  /// - Parameter values: at least one.
  public static func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "a median needs a value")
    let sorted = values.sorted(), half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// (value − median) / spread. The spread is 1.4826 deviations, the standard deviation's equal for normal values, and at least
  /// `floor` times the median's size, so that a history of near-equal values does not make everything an outlier.
  public func score(_ value: Double, floor: Double) -> Double {
    (value - median) / max(1.4826 * deviation, floor * abs(median), .leastNormalMagnitude)
  }
}
