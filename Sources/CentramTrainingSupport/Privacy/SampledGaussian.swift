internal import Foundation

/// The Gaussian mechanism on a Poisson sample: each example takes part with probability `samplingRate`, independently, and
/// noise of `noiseMultiplier` times the sensitivity is added. Two data sets are neighbours where one has one example more.
///
/// Its Rényi divergence: Mironov, Talwar and Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019,
/// https://arxiv.org/abs/1908.10530. Whole orders by its sum, others by the integral that its section 3.3 develops into a series.
public struct SampledGaussian: Sendable, Equatable {
  /// q, from 0 to 1.
  public let samplingRate: Double
  /// σ, above 0.
  public let noiseMultiplier: Double

  /// - Throws: `.invalid` outside of these ranges; σ below 0.01 or above 10⁶ is refused, for double precision ends there.
  public init(samplingRate: Double, noiseMultiplier: Double) throws(AccountingError) {
    guard samplingRate >= 0, samplingRate <= 1 else { throw AccountingError("a sampling rate of \(samplingRate) is not between 0 and 1") }
    guard noiseMultiplier >= 0.01, noiseMultiplier <= 1e6 else {
      throw AccountingError("a noise multiplier of \(noiseMultiplier) is not between 0.01 and 1,000,000")
    }
    (self.samplingRate, self.noiseMultiplier) = (samplingRate, noiseMultiplier)
  }

  /// Rényi divergence of order α of one step; infinite where it is beyond double precision.
  /// - Parameter order: α, above 1.
  public func renyiDivergence(order: Double) -> Double {
    precondition(order > 1 && order.isFinite, "a Rényi order is above 1")
    if samplingRate == 0 { return 0 }
    if samplingRate == 1 { return order / (2 * noiseMultiplier * noiseMultiplier) }
    return logMoment(order) / (order - 1)
  }

  /// log A(α), in the paper's words. Convex in α, with log A(1) = 0.
  private func logMoment(_ order: Double) -> Double {
    if order == order.rounded(), order < 1e6 { return logMoment(whole: Int(order)) }
    if noiseMultiplier >= 0.05, order < 1e3 { return logMoment(fractional: order) }
    // The integral would take too many points; by convexity the chord is an upper bound, which is what privacy needs.
    guard order < 1e6 else { return order * (order - 1) / (2 * noiseMultiplier * noiseMultiplier) }
    let below = Int(order), low = below < 2 ? 0 : logMoment(whole: below)
    return low + (order - Double(below)) * (logMoment(whole: below + 1) - low)
  }

  /// A(α) − 1 = Σ_{k ≥ 2} C(α, k) (1 − q)^(α − k) q^k (exp((k² − k) / 2σ²) − 1): the binomial weights sum to 1 and the terms 0
  /// and 1 vanish, so nothing cancels however small q is.
  private func logMoment(whole order: Int) -> Double {
    let (q, sigma) = (samplingRate, noiseMultiplier), alpha = Double(order)
    var sum = LogSum()
    for k in 2...max(2, order) {
      let k = Double(k), exponent = k * (k - 1) / (2 * sigma * sigma)
      let growth = exponent > 30 ? exponent + log1p(-exp(-exponent)) : log(expm1(exponent))
      sum.add(Self.logBinomial(alpha, k) + (alpha - k) * log1p(-q) + k * log(q) + growth)
    }
    // log(1 + exp(s)).
    return sum.value > 30 ? sum.value + log1p(exp(-sum.value)) : log1p(exp(sum.value))
  }

  /// A(α) − 1 = E[(1 + x)^α − 1 − αx] with x = q (exp((2z − 1) / 2σ²) − 1) and z ~ N(0, σ²): E[x] is 0, so taking αx away changes
  /// nothing but makes every value positive, and nothing cancels. By the trapezoidal rule, which converges exponentially here:
  /// the integrand is analytic in a strip of half width πσ² about the real line, and falls like a Gaussian.
  private func logMoment(fractional alpha: Double) -> Double {
    let (q, sigma) = (samplingRate, noiseMultiplier), variance = sigma * sigma
    let step = min(sigma, variance) / 5
    var sum = LogSum()
    var z = -13 * sigma
    while z < alpha + 13 * sigma {
      let exponent = (2 * z - 1) / (2 * variance)
      let value = exponent > 300 ? alpha * (log(q) + exponent) : Self.logExcess(q * expm1(exponent), alpha)
      sum.add(value - z * z / (2 * variance))
      z += step
    }
    let excess = sum.value + log(step / (sigma * (2 * Double.pi).squareRoot()))
    return excess > 30 ? excess + log1p(exp(-excess)) : log1p(exp(excess))
  }

  /// log((1 + x)^α − 1 − αx), for x above −1; by the binomial series where the difference would lose its digits.
  private static func logExcess(_ x: Double, _ alpha: Double) -> Double {
    if abs(x) * alpha < 0.1 {
      var (term, sum, k) = (alpha * x, 0.0, 1.0)
      while k < 16 {
        term *= (alpha - k) / (k + 1) * x
        sum += term
        k += 1
      }
      return log(sum)
    }
    let power = alpha * log1p(x)
    if power > 0 { return power + log1p(-exp(-power) * (1 + alpha * x)) }
    return log(expm1(power) - alpha * x)
  }

  private static func logBinomial(_ n: Double, _ k: Double) -> Double { logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) }

  /// Of arguments of 1 and more. `lgamma` of C writes a global variable, `lgamma_r` does not.
  private static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }
}

/// log Σ exp(xᵢ), built up term by term.
private struct LogSum {
  private(set) var value = -Double.infinity
  mutating func add(_ term: Double) {
    guard term > -.infinity else { return }
    let (high, low) = (max(value, term), min(value, term))
    value = high + log1p(exp(low - high))
  }
}

/// Why an account cannot be given.
public struct AccountingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A sentence that names the value and the limit.
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}
