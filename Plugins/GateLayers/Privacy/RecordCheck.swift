import CentramGateStatistics
import CentramGateSupport
import CentramGenome
import CentramPluginAPI
import CentramTrainingSupport
import Foundation

/// Checks a manifest's privacy record with the accountant that made it, and against what the node itself saw of the training.
struct RecordCheck {
  let record: Manifest.Privacy
  let policy: LayerPolicy
  var evidence: [Verdict.Evidence] = []
  init(_ record: Manifest.Privacy, _ policy: LayerPolicy) {
    (self.record, self.policy) = (record, policy)
    evidence.append(
      .init(
        "claimed",
        "ε \(shown(record.epsilon)) at δ \(shown(record.delta)): \(record.steps) steps, sampling rate \(shown(record.sampleRate)), noise multiplier "
          + "\(shown(record.noiseMultiplier)), clipping norm \(shown(record.clippingNorm)), \(record.mechanism) noise, \(record.sampling) sampling"))
  }

  /// Why the record itself does not stand; nil where it does.
  mutating func failure() -> String? {
    let (limit, clippingLimit) = (policy.number("epsilon"), policy.number("clipping_norm_max"))
    guard record.mechanism == "gaussian" else { return "the mechanism is \(record.mechanism), and only gaussian is accounted for" }
    guard record.sampling == "poisson" else { return "the sampling is \(record.sampling), and the account holds for poisson only" }
    guard record.steps >= 1, record.steps <= 1_000_000_000 else { return "\(record.steps) steps are not between 1 and 1000000000" }
    guard record.clippingNorm > 0, record.clippingNorm <= clippingLimit else {
      return "a clipping norm of \(shown(record.clippingNorm)) is not above 0 and at most \(shown(clippingLimit)): the gradients count as unclipped"
    }
    guard record.sampleRate > 0, record.sampleRate <= 1 else { return "a sampling rate of \(record.sampleRate) is not above 0 and at most 1" }
    // A batch has at least one sequence on average, so the data has at least 1 / rate.
    let fewest = 1 / record.sampleRate, deltaLimit = min(policy.number("delta_max"), pow(fewest, -1.1))
    guard record.delta > 0, record.delta <= deltaLimit * (1 + 1e-9) else {
      return "δ is \(shown(record.delta)); with at least \(shown(fewest)) sequences (1 / sampling rate) it must be above 0 and at most \(shown(deltaLimit))"
    }
    var computed: Double
    do throws(AccountingError) {
      let mechanism = try SampledGaussian(samplingRate: record.sampleRate, noiseMultiplier: record.noiseMultiplier)
      computed = Self.boundedEpsilon(mechanism, steps: Int(record.steps), delta: record.delta)
      // A bound that lets the record through needs no exact value; a refusal does.
      if record.epsilon < computed * (1 - policy.number("tolerance")) || max(record.epsilon, computed) > limit {
        computed = try PrivacyAccountant.epsilon(mechanism, steps: Int(record.steps), delta: record.delta)
      }
    } catch { return "the record has no account: \(error.message)" }
    evidence.append(.init("recomputed", "ε \(shown(computed)) by \(PrivacyAccountant.version)"))
    evidence.append(.measure("privacy.epsilon", computed))
    guard record.epsilon >= computed * (1 - policy.number("tolerance")) else {
      return "the record claims ε \(shown(record.epsilon)), but its own steps, noise and sampling come to \(shown(computed))"
    }
    guard max(record.epsilon, computed) <= limit else { return "ε is \(shown(max(record.epsilon, computed))), and the policy's limit is \(shown(limit))" }
    return nil
  }

  /// The accountant's ε with a quarter of its orders: some of all, then those about the best of these. Any orders give an upper bound, and where ε has one
  /// valley over the orders it is the same number.
  static func boundedEpsilon(_ mechanism: SampledGaussian, steps: Int, delta: Double) -> Double {
    let orders = PrivacyAccountant.defaultOrders, stride = 8
    func best(_ chosen: [Double]) -> (epsilon: Double, order: Double)? {
      var account = PrivacyAccountant(orders: chosen)
      account.compose(mechanism, steps: steps)
      return try? account.epsilon(delta: delta)
    }
    guard let coarse = best(orders.enumerated().filter { $0.offset % stride == 0 }.map(\.element)), let place = orders.firstIndex(of: coarse.order) else { return .infinity }
    return best(Array(orders[max(0, place - stride + 1)..<min(orders.count, place + stride)]))?.epsilon ?? coarse.epsilon
  }

  /// Why the training that the node saw is not that of the record, or not private; nil where it is.
  mutating func failure(of training: PrivateTraining) -> String? {
    evidence.append(
      .init(
        "training", "\(training.steps) steps on \(training.sequences) sequences, \(training.clippedSteps) clipped, \(training.noisySteps) with noise, \(training.sampling) sampling"
      ))
    guard training.clippedSteps == training.steps else { return "\(training.steps - training.clippedSteps) of \(training.steps) steps did not clip each example's gradient" }
    guard training.noisySteps == training.steps else { return "\(training.steps - training.noisySteps) of \(training.steps) steps added no noise" }
    guard training.sampling == "poisson" else { return "the training drew its batches by \(training.sampling), not poisson" }
    guard training.isAFrozen else { return "A was trained where noise is on, so the account does not bound the product B·A; freeze A" }
    guard Int64(training.steps) == record.steps else { return "the record says \(record.steps) steps, the node made \(training.steps)" }
    for (name, said, seen) in [
      ("sampling rate", record.sampleRate, training.samplingRate), ("noise multiplier", record.noiseMultiplier, training.noiseMultiplier),
      ("clipping norm", record.clippingNorm, training.clippingNorm),
    ] where abs(said - seen) > 1e-9 * abs(seen) {
      return "the record says a \(name) of \(said), the node used \(seen)"
    }
    let limit = PrivacyAccountant.defaultDelta(sequences: max(1, training.sequences))
    guard record.delta <= limit * (1 + 1e-9) else {
      return "δ is \(shown(record.delta)); for \(training.sequences) sequences it must be at most \(shown(limit)), their number to the power of −1.1"
    }
    return nil
  }

  /// Why the node's whole account would be overspent; nil where it holds.
  mutating func failure(lifetime: PrivacyAccountState) throws(PluginError) -> String? {
    var total = PrivacyAccountant()
    if !lifetime.orders.isEmpty || !lifetime.divergences.isEmpty {
      guard lifetime.orders == total.orders, lifetime.divergences.count == total.orders.count, lifetime.divergences.allSatisfy({ $0 >= 0 }) else {
        throw PluginError(
          .invalid,
          "gate.privacy: the node's account has \(lifetime.orders.count) orders and \(lifetime.divergences.count) divergences, not the \(total.orders.count) of \(PrivacyAccountant.version)"
        )
      }
      total.compose(divergences: lifetime.divergences)
    }
    let limit = policy.number("epsilon")
    let spent: Double
    do throws(AccountingError) {
      total.compose(try SampledGaussian(samplingRate: record.sampleRate, noiseMultiplier: record.noiseMultiplier), steps: Int(record.steps))
      spent = try total.epsilon(delta: record.delta).epsilon
    } catch { return "the node's account is beyond what can be counted: \(error.message)" }
    evidence.append(.init("lifetime", "ε \(shown(spent)) of \(shown(limit)) with this genome, at δ \(shown(record.delta))"))
    evidence.append(.measure("privacy.lifetime", spent))
    return spent <= limit ? nil : "with this genome the node's lifetime ε would be \(shown(spent)), and the limit is \(shown(limit)); nothing more may leave"
  }
}
