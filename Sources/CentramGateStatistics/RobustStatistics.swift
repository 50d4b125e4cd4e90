/// Location and spread that a minority of the values cannot move far.
public enum RobustStatistics {
  /// Middle value, or the mean of the two.
  /// - Parameter values: at least one.
  public static func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "a median needs a value")
    let sorted = values.sorted(), half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }

  /// Median absolute deviation from the median, without a factor.
  public static func medianAbsoluteDeviation(_ values: [Double]) -> Double {
    let middle = median(values)
    return median(values.map { abs($0 - middle) })
  }

  /// (value − median) / spread. The spread is 1.4826 MAD, the standard deviation's equal for normal values, and at least
  /// `floor` times the median's size, so that a history of near-equal values does not make everything an outlier.
  public static func score(_ value: Double, against history: [Double], floor: Double) -> Double {
    let middle = median(history)
    let spread = max(1.4826 * medianAbsoluteDeviation(history), floor * abs(middle), .leastNormalMagnitude)
    return (value - middle) / spread
  }
}
