import CentramGenome
import CentramPluginAPI
import CentramPluginTesting
import CentramTrainingSupport
import Foundation
import Testing

@testable import GateLayers_Privacy

@Suite struct PrivacyTests {
  static let sequences = 1000

  /// An honest record: 100 steps of batches of 10 out of 1000.
  static func record(noise: Double = 1.2, steps: Int = 100, rate: Double = 0.01, delta: Double? = nil, _ change: (inout Manifest.Privacy) -> Void = { _ in }) throws
    -> Manifest.Privacy
  {
    let delta = delta ?? PrivacyAccountant.defaultDelta(sequences: sequences)
    let epsilon = try PrivacyAccountant.epsilon(SampledGaussian(samplingRate: rate, noiseMultiplier: noise), steps: steps, delta: delta)
    var record = Manifest.Privacy(
      epsilon: epsilon, delta: delta, noiseMultiplier: noise, sampleRate: rate, steps: Int64(steps), clippingNorm: 1, mechanism: "gaussian", sampling: "poisson")
    change(&record)
    return record
  }

  static func training(_ change: (inout PrivateTraining) -> Void = { _ in }) -> PrivateTraining {
    var training = PrivateTraining(
      sequences: sequences, steps: 100, clippedSteps: 100, noisySteps: 100, sampling: "poisson", samplingRate: 0.01, noiseMultiplier: 1.2, clippingNorm: 1, isAFrozen: true)
    change(&training)
    return training
  }

