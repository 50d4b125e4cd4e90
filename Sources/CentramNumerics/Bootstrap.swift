/// A percentile bootstrap of a mean of group means (Efron, 1979): each resample draws from every group as many values as it holds, with
/// replacement, so groups weigh the same whatever their sizes. A function of values and seed.
public struct Bootstrap: Sendable {
  /// One mean a resample, ascending.
  public let means: [Double]
  /// Of the values as they are.
  public let mean: Double

  /// - Parameters:
  ///   - groups: none empty; paired differences, a group a domain.
  ///   - resamples: at least 1.
  public init(_ groups: [[Double]], resamples: Int, seed: UInt64) {
    precondition(!groups.isEmpty && groups.allSatisfy { !$0.isEmpty } && resamples > 0, "a bootstrap needs values and resamples")
    mean = groups.reduce(0) { $0 + $1.reduce(0, +) / Double($1.count) } / Double(groups.count)
    var sums = [Double](repeating: 0, count: resamples)
    for (index, group) in groups.enumerated() {
      let random = ElementRandom(seed: seed, name: "bootstrap", stream: index)
      let share = 1 / Double(group.count * groups.count)
      var words = [UInt32](repeating: 0, count: group.count)
      words.withUnsafeMutableBufferPointer { words in
        group.withUnsafeBufferPointer { values in
          let count = values.count
          var resample = 0
          while resample < resamples {
            random.fill(words.baseAddress!, index: resample * count, count: count)
            var sum = 0.0, draw = 0
            while draw < count {
              sum += values[Int((UInt64(words[draw]) * UInt64(count)) >> 32)]
              draw += 1
            }
            sums[resample] += sum * share
            resample += 1
          }
        }
      }
    }
    means = sums.sorted()
  }

  /// The one-sided bound that the mean lies above with `confidence`: the resamples' quantile of 1 − confidence, its lower neighbour.
  public func lowerBound(confidence: Double) -> Double { means[Self.index(1 - confidence, of: means.count)] }

  /// The bound that it lies below.
  public func upperBound(confidence: Double) -> Double { means[means.count - 1 - Self.index(1 - confidence, of: means.count)] }

  private static func index(_ quantile: Double, of count: Int) -> Int {
    // 1 − 0.95 is a little above 0.05 in binary.
    min(count - 1, max(0, Int((quantile * Double(count) - 1e-9).rounded(.down))))
  }
}
