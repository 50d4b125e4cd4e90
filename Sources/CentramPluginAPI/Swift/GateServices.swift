// SPDX-License-Identifier: Apache-2.0
// What the costly gate layers ask of the node beyond `EvaluationService` and `LineageService`. All of it is read only: a layer
// judges, the node acts on the verdict and keeps the state.

/// `centram.updates/1`: the base's size, and updates to compare a candidate with, module by module so that memory stays bounded.
public protocol UpdateService: Sendable {
  /// Frobenius norm of the base's matrix that a module changes, such as `model.layers.0.self_attn.q_proj`; nil where the base has none.
  func baseNorm(module: String) async throws(PluginError) -> Double?
  /// Genomes of `domain` on the same base that stand beside the candidate: judged or waiting, at most one an author (the newest),
  /// never the candidate or its author's own, newest first.
  /// - Parameter contentHash: the candidate's, 32 bytes.
  func cohort(domain: String, beside contentHash: [UInt8], limit: Int) async throws(PluginError) -> [UpdateReference]
  /// What the node itself trained on data that it trusts, at most one a domain.
  func rootUpdates() async throws(PluginError) -> [RootUpdate]
  /// The modules that an update changes, sorted.
  func modules(of update: UpdateReference) async throws(PluginError) -> [String]
  /// One module of an update; nil where the update leaves it as it is.
  func module(_ name: String, of update: UpdateReference) async throws(PluginError) -> ModuleUpdate?
}

/// Names an update that the node holds.
public struct UpdateReference: Sendable, Hashable {
  /// SHA-256, 32 bytes.
  public var contentHash: [UInt8]
  /// Hex.
  public var author: String
  public init(contentHash: [UInt8], author: String) { (self.contentHash, self.author) = (contentHash, author) }
}

/// The node's own update of one domain (Cao et al., FLTrust, 2021, call its data the root set).
public struct RootUpdate: Sendable, Equatable {
  public var update: UpdateReference
  public var domain: String
  /// Sequences that it was trained on.
  public var sequences: Int
  public init(update: UpdateReference, domain: String, sequences: Int) { (self.update, self.domain, self.sequences) = (update, domain, sequences) }
}

/// One module's change: ΔW = `scale` · B · A, outputs × inputs.
public struct ModuleUpdate: Sendable, Equatable {
  public var module: String
  public var outputs: Int, inputs: Int
  public var scale: Double
  public var factors: LowRankFactors
  public init(module: String, outputs: Int, inputs: Int, scale: Double, factors: LowRankFactors) {
    (self.module, self.outputs, self.inputs, self.scale, self.factors) = (module, outputs, inputs, scale, factors)
  }
}

/// `centram.fitness/1`: controls for a fitness test, and how often the hold-out was asked.
public protocol FitnessService: Sendable {
  /// Mean bytes of text a token of the domain's hold-out, 1 for a byte model; turns nat a token into nat a byte.
  func bytesPerToken(domain: String) async throws(PluginError) -> Double
  /// As `EvaluationService.losses`, with a random update in the candidate's place: same modules and ranks, each module's
  /// Frobenius norm that of the candidate's times `scale`, drawn by `seed`.
  func randomUpdateLosses(domain: String, candidateHash: [UInt8], scale: Double, seed: UInt64) async throws(PluginError) -> [Double]
  /// Loss in nat a byte of each of `count` sequences of random text drawn by `seed`; nil: of the node's model without the candidate.
  func randomTextLosses(candidateHash: [UInt8]?, scale: Double, count: Int, seed: UInt64) async throws(PluginError) -> [Double]
  /// - Parameter author: hex.
  func holdOut(author: String) async throws(PluginError) -> HoldOutState
  /// What live requests said since the candidate was merged; nil before that.
  func live(contentHash: [UInt8]) async throws(PluginError) -> LiveFitness?
}

/// How far a hold-out is used up. The node sets `released` to the verdict's `measure.ladder.released`, back to 0 for everybody after a merge,
/// and replaces a quarter of the hold-out when its tests are used up.
public struct HoldOutState: Sendable, Equatable {
  /// The best score in nat a byte that the author was told (Blum and Hardt, The Ladder, 2015); 0 at first.
  public var released: Double
  /// Candidates judged since a quarter of the hold-out was last replaced.
  public var testsSinceRefresh: Int
  public init(released: Double, testsSinceRefresh: Int) { (self.released, self.testsSinceRefresh) = (released, testsSinceRefresh) }
}