  static func judge(
    _ record: Manifest.Privacy?, _ direction: GateDirection = .inbound, training: PrivateTraining? = training(), spent: PrivacyAccountState = PrivacyAccountState(),
    policy: String = "{}"
  ) async throws -> Verdict {
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1), privacy: record)
    let host = GateHost(["centram.privacy-account/1": PrivacyAccountDouble(trained: training, spent: spent)])
    let verdict = try await Privacy(services: host).judge(genome.candidate(direction, policy: policy))
    withExtendedLifetime(genome) {}
    return verdict
  }

  /// The account of `times` trainings as the honest record's.
  static func spent(_ times: Int) throws -> PrivacyAccountState {
    var account = PrivacyAccountant()
    account.compose(try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2), steps: 100 * times)
    return PrivacyAccountState(orders: account.orders, divergences: times == 0 ? account.divergences.map { _ in 0 } : account.divergences)
  }

  @Test func anHonestRecordPassesBothWaysAndInboundItIsAttestedNotVerified() async throws {
    let (inbound, outbound) = (try await Self.judge(Self.record()), try await Self.judge(Self.record(), .outbound))
    #expect(inbound.isAccepted && outbound.isAccepted, "\(inbound) \(outbound)")
    #expect(inbound.value("record") == "attested, not verified")
    #expect(outbound.value("record") == nil)
    #expect(outbound.value("lifetime") != nil)
  }

  @Test func epsilonPassesAtTheLimitAndNotBeyond() async throws {
    let record = try Self.record()
    let at = try await Self.judge(record, policy: #"{"epsilon":\#(record.epsilon)}"#)
    let beyond = try await Self.judge(record, policy: #"{"epsilon":\#(record.epsilon * 0.9999)}"#)
    #expect(at.isAccepted)
    #expect(beyond.rejection?.contains("limit") == true)
    // The default is 8.
    let noise = try PrivacyAccountant.noiseMultiplier(epsilon: 8, delta: record.delta, samplingRate: 0.01, steps: 100)
    let eight = try await Self.judge(Self.record(noise: noise)), more = try await Self.judge(Self.record(noise: noise * 0.99))
    #expect(eight.isAccepted)
    #expect(more.rejection?.contains("the policy's limit is 8") == true)
  }

  @Test func aClaimMayBeBelowTheAccountByTheToleranceOnly() async throws {
    let within = try await Self.judge(Self.record { $0.epsilon *= 1 - 0.9e-3 }), beyond = try await Self.judge(Self.record { $0.epsilon *= 1 - 1.1e-3 })
    #expect(within.isAccepted)
    #expect(beyond.rejection?.contains("its own steps, noise and sampling come to") == true)
    // To claim more than was spent is no lie to others' harm.
    let above = try await Self.judge(Self.record { $0.epsilon *= 1.5 })
    #expect(above.isAccepted)
  }

  @Test func deltaIsBoundedByTheSequencesThatTheSamplingRateProves() async throws {
    // Rate 0.01 proves 100 sequences: δ at most 100^−1.1 = 0.0063; the policy's own limit comes first.
    let limit = pow(100, -1.1), policy = #"{"delta_max":0.5}"#
    let at = try await Self.judge(Self.record(delta: limit), policy: policy), beyond = try await Self.judge(Self.record(delta: limit * 1.001), policy: policy)
    #expect(at.isAccepted)
    #expect(beyond.rejection?.contains("δ") == true)
    let own = try await Self.judge(Self.record(delta: 1e-3)), ownBeyond = try await Self.judge(Self.record(delta: 1.001e-3))
    #expect(own.isAccepted)
    #expect(ownBeyond.rejection != nil)
  }

  @Test func outboundDeltaIsBoundedByTheSequencesThemselves() async throws {
    let limit = PrivacyAccountant.defaultDelta(sequences: Self.sequences)
    let beyond = try await Self.judge(Self.record(delta: limit * 1.001), .outbound)
    #expect(beyond.rejection?.contains("1000 sequences") == true)
  }

  @Test func theLifetimeAccountEndsAtItsLimit() async throws {
    // So many trainings stay within ε 8, and one more does not.
    let delta = PrivacyAccountant.defaultDelta(sequences: Self.sequences)
    let mechanism = try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2)
    var fits = 1
    while try PrivacyAccountant.epsilon(mechanism, steps: 100 * (fits + 1), delta: delta) <= 8 { fits += max(1, fits / 4) }
    while try PrivacyAccountant.epsilon(mechanism, steps: 100 * fits, delta: delta) > 8 { fits -= 1 }
    let last = try await Self.judge(Self.record(), .outbound, spent: Self.spent(fits - 1)), over = try await Self.judge(Self.record(), .outbound, spent: Self.spent(fits))
    #expect(last.isAccepted, "\(last)")
    #expect(over.rejection?.contains("lifetime ε would be") == true)
    #expect((over.measure("privacy.lifetime") ?? 0) > 8)
  }

  @Test func anAccountOfOtherOrdersIsAnError() async throws {
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1), privacy: Self.record())
    let host = GateHost(["centram.privacy-account/1": PrivacyAccountDouble(trained: Self.training(), spent: PrivacyAccountState(orders: [2], divergences: [1]))])
    let error = await failure(Privacy(services: host), genome.candidate(.outbound))
    #expect(error?.message.contains("1 orders") == true)
  }

  @Test func theBoundFromFewOrdersIsTheAccountantsEpsilon() throws {
    for noise in [0.4, 0.7, 1, 1.5, 4, 20] {
      for rate in [1e-4, 0.002, 0.05, 0.5, 1] {
        for steps in [1, 100, 20_000] {
          let mechanism = try SampledGaussian(samplingRate: rate, noiseMultiplier: noise)
          let exact = try PrivacyAccountant.epsilon(mechanism, steps: steps, delta: 1e-5)
          let bound = RecordCheck.boundedEpsilon(mechanism, steps: steps, delta: 1e-5)
          #expect(bound >= exact && bound <= exact * (1 + 1e-12), "σ \(noise), q \(rate), \(steps) steps: \(bound), \(exact)")
        }
      }
    }
  }

  @Test func aMergeSpendsNothingWhereItsParentsRecordsStand() async throws {
    let parents = ["01", "02"].map { String(repeating: $0, count: 32) }
    func verdict(_ epsilons: [Double?], _ direction: GateDirection) async throws -> Verdict {
      let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1)) { manifest in
        (manifest.parents, manifest.generation) = (parents.map { .init(id: $0, weight: 5000) }, 1)
        manifest.recipe = .init(operator: "merge.linear", version: "1.0.0")
      }
      let entries = zip(parents, epsilons).map { id, epsilon in
        LineageEntry(
          id: id, author: "", parents: [], generation: 0, sequence: 1, previous: nil, unixMilliseconds: 1, domain: "code",
          measures: epsilon.map { ["privacy.epsilon": $0] } ?? [:])
      }
      return try await Privacy(services: GateHost(["centram.lineage/1": LineageDouble(entries)])).judge(genome.candidate(direction))
    }
    for direction in [GateDirection.inbound, .outbound] {
      let (whole, unchecked, unknown, large) = (
        try await verdict([3, 8], direction), try await verdict([3, nil], direction), try await verdict([3], direction), try await verdict([3, 8.001], direction)
      )
      #expect(whole.isAccepted && whole.measure("privacy.epsilon") == 8)
      #expect(whole.value("record")?.contains("attested, not verified") == (direction == .inbound))
      #expect(unchecked.rejection?.contains(parents[1]) == true && unknown.rejection?.contains(parents[1]) == true)
      #expect(large.rejection?.contains("limit is 8") == true)
    }
  }

  @Test func aRecordMayBeOptionalAndTheVerdictSaysSo() async throws {
    for direction in [GateDirection.inbound, .outbound] {
      let verdict = try await Self.judge(nil, direction, policy: #"{"record":"optional"}"#)
      #expect(verdict.isAccepted)
      #expect(verdict.value("record")?.contains("missing") == true)
    }
    // A record that is there must hold all the same.
    let wrong = try await Self.judge(Self.record { $0.epsilon /= 2 }, policy: #"{"record":"optional"}"#)
    #expect(wrong.rejection != nil)
  }
}

@Suite struct PrivacyAttackTests {
  static let lies: [(String, String, @Sendable (inout Manifest.Privacy) -> Void)] = [
    ("a lying record: half of the ε", "its own steps, noise and sampling come to", { $0.epsilon /= 2 }),
    ("a lying record: more noise than the ε fits is no cover for more steps", "its own steps, noise and sampling come to", { $0.steps *= 10 }),
    ("no noise at all", "noise multiplier of 0.0", { ($0.noiseMultiplier, $0.epsilon) = (0, 1) }),
    ("unclipped", "a clipping norm of 0", { $0.clippingNorm = 0 }),
    ("unclipped in fact", "count as unclipped", { $0.clippingNorm = 1000.001 }),
    ("fixed batches sold as private", "the sampling is shuffle", { $0.sampling = "shuffle" }),
    ("another mechanism", "the mechanism is none", { $0.mechanism = "none" }),
    ("no steps", "0 steps", { $0.steps = 0 }),
    ("a δ under which a sequence may be published whole", "δ is 0.9", { $0.delta = 0.9 }),
    ("a δ of nothing", "δ is 0", { $0.delta = 0 }),
    ("a sampling rate of nothing", "a sampling rate of 0", { $0.sampleRate = 0 }),
  ]

  @Test(arguments: lies.indices) func aRecordThatDoesNotStandIsRejectedBothWays(index: Int) async throws {
    let (name, words, change) = Self.lies[index]
    for direction in [GateDirection.inbound, .outbound] {
      let verdict = try await PrivacyTests.judge(PrivacyTests.record(change), direction)
      #expect(verdict.rejection?.contains(words) == true, "\(name): \(verdict)")
    }
  }

  @Test func aMissingRecordIsRejectedBothWays() async throws {
    for direction in [GateDirection.inbound, .outbound] {
      let verdict = try await PrivacyTests.judge(nil, direction)
      #expect(verdict.rejection?.contains("no privacy record") == true)
    }
  }

  static let faults: [(String, @Sendable (inout PrivateTraining) -> Void)] = [
    ("1 of 100 steps did not clip", { $0.clippedSteps = 99 }), ("1 of 100 steps added no noise", { $0.noisySteps = 99 }),
    ("drew its batches by shuffle", { $0.sampling = "shuffle" }), ("A was trained", { $0.isAFrozen = false }),
    ("the record says 100 steps, the node made 101", { ($0.steps, $0.clippedSteps, $0.noisySteps) = (101, 101, 101) }),
    ("a noise multiplier of 1.2", { $0.noiseMultiplier = 1.1 }), ("a clipping norm of 1.0", { $0.clippingNorm = 2 }), ("a sampling rate of 0.01", { $0.samplingRate = 0.02 }),
    ("for 2000 sequences", { $0.sequences = 2000 }),
  ]

  @Test(arguments: faults.indices) func whatTheNodeSawOfATrainingCountsAgainstItsRecord(index: Int) async throws {
    let (words, change) = Self.faults[index]
    let verdict = try await PrivacyTests.judge(PrivacyTests.record(), .outbound, training: PrivacyTests.training(change))
    #expect(verdict.rejection?.contains(words) == true, "\(words): \(verdict)")
  }

  @Test func aGenomeThatWasNotTrainedHereDoesNotLeave() async throws {
    let verdict = try await PrivacyTests.judge(PrivacyTests.record(), .outbound, training: nil)
    #expect(verdict.rejection?.contains("no account of this genome's training") == true)
  }
}
