import CentramGateStatistics
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

@testable import GateLayers_Consensus

/// Updates of one domain: the same direction in each, and much of their own.
enum Cohorts {
  static let rank = 6

  /// cos θ = `agreement` between two members, nearly: a shared part of two of the rank's six rows and a part of one's own.
  static func honest(_ seed: UInt64, shared: UInt64 = 1, norm: Double = 1) -> [ModuleUpdate] {
    join(part(shared, rank: 3), part(seed, rank: 3), norm: norm)
  }

  /// Without anything shared.
  static func stranger(_ seed: UInt64, norm: Double = 1) -> [ModuleUpdate] { join(part(seed, rank: 3), part(seed &+ 77_777, rank: 3), norm: norm) }

  static func part(_ seed: UInt64, rank: Int) -> [ModuleUpdate] {
    var random = TestRandom(seed &* 0x1_0001)
    return Updates.modules.map { Updates.module($0, outputs: 20, inputs: 16, rank: rank, norm: 1, random: &random) }
  }

  /// ΔW of both added up, at the size `norm` over all modules.
  static func join(_ x: [ModuleUpdate], _ y: [ModuleUpdate], norm: Double) -> [ModuleUpdate] {
    var result = zip(x, y).map { x, y in
      let rank = x.factors.rank + y.factors.rank
      var b: [Float] = []
      for row in 0..<x.outputs {
        b += x.factors.b[(row * x.factors.rank)..<((row + 1) * x.factors.rank)]
        b += y.factors.b[(row * y.factors.rank)..<((row + 1) * y.factors.rank)]
      }
      return ModuleUpdate(
        module: x.module, outputs: x.outputs, inputs: x.inputs, scale: x.scale, factors: LowRankFactors(rank: rank, a: x.factors.a + y.factors.a, b: b))
    }
    let size = result.map { Dense.norm(Dense.delta($0)) }.reduce(0) { $0 + $1 * $1 }.squareRoot()
    result = Updates.scaled(result, by: norm / size)
    return result
  }

  static func reference(_ number: Int) -> UpdateReference {
    UpdateReference(contentHash: (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) }, author: "author\(number)")
  }

  static func host(_ members: [[ModuleUpdate]], domain: String = "code", roots: [(domain: String, sequences: Int, modules: [ModuleUpdate])] = []) -> GateHost {
    GateHost([
      "centram.updates/1": UpdateDouble(
        members: members.enumerated().map { .init(reference($0.offset), domain: domain, modules: $0.element) },
        roots: roots.enumerated().map { (RootUpdate(update: reference(1000 + $0.offset), domain: $0.element.domain, sequences: $0.element.sequences), $0.element.modules) })
    ])
  }

  static func judge(
    _ candidate: [ModuleUpdate], _ members: [[ModuleUpdate]], domain: String = "code", roots: [(domain: String, sequences: Int, modules: [ModuleUpdate])] = [],
    policy: String = "{}"
  ) async throws -> Verdict {
    let genome = try TestGenome(candidate, domain: domain)
    let verdict = try await Consensus(services: host(members, roots: roots)).judge(genome.candidate(policy: policy))
    withExtendedLifetime(genome) {}
    return verdict
  }
}

