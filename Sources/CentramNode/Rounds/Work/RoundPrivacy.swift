internal import CentramGenome
public import CentramPluginAPI
internal import CentramStore
internal import CentramTrainingSupport
internal import CentramWire
internal import Foundation

/// What a private round asks of this node, and the account that it spends: the node's own, of everything that ever left it.
public struct RoundPrivacy: Sendable {
  static let trainer = "trainer.dp-lora"
  /// ε of the node's whole life where `gate.privacy` has no policy.
  static let standardLimit = 8.0
  private static let secretName = "rounds.secret"

  private let library: GenomeLibrary
  /// ε of the node's whole life.
  let limit: Double
  private let random: any RandomService

  /// - Parameter judge: its policy of `gate.privacy` says how much may leave.
  public init(_ library: GenomeLibrary, judge: GenomeJudge, random: any RandomService) {
    self.init(library, limit: Self.limit(of: judge.pipeline.settings.policies["gate.privacy"]), random: random)
  }

  init(_ library: GenomeLibrary, limit: Double, random: any RandomService) { (self.library, self.limit, self.random) = (library, limit, random) }

  private struct Policy: Decodable { var epsilon: Double? }
  private static func limit(of policy: String?) -> Double {
    policy.flatMap { try? JSONDecoder().decode(Policy.self, from: Data($0.utf8)).epsilon } ?? standardLimit
  }

  /// Whether a plan can be kept private at all.
  /// - Throws: `.configuration` with what it must say.
  static func check(_ plan: WireRoundPlan, _ parameters: [String: TrainingPlan.Setting]) throws(RoundError) {
    guard plan.maximumEpsilon > 0 else { return }
    guard plan.trainer.id == trainer else {
      throw RoundError(.configuration, "the round allows an ε of \(plan.maximumEpsilon), and \(plan.trainer.id) keeps none; private rounds train with \(trainer)")
    }
    for name in ["epsilon", "noise_multiplier"] where parameters[name] != nil {
      throw RoundError(.configuration, "the trainer's parameters give \(name), which follows from the round's ε; leave it out")
    }
    guard case .string(let bound)? = parameters["clip_norm"], let number = Double(bound), number > 0 else {
      throw RoundError(.configuration, "the trainer's parameters give no clip_norm in digits, such as {\"clip_norm\": \"1\"}: a bound taken from the data is in no account")
    }
  }

  /// Noise in units of the clipping bound with which all local steps of a round together keep its ε.
  /// - Parameter delta: nil: the trainer's own.
  static func noise(_ plan: WireRoundPlan, sequences: Int, batch: Double, delta: Double?) throws(RoundError) -> Double {
    do throws(AccountingError) {
      let noise = try PrivacyAccountant.noiseMultiplier(
        epsilon: plan.maximumEpsilon, delta: delta ?? PrivacyAccountant.defaultDelta(sequences: sequences), samplingRate: min(1, batch / Double(max(1, sequences))),
        steps: Int(plan.localSteps) * Int(plan.outerSteps))
      // The trainer takes no less.
      return max(0.05, noise)
    } catch { throw RoundError(.privacy, error.message) }
  }

  /// A seed that nobody else can compute, the same each time: a step's public one would let everybody take the noise out again.
  func seed(_ local: UInt64) throws(RoundError) -> UInt64 {
    var secret = [UInt8](repeating: 0, count: 32)
    secret.withUnsafeMutableBytes { random.fill($0) }
    do throws(StoreError) {
      try library.store.updateStates([Self.secretName]) { (known) throws(StoreError) in
        if let bytes = known[Self.secretName] {
          secret = bytes
          return [:]
        }
        return [Self.secretName: secret]
      }
    } catch { throw RoundError(.storage, error.message) }
    return RoundRules.privateSeed(secret: secret, local: local)
  }

  /// ε that is left of the node's life, at the δ of the largest data set of which something left. An update is charged at its own.
  func remaining() async throws(RoundError) -> Double {
    var account = try await account(without: Data()), largest: Int?
    do throws(StoreError) { largest = try library.store.trainingsThatLeft().map(\.sequences).max() } catch { throw RoundError(.storage, error.message) }
    guard let largest, largest > 1 else { return limit }
    return max(0, limit - (try Self.epsilon(&account, nil, delta: PrivacyAccountant.defaultDelta(sequences: largest))))
  }

  /// Counts an update as having left the node, before it does. Counting it twice counts it once.
  /// - Parameter folder: what its training wrote.
  /// - Throws: `.privacy` where nothing shows that it was private, or the account would go beyond its limit.
  func charge(_ folder: String, update: Data, now: Int64) async throws(RoundError) -> WirePrivacyRecord {
    let trained: TrainedFolder
    do throws(GenomePackageError) { trained = try TrainedFolder(folder) } catch { throw RoundError(.work, error.message) }
    guard let training = trained.training(of: Hexadecimal.text(update), signedBy: library.identity), let spent = training.account, let claims = trained.privacy else {
      throw RoundError(.privacy, "the local steps left no privacy record that this node's key signed, so the update does not leave")
    }
    var account = try await account(without: update)
    let lifetime = try Self.epsilon(&account, spent, delta: claims.delta)
    guard lifetime <= limit else {
      throw RoundError(
        .privacy, "with this update, ε of everything that left this node would be \(lifetime); gate.privacy allows \(limit) (gate.policy, gate.privacy, epsilon)")
    }
    do throws(StoreError) {
      try library.store.add(training)
      try library.store.recordDeparture(of: training.genome, now: now)
    } catch { throw RoundError(.storage, error.message) }
    var record = WirePrivacyRecord()
    (record.genome, record.node, record.madeMs) = (update, Data(library.identity.publicKey), UInt64(max(1, now)))
    (record.epsilon, record.delta, record.noiseMultiplier, record.clipNorm) = (claims.epsilon, claims.delta, claims.noiseMultiplier, claims.clippingNorm)
    (record.samplingRate, record.steps, record.examples) = (claims.sampleRate, UInt64(max(0, claims.steps)), UInt64(max(0, training.sequences)))
    (record.accountant, record.lifetimeEpsilon) = (PrivacyAccountant.version, lifetime)
    return record
  }

  private func account(without update: Data) async throws(RoundError) -> PrivacyAccountant {
    do throws(PluginError) {
      let state = try await StoredPrivacyAccount(store: library.store).lifetime(without: [UInt8](update))
      var account = PrivacyAccountant(orders: state.orders)
      account.compose(divergences: state.divergences)
      return account
    } catch { throw RoundError(.storage, error.message) }
  }

  private static func epsilon(_ account: inout PrivacyAccountant, _ spent: OwnTraining.Account?, delta: Double) throws(RoundError) -> Double {
    do throws(AccountingError) {
      if let spent { account.compose(try SampledGaussian(samplingRate: spent.samplingRate, noiseMultiplier: spent.noiseMultiplier), steps: spent.steps) }
      return try account.epsilon(delta: delta).epsilon
    } catch { throw RoundError(.privacy, error.message) }
  }
}
