// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// `centram.evaluation/1` from functions.
public struct EvaluationDouble: EvaluationService {
  public var domains: [String]
  /// Losses of a domain with a scale of the update; 0: without it.
  public var loss: @Sendable (_ domain: String, _ scale: Double) -> [Double]
  public var divergence: @Sendable (_ domain: String, _ scale: Double) -> [Double]

  public init(
    domains: [String], loss: @escaping @Sendable (_ domain: String, _ scale: Double) -> [Double],
    divergence: @escaping @Sendable (_ domain: String, _ scale: Double) -> [Double] = { _, _ in [0] }
  ) {
    (self.domains, self.loss, self.divergence) = (domains, loss, divergence)
  }

  public func losses(domain: String, candidateHash: [UInt8]?, scale: Double) async throws(PluginError) -> [Double] { loss(domain, candidateHash == nil ? 0 : scale) }
  public func divergences(domain: String, candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [Double] { divergence(domain, scale) }
}

/// `centram.fitness/1` from functions.
public struct FitnessDouble: FitnessService {
  public var bytesPerToken: [String: Double]
  /// Losses of a domain with a random update.
  public var random: @Sendable (_ domain: String, _ scale: Double) -> [Double]
  /// Loss in nat a byte of every sequence of random text; a scale of 0: without the candidate.
  public var randomText: @Sendable (_ scale: Double) -> Double
  public var state: HoldOutState
  public var live: LiveFitness?

  public init(
    bytesPerToken: [String: Double] = [:], random: @escaping @Sendable (_ domain: String, _ scale: Double) -> [Double],
    randomText: @escaping @Sendable (_ scale: Double) -> Double = { _ in 5.5 }, state: HoldOutState = HoldOutState(released: 0, testsSinceRefresh: 0), live: LiveFitness? = nil
  ) {
    (self.bytesPerToken, self.random, self.randomText, self.state, self.live) = (bytesPerToken, random, randomText, state, live)
  }

  public func bytesPerToken(domain: String) async throws(PluginError) -> Double { bytesPerToken[domain] ?? 1 }
  public func randomUpdateLosses(domain: String, candidateHash: [UInt8], scale: Double, seed: UInt64) async throws(PluginError) -> [Double] { random(domain, scale) }
  public func randomTextLosses(candidateHash: [UInt8]?, scale: Double, count: Int, seed: UInt64) async throws(PluginError) -> [Double] {
    Array(repeating: randomText(candidateHash == nil ? 0 : scale), count: count)
  }
  public func holdOut(author: String) async throws(PluginError) -> HoldOutState { state }
  public func live(contentHash: [UInt8]) async throws(PluginError) -> LiveFitness? { live }
}

/// `centram.behaviour/1` from values and a function.
public struct BehaviourDouble: BehaviourService {
  /// Entropies without and with the candidate.
  public var entropies: @Sendable (_ trigger: Int, _ prompt: Int) -> (base: Double, candidate: Double)
  public var ranks: [CanaryRank]
  public var state: ShadowState?

  public init(
    ranks: [CanaryRank] = [], state: ShadowState? = nil,
    entropies: @escaping @Sendable (_ trigger: Int, _ prompt: Int) -> (base: Double, candidate: Double) = { _, _ in (2, 2) }
  ) {
    (self.ranks, self.state, self.entropies) = (ranks, state, entropies)
  }

  public func sweep(candidateHash: [UInt8], scale: Double, triggers: Int, prompts: Int, seed: UInt64) async throws(PluginError) -> [TriggerResponse] {
    (0..<triggers).map { trigger in
      let pairs = (0..<prompts).map { entropies(trigger, $0) }
      return TriggerResponse(trigger: "t\(trigger)", base: pairs.map(\.base), candidate: pairs.map(\.candidate))
    }
  }
  public func canaries(candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [CanaryRank] { ranks }
  public func shadow(contentHash: [UInt8]) async throws(PluginError) -> ShadowState? { state }
}

/// `centram.privacy-account/1` from values.
public struct PrivacyAccountDouble: PrivacyAccountService {
  public var trained: PrivateTraining?
  public var spent: PrivacyAccountState
  public init(trained: PrivateTraining?, spent: PrivacyAccountState = PrivacyAccountState()) { (self.trained, self.spent) = (trained, spent) }
  public func training(contentHash: [UInt8]) async throws(PluginError) -> PrivateTraining? { trained }
  public func lifetime(without contentHash: [UInt8]) async throws(PluginError) -> PrivacyAccountState { spent }
}