@Suite struct ConsensusTests {
  static let rules = ["multi_krum", "trimmed_mean"]
  static func policy(_ rule: String) -> String { #"{"rule":"\#(rule)"}"# }

  @Test(arguments: [(2, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 2), (9, 2), (10, 3), (13, 3), (20, 6), (30, 9)])
  func faultyMembersAreAtMostHalfLessThreeAndThirtyPercent(count: Int, hostile: Int) {
    let found = Cohort.hostile(count, share: 0.3)
    // (2 − 3) / 2 is 0 in whole numbers, as everything below 5 is.
    #expect(found == hostile)
    #expect(found < 1 || count >= 2 * found + 3)
  }

  @Test(arguments: rules) func honestMembersPass(rule: String) async throws {
    let members = (0..<10).map { Cohorts.honest(UInt64(100 + $0)) }
    var accepted = 0
    for seed in 0..<10 {
      let verdict = try await Cohorts.judge(Cohorts.honest(UInt64(300 + seed)), members, policy: Self.policy(rule))
      if verdict.isAccepted { accepted += 1 }
    }
    #expect(accepted == 10, "\(accepted) of 10 by \(rule)")
  }

  @Test func mixingAndKrumAreThoseOfVectorsWrittenOut() throws {
    let updates = (0..<9).map { $0 == 8 ? Cohorts.stranger(50, norm: 2) : Cohorts.honest(UInt64(400 + $0), norm: 0.5 + 0.1 * Double($0)) }
    var products = UpdateProducts(count: 9)
    for index in Updates.modules.indices { try products.add(updates.map { $0[index] }) }
    let members = Array(1..<9), hostile = 2
    let cohort = Cohort(products: products, members: members, hostile: hostile)
    let vectors = updates.map(Dense.vector)
    func distance(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    func mean(_ list: [[Double]]) -> [Double] { list[0].indices.map { place in list.reduce(0) { $0 + $1[place] } / Double(list.count) } }
    let mixed = members.map { member in mean(members.sorted { distance(vectors[member], vectors[$0]) < distance(vectors[member], vectors[$1]) }.prefix(6).map { vectors[$0] }) }
    for (row, wanted) in zip(cohort.mixed(), mixed) {
      let found = vectors[0].indices.map { place in (0..<9).reduce(0) { $0 + row[$1] * vectors[$1][place] } }
      #expect(distance(found, wanted) < 1e-20)
    }
    // Brute force over mixed vectors: 8 − 2 − 2 nearest, the 6 smallest scores.
    let scores = mixed.map { vector in mixed.map { distance(vector, $0) }.sorted().dropFirst().prefix(4).reduce(0, +) }
    let wanted = scores.indices.sorted { scores[$0] < scores[$1] }.prefix(6).sorted()
    #expect(cohort.selectedByKrum(cohort.mixed()) == wanted)
    // And the candidate's cosine to their mean.
    let centre = mean(wanted.map { mixed[$0] })
    let found = cohort.agreementWithMultiKrum().candidate
    #expect(abs(found.cosine - Dense.cosine(vectors[0], centre)) < 1e-10)
    #expect(abs(found.squaredDistance - distance(vectors[0], centre)) < 1e-10)
  }

  @Test func theTrimmedMeanIsThatOfVectorsWrittenOut() async throws {
    let members = (0..<7).map { Cohorts.honest(UInt64(500 + $0)) }, candidate = Cohorts.honest(600)
    let genome = try TestGenome(candidate)
    let update = try CandidateUpdate(genome.candidate())
    let service = UpdateDouble(members: members.enumerated().map { .init(Cohorts.reference($0.offset), domain: "code", modules: $0.element) })
    let comparison = Comparison(update, members.indices.map(Cohorts.reference), service)
    let cohort = Cohort(products: try await comparison.products(), members: Array(1...7), hostile: 2)
    let found = try await comparison.agreementWithTrimmedMean(cohort)
    let vectors = ([candidate] + members).map(Dense.vector), mixed = cohort.mixed()
    let centre = vectors[0].indices.map { place in
      mixed.map { row in (0..<8).reduce(0) { $0 + row[$1] * vectors[$1][place] } }.sorted()[2..<5].reduce(0, +) / 3
    }
    #expect(abs(found.candidate.cosine - Dense.cosine(vectors[0], centre)) < 1e-9)
    withExtendedLifetime(genome) {}
  }

  @Test func fourMembersAreNoCohortAndFiveAre() async throws {
    let members = (0..<5).map { Cohorts.honest(UInt64(700 + $0)) }
    let root = [(domain: "code", sequences: 200, modules: Cohorts.honest(800))]
    let four = try await Cohorts.judge(Cohorts.honest(801), Array(members.prefix(4)), roots: root), five = try await Cohorts.judge(Cohorts.honest(801), members, roots: root)
    #expect(four.value("rule")?.contains("FLTrust") == true)
    #expect(five.value("rule")?.contains("n = 5, f = 1") == true)
    #expect(four.isAccepted || four.factor != nil)
    #expect(five.isAccepted)
  }

  @Test func aRootUpdateNeedsTwoHundredSequences() async throws {
    let enough = try await Cohorts.judge(Cohorts.honest(801), [], roots: [("code", 200, Cohorts.honest(800))])
    let few = try await Cohorts.judge(Cohorts.honest(801), [], roots: [("code", 199, Cohorts.honest(800))])
    #expect(enough.isAccepted || enough.factor != nil)
    #expect(few.quarantine?.contains("200 sequences") == true)
    #expect(few.value("root.code")?.contains("199") == true)
  }

  @Test func aLargeUpdateIsScaledToTheRootsNorm() async throws {
    let root = [(domain: "code", sequences: 500, modules: Cohorts.honest(800, norm: 0.5))]
    let larger = try await Cohorts.judge(Cohorts.honest(801, norm: 1), [], roots: root), smaller = try await Cohorts.judge(Cohorts.honest(801, norm: 0.499), [], roots: root)
    #expect(abs((larger.factor ?? 0) - 0.5) < 1e-5)
    #expect(smaller.isAccepted)
  }

  @Test func acrossDomainsItWeighsAndNeverRejects() async throws {
    let root = [(domain: "prose", sequences: 500, modules: Cohorts.honest(800))]
    let against = try await Cohorts.judge(Updates.scaled(Cohorts.honest(800), by: -1), [], roots: root)
    #expect(abs((against.factor ?? 0) - 0.1) < 1e-9)
    let unrelated = try await Cohorts.judge(Cohorts.stranger(900), [], roots: root)
    // Nearly orthogonal, on either side.
    #expect(unrelated.isAccepted || (unrelated.factor ?? 0) > 0.8, "\(unrelated)")
    let along = try await Cohorts.judge(Cohorts.honest(801), [], roots: root)
    #expect(along.isAccepted)
  }

  @Test func aCohortOfAnotherDomainIsNoCohort() async throws {
    let members = (0..<9).map { Cohorts.honest(UInt64(700 + $0)) }
    let genome = try TestGenome(Cohorts.honest(1), domain: "prose")
    let verdict = try await Consensus(services: Cohorts.host(members)).judge(genome.candidate())
    #expect(verdict.quarantine != nil)
    #expect(verdict.value("cohort") == "0 other updates of prose")
  }
}

@Suite struct ConsensusAttackTests {
  /// Ten honest members less `hostile`, with as many of the attack.
  static func cohort(_ hostile: [[ModuleUpdate]]) -> [[ModuleUpdate]] { (0..<(10 - hostile.count)).map { Cohorts.honest(UInt64(1100 + $0)) } + hostile }

  @Test(arguments: ConsensusTests.rules) func signFlipsAreRejected(rule: String) async throws {
    for seed in 0..<5 {
      let flipped = Updates.scaled(Cohorts.honest(UInt64(1200 + seed)), by: -1)
      // Two more of the kind are in the cohort.
      let others = (0..<2).map { Updates.scaled(Cohorts.honest(UInt64(1300 + $0)), by: -1) }
      let verdict = try await Cohorts.judge(flipped, Self.cohort(others), policy: ConsensusTests.policy(rule))
      #expect(verdict.rejection?.contains("cosine") == true, "\(seed): \(verdict)")
    }
  }

  @Test(arguments: ConsensusTests.rules) func aColludingMinorityIsRejected(rule: String) async throws {
    // Four of eleven push another direction that they share, each with a part of its own so that they are no copies.
    let colluders = (0..<4).map { Cohorts.honest(UInt64(1400 + $0), shared: 9) }
    let verdict = try await Cohorts.judge(colluders[0], Self.cohort(Array(colluders.dropFirst())), policy: ConsensusTests.policy(rule))
    #expect(verdict.rejection != nil, "\(verdict)")
    let honest = try await Cohorts.judge(Cohorts.honest(1499), Self.cohort(Array(colluders.dropFirst())), policy: ConsensusTests.policy(rule))
    #expect(honest.isAccepted, "\(honest)")
  }

  @Test(arguments: ConsensusTests.rules) func copiesOfOneUpdateHaveOneVoice(rule: String) async throws {
    // Krum alone is drawn to them: their distances are 0. Twenty copies stand against nine honest ones.
    let copy = Cohorts.stranger(1500)
    let members = (0..<9).map { Cohorts.honest(UInt64(1600 + $0)) } + Array(repeating: copy, count: 20)
    let verdict = try await Cohorts.judge(copy, members, policy: ConsensusTests.policy(rule))
    #expect(verdict.rejection != nil, "\(verdict)")
    #expect(verdict.value("distinct")?.hasPrefix("9 ") == true)
  }

  @Test func anHonestUpdateWithALargeHiddenPartIsTooFarAway() async throws {
    // Half of the honest direction's size in the open, four times of it in a direction of its own: an inner-product check alone would pass it.
    let hidden = Cohorts.join(Updates.scaled(Cohorts.honest(1700), by: 3), Updates.scaled(Cohorts.stranger(1701), by: 4), norm: 5)
    let verdict = try await Cohorts.judge(hidden, Self.cohort([]))
    #expect(verdict.rejection?.contains("distance") == true, "\(verdict)")
  }

  @Test func aSignFlipWithoutACohortIsRejectedByTheRootUpdate() async throws {
    let verdict = try await Cohorts.judge(Updates.scaled(Cohorts.honest(1801), by: -1), [], roots: [("code", 200, Cohorts.honest(1800))])
    #expect(verdict.rejection?.contains("must be above 0") == true)
  }
}
