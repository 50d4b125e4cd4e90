internal import CentramTrainingSupport
internal import CentramWire
internal import Foundation

/// Whether a participant's privacy record keeps a round's bound. It is attested: nobody can verify what was done.
struct PrivacyCheck {
  let plan: WireRoundPlan
  /// By which a record's ε may be above the bound: accounts are rounded.
  static let tolerance = 1e-3

  /// - Returns: why the record does not do; nil where it does. Each step stands for all: as many steps of its kind as the round has must keep the bound.
  func refusal(_ record: WirePrivacyRecord, of update: Data) -> String? {
    guard record.genome == update, record.steps == UInt64(plan.localSteps) else {
      return "the privacy record is of another training: \(record.steps) steps; the plan has \(plan.localSteps)"
    }
    guard record.delta > 0, record.examples > 0, record.delta <= 1 / Double(record.examples) else {
      return "δ is \(record.delta) for \(record.examples) examples; it must be above 0 and at most one by their number"
    }
    let whole: Double
    do throws(AccountingError) {
      let mechanism = try SampledGaussian(samplingRate: record.samplingRate, noiseMultiplier: record.noiseMultiplier)
      whole = try PrivacyAccountant.epsilon(mechanism, steps: Int(plan.localSteps) * Int(plan.outerSteps), delta: record.delta)
    } catch { return "the privacy record has no account: \(error.message)" }
    let spent = max(whole, record.epsilon)
    return spent <= plan.maximumEpsilon * (1 + Self.tolerance) ? nil : "ε \(spent) is spent in the round by its record; the plan allows \(plan.maximumEpsilon)"
  }
}
