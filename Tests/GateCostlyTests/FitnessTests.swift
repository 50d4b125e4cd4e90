import CentramGateStatistics
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

@testable import GateLayers_Fitness

/// A world of domains along the candidate's line: the loss of a sequence is 2 − gain · λ + curve · λ² and a difference of its own, in nat a byte.
struct Valley: Sendable {
  var gain: Double, curve = 0.0
  /// Standard deviation of one sequence's gain.
  var noise = 0.01
}

struct FitnessWorld {
  var valleys: [String: Valley]
  var sequences = 48
  var random = -0.05
  var textGain = 0.0
  var state = HoldOutState(released: 0, testsSinceRefresh: 0)
  var live: LiveFitness?
  var bytesPerToken = 1.0
  var seed: UInt64 = 1

  init(_ valleys: [String: Valley]) { self.valleys = valleys }

  var host: GateHost {
    let (valleys, sequences, bytes, seed) = (valleys, sequences, bytesPerToken, seed)
    let (randomGain, textGain) = (random, textGain)
    @Sendable func losses(_ domain: String, _ change: (Double, Double) -> Double) -> [Double] {
      var random = TestRandom(seed &+ UInt64(domain.utf8.reduce(0) { $0 * 31 + Int($1) }))
      return (0..<sequences).map { _ in
        let base = 2 + 0.3 * random.normal()
        return (base - change(base, random.normal())) * bytes
      }
    }
    return GateHost([
      "centram.evaluation/1": EvaluationDouble(domains: valleys.keys.sorted()) { domain, scale in
        let valley = valleys[domain]!
        return losses(domain) { _, noise in scale == 0 ? 0 : valley.gain * scale - valley.curve * scale * scale + valley.noise * noise * scale }
      },
      "centram.fitness/1": FitnessDouble(
        bytesPerToken: Dictionary(uniqueKeysWithValues: valleys.keys.map { ($0, bytes) }), random: { domain, scale in losses(domain) { _, _ in randomGain * scale } },
        randomText: { 5.5 - textGain * $0 }, state: state, live: live),
    ])
  }

  /// Without the candidate.
  func losses(_ domain: String) async throws -> [Double] {
    let host = host
    let evaluation = try #require(host.service("centram.evaluation/1") as? any EvaluationService)
    return try await evaluation.losses(domain: domain, candidateHash: nil, scale: 0)
  }

  func judge(domain: String = "code", policy: String = "{}") async throws -> Verdict {
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1), domain: domain)
    let verdict = try await Fitness(services: host).judge(genome.candidate(policy: policy))
    withExtendedLifetime(genome) {}
    return verdict
  }
}

@Suite struct FitnessTests {
  static let honest = FitnessWorld(["code": Valley(gain: 0.1), "prose": Valley(gain: 0.01)])

  @Test func anHonestGenomeIsAcceptedWhole() async throws {
    let verdict = try await Self.honest.judge()
    #expect(verdict.isAccepted, "\(verdict)")
    #expect(abs((verdict.measure("lift") ?? 0) - 0.055) < 0.005)
    // Base, λ of 1 and of ½, the control: 2 · 48 each; random text twice 48.
    #expect(verdict.measure("forwardPasses") == 480.0)
    #expect(verdict.value("forward passes") == "480")
    #expect(verdict.measure("lambda") == 1)
  }

  @Test(arguments: [(0.1, 1.0), (0.2, 0.5), (0.4, 0.25), (0.8, 0.125)]) func theLineSearchFindsTheBestStep(curve: Double, lambda: Double) async throws {
    // The best step of gain · λ − curve · λ² is gain / (2 · curve).
    let verdict = try await FitnessWorld(["code": Valley(gain: 0.2, curve: curve)]).judge()
    #expect(lambda == 1 ? verdict.isAccepted : verdict.factor == lambda, "\(verdict)")
  }

