public import CentramPluginAPI
public import CentramStore
internal import CentramGenome
internal import CentramTrainingSupport

/// `centram.privacy-account/1` over the store: trainings are recorded when a genome is made of them, and spend when something of them leaves.
public struct StoredPrivacyAccount: PrivacyAccountService {
  private let store: GenomeStore
  public init(store: GenomeStore) { self.store = store }

  public func training(contentHash: [UInt8]) async throws(PluginError) -> PrivateTraining? {
    let record = try StoredLineage.reporting { () throws(StoreError) in try store.training(of: Hexadecimal.text(contentHash)) }
    guard let record, let account = record.account else { return nil }
    // The trainer's record states one rule for all of its steps.
    return PrivateTraining(
      sequences: record.sequences, steps: account.steps, clippedSteps: account.steps, noisySteps: account.steps, sampling: account.sampling,
      samplingRate: account.samplingRate, noiseMultiplier: account.noiseMultiplier, clippingNorm: account.clippingNorm, isAFrozen: account.isAFrozen)
  }

  public func lifetime(without contentHash: [UInt8]) async throws(PluginError) -> PrivacyAccountState {
    let left = try StoredLineage.reporting { () throws(StoreError) in try store.trainingsThatLeft() }, own = Hexadecimal.text(contentHash)
    var accountant = PrivacyAccountant()
    for training in left where training.genome != own {
      guard let account = training.account else { continue }
      do throws(AccountingError) {
        accountant.compose(try SampledGaussian(samplingRate: account.samplingRate, noiseMultiplier: account.noiseMultiplier), steps: account.steps)
      } catch { throw PluginError(.invalid, "the training of \(training.genome) has no account: \(error.message)") }
    }
    return PrivacyAccountState(orders: accountant.orders, divergences: accountant.divergences)
  }
}
