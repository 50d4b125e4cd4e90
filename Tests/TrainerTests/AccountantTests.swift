import CentramTrainingSupport
import Foundation
import Testing

@Suite struct AccountantTests {
  private struct Golden: Decodable {
    struct Case: Decodable {
      let q: Double, sigma: Double
      let rdp: [Double?], rdpOpacus: [Double?]
      /// Steps, δ, ε of dp-accounting, ε of Opacus; null where infinite.
      let epsilon: [[Double?]]
    }
    let orders: [Double], cases: [Case]
  }

  /// 1,000 steps of batches of 16 out of 8,000. The values were published for δ = 10⁻⁵ and whole orders; at (8,000)^−1.1 both ε are smaller,
  /// as dp-accounting and Opacus say too.
  @Test func givesThePublishedValues() throws {
    for (sigma, published, atGate) in [(0.8, 1.50, 1.168), (1.0, 0.80, 0.649)] {
      let mechanism = try SampledGaussian(samplingRate: 16.0 / 8000, noiseMultiplier: sigma)
      var whole = PrivacyAccountant(orders: (2...128).map(Double.init))
      whole.compose(mechanism, steps: 1000)
      let found = try whole.epsilon(delta: 1e-5).epsilon
      #expect(abs(found - published) < 0.005, "\(found)")
      let finer = try PrivacyAccountant.epsilon(mechanism, steps: 1000, delta: 1e-5)
      #expect(finer <= found)
      let gate = try PrivacyAccountant.epsilon(mechanism, steps: 1000, delta: PrivacyAccountant.defaultDelta(sequences: 8000))
      #expect(abs(gate - atGate) < 0.001, "\(gate)")
    }
  }

  @Test func divergencesAreThoseOfDPAccounting() throws {
    let golden = try Fixtures.decode(Golden.self, "accountant.json")
    var compared = 0
    for golden in golden.cases.map({ (orders: golden.orders, it: $0) }) {
      let mechanism = try SampledGaussian(samplingRate: golden.it.q, noiseMultiplier: golden.it.sigma)
      for (index, order) in golden.orders.enumerated() {
        guard let wanted = golden.it.rdp[index] else { continue }
        let found = mechanism.renyiDivergence(order: order)
        // Theirs loses digits where the divergence is near the rounding of 1, and all of them in some fractional orders with little
        // noise, where Opacus has them.
        let near = [wanted, golden.it.rdpOpacus[index]].contains { $0.map { abs(found - $0) <= 1e-6 * $0 + 1e-11 } ?? false }
        #expect(near, "q \(golden.it.q) σ \(golden.it.sigma) α \(order): \(found), \(wanted)")
        compared += 1
      }
    }
    #expect(compared > 700)
  }

  @Test func epsilonsAreThoseOfDPAccountingAndOpacus() throws {
    let golden = try Fixtures.decode(Golden.self, "accountant.json")
    var compared = 0
    for it in golden.cases {
      var accountant = PrivacyAccountant()
      accountant.compose(try SampledGaussian(samplingRate: it.q, noiseMultiplier: it.sigma), steps: 1)
      for row in it.epsilon {
        guard let steps = row[0], let delta = row[1], let wanted = row[2], let opacus = row[3] else { continue }
        let found = try accountant.repeated(Int(steps)).epsilon(delta: delta).epsilon
        // Rounding of theirs, times the steps; Opacus has no shortcut to 0.
        let rounding = 2e-11 * steps
        let near = [wanted, opacus].contains { abs(found - $0) <= 1e-6 * $0 + rounding }
        #expect(near, "q \(it.q) σ \(it.sigma) steps \(steps) δ \(delta): \(found), \(wanted), Opacus \(opacus)")
        compared += 1
      }
    }
    #expect(compared > 800)
  }

  @Test func divergencesGrowWithOrderAndRateAndFallWithNoise() throws {
    for q in [1e-6, 1e-3, 0.02, 0.3, 0.9] {
      for sigma in [0.3, 0.7, 1, 4, 20] {
        var last = 0.0
        for order in stride(from: 1.05, through: 40, by: 0.35) {
          let found = try SampledGaussian(samplingRate: q, noiseMultiplier: sigma).renyiDivergence(order: order)
          #expect(found >= last * (1 - 1e-12), "q \(q) σ \(sigma) α \(order)")
          #expect(found <= order / (2 * sigma * sigma) * (1 + 1e-12))
          #expect(try SampledGaussian(samplingRate: min(1, q * 1.1), noiseMultiplier: sigma).renyiDivergence(order: order) >= found)
          #expect(try SampledGaussian(samplingRate: q, noiseMultiplier: sigma * 1.1).renyiDivergence(order: order) <= found)
          last = found
        }
      }
    }
  }

  @Test func compositionAddsUp() throws {
    let one = try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1), other = try SampledGaussian(samplingRate: 0.1, noiseMultiplier: 3)
    var whole = PrivacyAccountant(), parts = PrivacyAccountant()
    whole.compose(one, steps: 500)
    whole.compose(other, steps: 20)
    for _ in 0..<5 {
      parts.compose(other, steps: 4)
      parts.compose(one, steps: 100)
    }
    let (a, b) = (try whole.epsilon(delta: 1e-5).epsilon, try parts.epsilon(delta: 1e-5).epsilon)
    let some = try PrivacyAccountant.epsilon(one, steps: 500, delta: 1e-5)
    #expect(abs(a - b) < 1e-9 && a > some)
    #expect(try PrivacyAccountant().epsilon(delta: 1e-5).epsilon == 0)
  }

  @Test func calibratesNoiseOnThePrivateSide() throws {
    for (epsilon, delta, rate, steps) in [(8.0, 1e-5, 0.002, 1000), (1, 5.089e-5, 0.01, 100_000), (0.1, 1e-6, 1, 10), (3, 1e-5, 0.5, 1)] {
      let sigma = try PrivacyAccountant.noiseMultiplier(epsilon: epsilon, delta: delta, samplingRate: rate, steps: steps)
      func found(_ sigma: Double) throws -> Double {
        try PrivacyAccountant.epsilon(try SampledGaussian(samplingRate: rate, noiseMultiplier: sigma), steps: steps, delta: delta)
      }
      let (at, below) = (try found(sigma), try found(sigma * 0.999))
      #expect(at <= epsilon && below > epsilon * 0.9999, "ε \(epsilon)")
    }
    let error = #expect(throws: AccountingError.self) { try PrivacyAccountant.noiseMultiplier(epsilon: 1e-9, delta: 1e-30, samplingRate: 1, steps: 1_000_000) }
    #expect(error?.message.contains("fewer steps") == true)
  }

  @Test func refusesWhatCannotBeCounted() {
    #expect(throws: AccountingError.self) { try SampledGaussian(samplingRate: 1.5, noiseMultiplier: 1) }
    #expect(throws: AccountingError.self) { try SampledGaussian(samplingRate: .nan, noiseMultiplier: 1) }
    #expect(throws: AccountingError.self) { try SampledGaussian(samplingRate: 0.5, noiseMultiplier: 0) }
    #expect(throws: AccountingError.self) { try PrivacyAccountant().epsilon(delta: 0) }
    #expect(throws: AccountingError.self) { try PrivacyAccountant.noiseMultiplier(epsilon: -1, delta: 1e-5, samplingRate: 0.1, steps: 1) }
  }
}