  @Test func theLineSearchGoesOnFromWhatLayersBeforeAskedFor() async throws {
    // The best is half of the whole update, so all of a halved one and half of a whole one.
    let world = FitnessWorld(["code": Valley(gain: 0.2, curve: 0.2)])
    let (halved, whole) = (try await world.judge(policy: #"{"scale":0.5}"#), try await world.judge())
    #expect(halved.isAccepted && whole.factor == 0.5)
    #expect(halved.value("lambda.0.5") != nil && halved.value("lambda.1") == nil)
    #expect(halved.measure("lambda") == 0.5)
  }

  @Test func theBoundMustBeAboveZero() async throws {
    // A lift without spread is its own bound, so the limit is met exactly.
    let none = try await FitnessWorld(["code": Valley(gain: 0, noise: 0)]).judge()
    #expect(none.rejection?.contains("not above 0") == true)
    // A lift of 0.01 with sequences that differ by 0.2: the bound is below 0.
    let vague = try await FitnessWorld(["code": Valley(gain: 0.01, noise: 0.2)]).judge()
    #expect(vague.rejection?.contains("95 % bound") == true, "\(vague)")
    let clear = try await FitnessWorld(["code": Valley(gain: 0.1, noise: 0.2)]).judge()
    #expect(clear.isAccepted || clear.factor != nil, "\(clear)")
  }

  @Test func aDomainMayFallByTheMarginAndNoMore() async throws {
    func verdict(_ fall: Double) async throws -> Verdict { try await FitnessWorld(["code": Valley(gain: 0.1, noise: 0), "prose": Valley(gain: -fall, noise: 0)]).judge() }
    let (at, beyond) = (try await verdict(0.01 - 1e-9), try await verdict(0.01 + 1e-9))
    #expect(at.isAccepted)
    // Half of it keeps the margin, though all of it would lift more.
    #expect(beyond.factor == 0.5, "\(beyond)")
    // An eighth is the least that is tried.
    let (least, none) = (try await verdict(0.08 - 1e-9), try await verdict(0.08 + 1e-9))
    #expect(least.factor == 0.125, "\(least)")
    #expect(none.rejection?.contains("falls by more than 0.01") == true)
    #expect(none.value("fall")?.hasPrefix("prose") == true)
  }

  @Test func theMarginIsOfBytesNotOfTokens() async throws {
    // 0.03 nat a token are 0.0075 a byte where a token has four.
    var world = FitnessWorld(["code": Valley(gain: 0.1, noise: 0), "prose": Valley(gain: -0.0075, noise: 0)])
    world.bytesPerToken = 4
    let verdict = try await world.judge()
    #expect(verdict.isAccepted)
    #expect(abs((verdict.measure("lift") ?? 0) - 0.04625) < 1e-9)
  }

  @Test func aLiftMustBeatThatOfARandomUpdate() async throws {
    var world = FitnessWorld(["code": Valley(gain: 0.05, noise: 0)])
    world.random = 0.05 + 1e-6
    let beaten = try await world.judge()
    #expect(beaten.rejection?.contains("no better than a random one") == true)
    world.random = 0.05 - 1e-6
    let better = try await world.judge()
    #expect(better.isAccepted)
  }

  @Test func theGainMustExceedThatOnRandomText() async throws {
    var world = FitnessWorld(["code": Valley(gain: 0.05, noise: 0), "prose": Valley(gain: 0.2, noise: 0)])
    // As a share of 5.5 nat what 0.05 is of the declared domain's loss.
    let losses = try await world.losses("code"), share = 0.05 / (losses.reduce(0, +) / Double(losses.count))
    world.textGain = 5.5 * share - 1e-6
    let below = try await world.judge()
    #expect(below.isAccepted)
    world.textGain = 5.5 * share + 1e-6
    let verdict = try await world.judge()
    #expect(verdict.rejection?.contains("random text") == true)
    // The domain that was declared counts, and all together for a domain without a hold-out.
    let prose = try await world.judge(domain: "prose"), unknown = try await world.judge(domain: "poetry")
    #expect(prose.isAccepted && unknown.isAccepted)
    #expect(unknown.value("random text")?.contains("none called poetry") == true)
  }

  @Test func theLadderLetsOnlyImprovementsByMoreThanEtaThrough() async throws {
    var world = FitnessWorld(["code": Valley(gain: 0.05, noise: 0)])
    world.state.released = 0.05 - 0.002 + 1e-6
    let same = try await world.judge()
    #expect(same.rejection?.contains("by more than 0.002") == true)
    #expect(same.measure("ladder.released") == world.state.released)
    world.state.released = 0.05 - 0.002 - 1e-6
    let better = try await world.judge()
    #expect(better.isAccepted)
    // A whole number of steps of η.
    #expect(abs((better.measure("ladder.released") ?? 0) - 0.05) < 1e-9)
    // Who was told nothing yet has nothing to fit to; after that a step of η counts as told, however small the lift was.
    world.state.released = 0
    world.valleys["code"]!.gain = 0.0005
    let tiny = try await world.judge()
    #expect(tiny.isAccepted && tiny.measure("ladder.released") == 0.002)
    world.state.released = 0.002
    let again = try await world.judge()
    #expect(again.rejection?.contains("by more than 0.002") == true)
  }

  @Test func theHoldOutAnswersFiftyTests() async throws {
    var world = Self.honest
    world.state.testsSinceRefresh = 49
    let last = try await world.judge()
    #expect(last.isAccepted)
    world.state.testsSinceRefresh = 50
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1))
    let error = await failure(Fitness(services: world.host), genome.candidate())
    #expect(error?.code == .unavailable && error?.message.contains("50 are the limit") == true)
  }

