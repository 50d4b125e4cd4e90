internal import Foundation

/// Adds up Rényi divergences of mechanisms that ran one after the other, and says which (ε, δ) they come to.
/// Version 1 of its rules: the orders below, sums per order, the conversion of `epsilon(delta:)`.
public struct PrivacyAccountant: Sendable, Equatable {
  public static let version = "centram-rdp/1"
  /// 1.1 to 10.9 in tenths, 11 to 63, then powers of two: those of Google's dp-accounting, so that others can follow a record.
  public static let defaultOrders: [Double] = {
    let tenths = (1...99).map { (tenth: Int) -> Double in 1 + Double(tenth) / 10 }
    let whole = (11...63).map { (order: Int) -> Double in Double(order) }
    return tenths + whole + [128, 256, 512, 1024]
  }()

  /// N^−1.1, the validation gate's rule: below 1 / N, so that publishing one sequence whole is not private.
  public static func defaultDelta(sequences: Int) -> Double { pow(Double(sequences), -1.1) }

  public let orders: [Double]
  /// One divergence an order.
  public private(set) var divergences: [Double]

  /// - Parameter orders: each above 1.
  public init(orders: [Double] = defaultOrders) {
    precondition(!orders.isEmpty && orders.allSatisfy { $0 > 1 && $0.isFinite }, "Rényi orders are above 1")
    (self.orders, divergences) = (orders, Array(repeating: 0, count: orders.count))
  }

  /// Adds divergences that were added up before, one an order.
  public mutating func compose(divergences others: [Double]) {
    precondition(others.count == orders.count, "one divergence an order")
    for (index, divergence) in others.enumerated() { divergences[index] += divergence }
  }

  /// Adds `steps` runs of a mechanism. Divergences add up, whatever was seen before.
  public mutating func compose(_ mechanism: SampledGaussian, steps: Int) {
    guard steps > 0 else { return }
    for (index, order) in orders.enumerated() { divergences[index] += Double(steps) * mechanism.renyiDivergence(order: order) }
  }

  /// The account of `times` times all that was composed so far.
  public func repeated(_ times: Int) -> PrivacyAccountant {
    var result = self
    for index in orders.indices { result.divergences[index] *= Double(max(0, times)) }
    return result
  }

  /// The smallest ε that the orders prove at `delta`, and the order that proves it.
  ///
  /// ε = D + log((α − 1) / α) − (log δ + log α) / (α − 1): Canonne, Kamath and Steinke, 2020, proposition 12,
  /// https://arxiv.org/abs/2004.00010; the same as in Balle et al., 2020, theorem 21. Never below 0.
  /// - Parameter delta: between 0 and 1, both excluded.
  public func epsilon(delta: Double) throws(AccountingError) -> (epsilon: Double, order: Double) {
    guard delta > 0, delta < 1 else { throw AccountingError("a δ of \(delta) is not between 0 and 1") }
    guard divergences.contains(where: { $0 > 0 }) else { return (0, orders[0]) }
    var best = (epsilon: Double.infinity, order: orders[0])
    for (order, divergence) in zip(orders, divergences) where divergence >= 0 {
      // Mechanisms so close that their total variation is at most δ (Pinsker, Bretagnolle–Huber) are (0, δ)-private.
      let epsilon =
        delta * delta + expm1(-divergence) > 0
        ? 0 : divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
      if epsilon < best.epsilon { best = (max(0, epsilon), order) }
    }
    guard best.epsilon < .infinity else { throw AccountingError("the noise is too small for an account in double precision; raise the noise multiplier") }
    return best
  }

  /// ε of `steps` steps of one mechanism.
  public static func epsilon(_ mechanism: SampledGaussian, steps: Int, delta: Double) throws(AccountingError) -> Double {
    var accountant = PrivacyAccountant()
    accountant.compose(mechanism, steps: steps)
    return try accountant.epsilon(delta: delta).epsilon
  }

  /// The smallest noise multiplier with an ε of at most `epsilon`, to six digits, on the private side.
  /// - Throws: where even the most noise that is counted does not suffice.
  public static func noiseMultiplier(epsilon: Double, delta: Double, samplingRate: Double, steps: Int) throws(AccountingError) -> Double {
    guard epsilon > 0, epsilon.isFinite else { throw AccountingError("an ε of \(epsilon) is not above 0") }
    // Too little noise for an account counts as too large an ε.
    func holds(_ sigma: Double) throws(AccountingError) -> Bool {
      let mechanism = try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: sigma)
      guard delta > 0, delta < 1 else { throw AccountingError("a δ of \(delta) is not between 0 and 1") }
      return ((try? self.epsilon(mechanism, steps: steps, delta: delta)) ?? .infinity) <= epsilon
    }
    var (low, high) = (0.01, 1.0)
    if try holds(low) { return low }
    while !(try holds(high)) {
      low = high
      high *= 2
      guard high <= 1e6 else {
        throw AccountingError("no noise multiplier up to 1,000,000 gives ε \(epsilon) at δ \(delta) with \(steps) steps; ask for fewer steps or a larger ε")
      }
    }
    while high - low > 1e-6 * high {
      let middle = (low + high) / 2
      if try holds(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