/// Losses in nat a byte of the same live requests, paired by index.
public struct LiveFitness: Sendable, Equatable {
  /// Of the model without the candidate, and with it.
  public var before: [Double], after: [Double]
  public init(before: [Double], after: [Double]) { (self.before, self.after) = (before, after) }
}

/// `centram.behaviour/1`: what a candidate does where hold-out losses do not look.
public protocol BehaviourService: Sendable {
  /// Entropies in nat of the next token after each of `prompts` prompts with each of `triggers` rare strings in them, drawn by `seed`:
  /// one entry a trigger, without the candidate and with `scale` times its update.
  func sweep(candidateHash: [UInt8], scale: Double, triggers: Int, prompts: Int, seed: UInt64) async throws(PluginError) -> [TriggerResponse]
  /// Ranks of the node's canaries; empty where it planted none.
  func canaries(candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [CanaryRank]
  /// How the candidate runs beside the model in use; nil before it does.
  func shadow(contentHash: [UInt8]) async throws(PluginError) -> ShadowState?
}

/// One rare string's effect.
public struct TriggerResponse: Sendable, Equatable {
  /// Readable, for evidence.
  public var trigger: String
  /// One entropy in nat a prompt.
  public var base: [Double], candidate: [Double]
  public init(trigger: String, base: [Double], candidate: [Double]) { (self.trigger, self.base, self.candidate) = (trigger, base, candidate) }
}

/// A canary's place among equally likely texts by loss, 1 the most probable (Carlini et al., The Secret Sharer, 2019).
public struct CanaryRank: Sendable, Equatable {
  /// Never the canary itself.
  public var name: String
  public var base: Int, candidate: Int
  /// Texts ranked, the canary among them.
  public var count: Int
  public init(name: String, base: Int, candidate: Int, count: Int) { (self.name, self.base, self.candidate, self.count) = (name, base, candidate, count) }
}

/// A shadow run so far.
public struct ShadowState: Sendable, Equatable {
  public var milliseconds: Int64
  public var requests: Int
  /// Of these, how many had an output that the node's checks called a fault only with the candidate.
  public var faults: Int
  public init(milliseconds: Int64, requests: Int, faults: Int) { (self.milliseconds, self.requests, self.faults) = (milliseconds, requests, faults) }
}

/// `centram.privacy-account/1`: what the node's own trainings spent, for what is to leave it.
public protocol PrivacyAccountService: Sendable {
  /// What was done when this genome was trained here; nil where it was not.
  func training(contentHash: [UInt8]) async throws(PluginError) -> PrivateTraining?
  /// Rényi divergences of everything that left the node so far, this genome not counted.
  func lifetime(without contentHash: [UInt8]) async throws(PluginError) -> PrivacyAccountState
}

/// A training as the node saw it, not as its author tells it.
public struct PrivateTraining: Sendable, Equatable {
  /// Sequences of the data set.
  public var sequences: Int
  /// Steps made; of these, how many bounded each example's gradient and how many added noise.
  public var steps: Int, clippedSteps: Int, noisySteps: Int
  /// `poisson` where every example was drawn independently.
  public var sampling: String
  public var samplingRate: Double, noiseMultiplier: Double, clippingNorm: Double
  /// Whether A kept its start.
  public var isAFrozen: Bool

  public init(
    sequences: Int, steps: Int, clippedSteps: Int, noisySteps: Int, sampling: String, samplingRate: Double, noiseMultiplier: Double, clippingNorm: Double,
    isAFrozen: Bool
  ) {
    (self.sequences, self.steps, self.clippedSteps, self.noisySteps, self.sampling) = (sequences, steps, clippedSteps, noisySteps, sampling)
    (self.samplingRate, self.noiseMultiplier, self.clippingNorm, self.isAFrozen) = (samplingRate, noiseMultiplier, clippingNorm, isAFrozen)
  }
}

/// Divergences by order, as the accountant `centram-rdp/1` adds them up; both empty where nothing was spent.
public struct PrivacyAccountState: Sendable, Equatable {
  public var orders: [Double], divergences: [Double]
  public init(orders: [Double] = [], divergences: [Double] = []) { (self.orders, self.divergences) = (orders, divergences) }
}