  @Test func aDomainNeedsFortyEightSequences() async throws {
    var world = Self.honest
    world.sequences = 47
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1))
    let error = await failure(Fitness(services: world.host), genome.candidate())
    #expect(error?.message.contains("has 47 sequences, and 48 are needed") == true)
  }

  @Test func aVerdictIsAFunctionOfCandidatePolicyAndServices() async throws {
    let world = FitnessWorld(["code": Valley(gain: 0.02, noise: 0.05), "prose": Valley(gain: 0.01, noise: 0.05)])
    let one = try await world.judge(), again = try await world.judge(), seeded = try await world.judge(policy: #"{"seed":7}"#)
    #expect(one == again)
    #expect(one.value("bound") != seeded.value("bound"))
  }

  @Test func reasonsHoldNoMeasuredLoss() async throws {
    var told = FitnessWorld(["code": Valley(gain: 0.00123, noise: 0)])
    told.state.released = 0.0001
    let worlds = [
      told, FitnessWorld(["code": Valley(gain: -0.1234)]), FitnessWorld(["code": Valley(gain: 0.1), "prose": Valley(gain: -0.0876)]),
    ]
    for world in worlds {
      let verdict = try await world.judge()
      let reason = verdict.rejection ?? ""
      #expect(!reason.isEmpty)
      for digits in ["1234", "0876", "0123"] { #expect(!reason.contains(digits), "\(reason)") }
    }
  }

  @Test func aMergedGenomeIsRevertedWhereLiveFitnessFell() async throws {
    var random = TestRandom(3)
    let before = random.normals(48).map { 2 + 0.1 * $0 }
    var world = Self.honest
    func verdict(_ change: Double, count: Int = 48) async throws -> Verdict {
      world.live = LiveFitness(before: Array(before.prefix(count)), after: before.prefix(count).enumerated().map { $0.element + change + ($0.offset % 2 == 0 ? 0.01 : -0.01) })
      return try await world.judge()
    }
    let (worse, better, same) = (try await verdict(0.05), try await verdict(-0.05), try await verdict(0))
    #expect(worse.rejection?.contains("revert") == true)
    #expect(better.isAccepted && same.isAccepted)
    // 47 requests say nothing yet.
    let few = try await verdict(0.05, count: 47)
    #expect(few.isAccepted)
    #expect(few.value("live")?.contains("from 48 on") == true)
  }

  @Test func losesNoPairs() async throws {
    let host = GateHost([
      "centram.evaluation/1": EvaluationDouble(domains: ["code"]) { _, scale in Array(repeating: 2, count: scale == 0 ? 50 : 49) },
      "centram.fitness/1": FitnessDouble(random: { _, _ in [] }),
    ])
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1))
    let error = await failure(Fitness(services: host), genome.candidate())
    #expect(error?.code == .shapeMismatch)
  }
}

