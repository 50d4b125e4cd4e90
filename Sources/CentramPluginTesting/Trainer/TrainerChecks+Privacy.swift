// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation

extension TrainerCheck {
  static let privacy: [TrainerCheck] = [
    TrainerCheck("privacy-record") { scene in
      let run = try await scene.trained(), text = try run.get().privacyRecordJSON
      guard let text else {
        try require(!scene.options.isPrivate, "a privacy record of a private training", "there was none")
        throw Finding.skipped("nothing private was asked for")
      }
      let record = try SuitePrivacyRecord(text)
      try require(record.steps == scene.options.steps, "a record of \(scene.options.steps) steps", "it says \(record.steps)")
      try require(record.sequences == run.tokens.count, "a record of \(run.tokens.count) sequences", "it says \(record.sequences)")
      try require(
        record.samplingRate > 0 && record.samplingRate <= 1 && record.delta > 0 && record.delta <= 1 / Double(record.sequences),
        "a sampling rate in (0, 1] and a δ of at most one sequence", "they are \(record.samplingRate) and \(record.delta)")
      // Gradients may be looked at beforehand, to find the bound; every one of a step is bounded by it.
      let bounds = run.model.clipNorms
      try require(bounds.allSatisfy { $0 != nil }, "each gradient of a private training to be bounded", "\(bounds.count { $0 == nil }) of \(bounds.count) were not")
      let last = bounds.suffix(max(1, bounds.count / 2)).compactMap { $0 }
      try require(
        last.allSatisfy { abs($0 - record.clipNorm) <= 1e-9 * record.clipNorm }, "gradients bounded by the record's \(record.clipNorm)", "they were by \(last.first ?? 0)")
    },
    TrainerCheck("privacy-arithmetic") { scene in
      guard let text = try await scene.trained().get().privacyRecordJSON else { throw Finding.skipped("there is no privacy record") }
      let record = try SuitePrivacyRecord(text)
      let expected = sampledGaussianEpsilon(rate: record.samplingRate, noise: record.noiseMultiplier, steps: record.steps, delta: record.delta)
      // Orders between those that are tried here can find a somewhat smaller ε.
      try require(
        record.epsilon <= expected * 1.05 && record.epsilon >= expected * 0.9,
        "an ε of about \(expected) for rate \(record.samplingRate), noise \(record.noiseMultiplier), \(record.steps) steps and δ \(record.delta)",
        "the record says \(record.epsilon)")
    },
  ]
}

/// What a record must say: `{"record": "{…}"}` with a text that may be signed, or the object itself.
struct SuitePrivacyRecord: Sendable {
  let epsilon: Double, delta: Double, noiseMultiplier: Double, samplingRate: Double, clipNorm: Double
  let steps: Int, sequences: Int

  init(_ text: String) throws {
    func object(_ text: String) throws -> [String: Any] {
      guard let found = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
        throw Finding.failed("a privacy record that is a JSON object", "it is \(text.prefix(80))")
      }
      return found
    }
    var values = try object(text)
    if let inner = values["record"] as? String { values = try object(inner) }
    func number(_ name: String) throws -> Double {
      guard let value = values[name] as? Double, value.isFinite else { throw Finding.failed("the number \(name) in the privacy record", "it is \(values[name] ?? "missing")") }
      return value
    }
    (epsilon, delta, noiseMultiplier) = (try number("epsilon"), try number("delta"), try number("noiseMultiplier"))
    (samplingRate, clipNorm) = (try number("samplingRate"), try number("clipNorm"))
    (steps, sequences) = (Int(try number("steps")), Int(try number("sequences")))
  }
}

/// ε of `steps` Poisson samples of rate `rate` with Gaussian noise: Rényi divergences (Mironov, Talwar and Zhang, "Rényi Differential Privacy
/// of the Sampled Gaussian Mechanism", 2019) turned into (ε, δ) (Balle et al., 2020, theorem 21). An opinion apart from any trainer's accountant.
func sampledGaussianEpsilon(rate: Double, noise: Double, steps: Int, delta: Double) -> Double {
  var orders = (5...512).map(Double.init), best = Double.infinity
  for part in 1...20 { orders.append(1 + Double(part) / 20) }
  for part in 1...8 { orders.append(2 + Double(part) / 4) }
  for order in orders {
    let moment = order == order.rounded() ? wholeMoment(order, rate, noise) : momentByQuadrature(order, rate, noise)
    let epsilon = Double(steps) * moment / (order - 1) + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
    if epsilon < best { best = epsilon }
  }
  return max(0, best)
}

/// The logarithm of Σ C(α, k) (1 − q)^(α − k) q^k exp((k² − k) / 2σ²).
private func wholeMoment(_ order: Double, _ rate: Double, _ noise: Double) -> Double {
  logSum(
    (0...Int(order)).map { k -> Double in
      let k = Double(k), choose = lgamma(order + 1) - lgamma(k + 1) - lgamma(order - k + 1)
      return choose + (order > k ? (order - k) * log1p(-min(rate, 1 - 1e-16)) : 0) + k * log(rate) + (k * k - k) / (2 * noise * noise)
    })
}

/// The logarithm of E[(1 − q + q exp((2x − 1) / 2σ²))^α] over x from N(0, σ²), by the trapezoidal rule.
private func momentByQuadrature(_ order: Double, _ rate: Double, _ noise: Double) -> Double {
  let step = noise / 16, first = -10 * noise, count = Int((order + 20 * noise) / step)
  return logSum(
    (0...count).map { number -> Double in
      let x = first + Double(number) * step, exponent = (2 * x - 1) / (2 * noise * noise)
      // In logarithms, for the exponential may be beyond doubles.
      let ratio = logSum([log1p(-min(rate, 1 - 1e-16)), log(rate) + exponent])
      return order * ratio - x * x / (2 * noise * noise)
    }) + log(step / (noise * (2 * Double.pi).squareRoot()))
}

private func logSum(_ terms: [Double]) -> Double {
  let greatest = terms.max() ?? 0
  return greatest + log(terms.reduce(0) { $0 + exp($1 - greatest) })
}
