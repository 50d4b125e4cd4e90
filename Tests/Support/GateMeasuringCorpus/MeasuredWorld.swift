public import CentramGenome
public import CentramPluginAPI
internal import CentramPluginTesting
internal import CentramTrainingSupport
internal import Foundation
public import GateCorpus

/// What layers 6 to 10 ask of a node, put into a corpus world so that an honest genome passes; attacks change a part of it.
extension CorpusWorld {
  public static let corpusDomain = "prose.english"

  /// The world of the first five layers with everything that the others need.
  public static func measured(shape: CorpusShape = .small) -> CorpusWorld {
    var world = lived(shape: shape)
    // ρ of 0.25 makes the limit of each matrix 1; honest updates have norms of 0.45 to 0.65.
    world.others["centram.updates/1"] = UpdateDouble(
      baseNorms: Dictionary(uniqueKeysWithValues: shape.modules.map { ($0.name, 4.0) }),
      roots: [(RootUpdate(update: reference(1), domain: "code.swift", sequences: 400), updates(shape, shape.factors(seed: 900)))])
    world.setLosses { _, scale in 0.06 * scale }
    world.others["centram.fitness/1"] = FitnessDouble(random: { _, scale in losses(-0.05 * scale) })
    world.others["centram.behaviour/1"] = BehaviourDouble(ranks: [CanaryRank(name: "canary 1", base: 900, candidate: 800, count: 4096)])
    world.others["centram.privacy-account/1"] = PrivacyAccountDouble(trained: training)
    return world
  }

  /// The next genome of an author, with an honest privacy record.
  public func nextPrivate(_ author: UInt64 = 1, seed: UInt64 = 7, record: (inout Manifest.Privacy) -> Void = { _ in }) -> GenomeDraft {
    var draft = draft(author: author, seed: seed), privacy = Self.record
    record(&privacy)
    draft.privacy = privacy
    return draft
  }

  /// Gives every matrix of the base the same norm.
  public mutating func setBaseNorms(_ norm: Double) {
    let modules = shape.modules
    change("centram.updates/1", UpdateDouble.self) { $0.baseNorms = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, norm) }) }
  }

  /// Changes one of the doubles.
  public mutating func change<Service: Sendable>(_ id: String, _ type: Service.Type, _ body: (inout Service) -> Void) {
    guard var service = others[id] as? Service else { preconditionFailure("the world has no \(id) of \(type)") }
    body(&service)
    others[id] = service
  }

  /// Gains of two domains in nat a byte at a scale of the update.
  public mutating func setLosses(divergence: Double = 0.03, _ gain: @escaping @Sendable (_ domain: String, _ scale: Double) -> Double) {
    others["centram.evaluation/1"] = EvaluationDouble(
      domains: [Self.corpusDomain, "code.swift"], loss: { domain, scale in Self.losses(scale == 0 ? 0 : gain(domain, scale)) }, divergence: { _, _ in [divergence] })
  }

  /// 48 sequences around 2 nat; the gain differs from one to the next.
  public static func losses(_ gain: Double) -> [Double] {
    (0..<48).map { index in 2 + 0.3 * sin(Double(index)) - gain * (1 + 0.2 * cos(3 * Double(index))) }
  }

  /// 100 steps of batches of 10 out of 1000 sequences.
  public static let record: Manifest.Privacy = {
    let delta = PrivacyAccountant.defaultDelta(sequences: 1000)
    guard let mechanism = try? SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2), let epsilon = try? PrivacyAccountant.epsilon(mechanism, steps: 100, delta: delta) else {
      preconditionFailure("the honest record has no account")
    }
    return Manifest.Privacy(
      epsilon: epsilon, delta: delta, noiseMultiplier: 1.2, sampleRate: 0.01, steps: 100, clippingNorm: 1, mechanism: "gaussian", sampling: "poisson")
  }()

  public static let training = PrivateTraining(
    sequences: 1000, steps: 100, clippedSteps: 100, noisySteps: 100, sampling: "poisson", samplingRate: 0.01, noiseMultiplier: 1.2, clippingNorm: 1, isAFrozen: true)

  /// What the node spent before, as so many trainings of the honest record.
  public static func spent(trainings: Int) -> PrivacyAccountState {
    var account = PrivacyAccountant()
    if let mechanism = try? SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2) { account.compose(mechanism, steps: 100 * trainings) }
    return PrivacyAccountState(orders: account.orders, divergences: account.divergences)
  }

  public static func reference(_ number: UInt8) -> UpdateReference { UpdateReference(contentHash: Array(repeating: number, count: 32), author: "\(number)") }

  /// As layers see it: alpha is twice the rank.
  public static func updates(_ shape: CorpusShape, _ factors: [CorpusShape.Factors]) -> [ModuleUpdate] {
    factors.map { it in
      ModuleUpdate(
        module: it.module.name, outputs: it.module.outputs, inputs: it.module.inputs, scale: 2, factors: LowRankFactors(rank: it.b.count / it.module.outputs, a: it.a, b: it.b))
    }
  }
}