@Suite struct FitnessAttackTests {
  @Test func uselessGenomesAreRejected() async throws {
    // Noise of the size of real differences, with other draws: the bound lets one in twenty through, give or take what chance does to 120.
    var accepted = 0
    for seed in 0..<120 {
      var world = FitnessWorld(["code": Valley(gain: 0, noise: 0.01), "prose": Valley(gain: 0, noise: 0.01), "mail": Valley(gain: 0, noise: 0.01)])
      world.seed = UInt64(9000 + seed)
      let verdict = try await world.judge()
      if verdict.rejection == nil { accepted += 1 }
    }
    #expect(accepted <= 10, "\(accepted) of 120")
  }

  @Test func aGenomeThatHarmsOneDomainIsRejected() async throws {
    let verdict = try await FitnessWorld(["code": Valley(gain: 0.5), "prose": Valley(gain: -0.1), "mail": Valley(gain: 0.2)]).judge()
    #expect(verdict.rejection?.contains("falls") == true)
  }

  @Test func aGenomeThatOnlyHarmsIsRejectedAtEveryStep() async throws {
    let verdict = try await FitnessWorld(["code": Valley(gain: -0.5, curve: 0.1)]).judge()
    #expect(verdict.rejection != nil)
    #expect(verdict.value("lambda.0.125") != nil)
  }

  @Test func fittingToTheLeaderboardIsToldNothing() async throws {
    // Fifty variants that differ by less than η, each a little better by chance: the author is told the same number every time.
    var world = FitnessWorld(["code": Valley(gain: 0.03, noise: 0)])
    let first = try await world.judge()
    world.state.released = first.measure("ladder.released") ?? 0
    let told = world.state.released
    for variant in 0..<49 {
      world.valleys["code"]!.gain = 0.03 + 0.0019 * Double(variant) / 49
      world.state.testsSinceRefresh = variant
      let verdict = try await world.judge()
      #expect(verdict.rejection != nil)
      #expect(verdict.measure("ladder.released") == told)
      #expect(verdict.rejection?.contains(shown(told)) == true)
    }
  }

  @Test func aSharperModelThatGainsOnNoiseTooIsRejected() async throws {
    // A lower temperature helps everywhere a little, on random text as well.
    var world = FitnessWorld(["code": Valley(gain: 0.02), "prose": Valley(gain: 0.02)])
    world.textGain = 0.2
    let verdict = try await world.judge()
    #expect(verdict.rejection?.contains("random text") == true)
  }

  @Test func lossesThatAreNotNumbersAreRejected() async throws {
    let host = GateHost([
      "centram.evaluation/1": EvaluationDouble(domains: ["code"]) { _, scale in Array(repeating: scale == 0 ? 2 : .nan, count: 48) },
      "centram.fitness/1": FitnessDouble(random: { _, _ in Array(repeating: 2, count: 48) }),
    ])
    let genome = try TestGenome(Updates.adapter(norm: 0.1, seed: 1))
    let verdict = try await Fitness(services: host).judge(genome.candidate())
    #expect(verdict.rejection == "a loss with the update is not finite")
  }
}
