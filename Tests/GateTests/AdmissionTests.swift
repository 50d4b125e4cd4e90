import CentramGenome
import CentramNode
import CentramPluginAPI
import GateCorpus
import Testing

@Suite struct AdmissionTests {
  private func outcome(_ world: CorpusWorld, _ standing: AuthorStanding, policy: String = "{}") async throws -> GateReport.Outcome {
    var world = world
    world.standings[CorpusKey(1).hex] = standing
    return try await judge(world.next().sealed(), in: world, policies: ["gate.admission": policy]).outcome
  }

  @Test func anAuthorsWeightRisesOverEightAcceptedGenomes() async throws {
    let world = CorpusWorld.lived()
    for (accepted, weight) in [(0, 0.25), (1, 0.34375), (4, 0.625), (7, 0.90625), (8, 1), (100, 1)] {
      #expect(try await outcome(world, AuthorStanding(accepted: accepted)) == .accepted(factor: weight))
    }
    #expect(try await outcome(world, AuthorStanding(), policy: #"{"new_weight":0.5,"full_after":2}"#) == .accepted(factor: 0.5))
    #expect(try await outcome(world, AuthorStanding(), policy: #"{"full_after":0}"#) == .accepted(factor: 1))
  }

  @Test func theTenthOfADayPassesAndTheEleventhWaitsForTheBucket() async throws {
    let world = CorpusWorld.lived()
    func standing(_ count: Int, minutesAgo: Int64) -> AuthorStanding {
      AuthorStanding(accepted: 20, admissions: Array(repeating: world.now - minutesAgo * 60_000, count: count))
    }
    #expect(try await outcome(world, standing(9, minutesAgo: 0)) == .accepted(factor: 1))
    #expect(
      try await outcome(world, standing(10, minutesAgo: 0))
        == .rejected(layer: "gate.admission", reason: "its author has used up 10 genomes a day; another is due in 144 minutes"))
    // A tenth of a day fills one more.
    #expect(try await outcome(world, standing(10, minutesAgo: 144)) == .accepted(factor: 1))
    #expect(try await outcome(world, standing(10, minutesAgo: 143)) != .accepted(factor: 1))
    #expect(try await outcome(world, standing(1000, minutesAgo: 2880)) == .accepted(factor: 1))
  }

  @Test func timesAheadOfTheClockDoNotFillTheBucket() async throws {
    let world = CorpusWorld.lived()
    let ahead = AuthorStanding(accepted: 20, admissions: (0..<10).map { world.now + 3_600_000 * $0 })
    #expect(try await outcome(world, ahead) != .accepted(factor: 1))
  }

  @Test func aBranchHasItsShareOfInfluenceAndNoMore() async throws {
    let world = CorpusWorld.lived()
    func standing(_ branch: Double, of all: Double, branches: Int = 5) -> AuthorStanding {
      AuthorStanding(accepted: 8, branchInfluence: branch, influence: all, branches: branches)
    }
    // (4.2 + 1) / (25 + 1) is the fifth that is allowed.
    #expect(try await outcome(world, standing(4.2, of: 25)) == .accepted(factor: 1))
    guard case .accepted(let factor) = try await outcome(world, standing(4.6, of: 25)) else { throw GenomeError(.inconsistent, "a branch with room was refused") }
    #expect(abs(factor - 0.5) < 1e-9)
    #expect(try await outcome(world, standing(5, of: 25)).isQuarantine)
    // Four branches cannot all be below a fifth.
    #expect(try await outcome(world, standing(20, of: 25, branches: 4)) == .accepted(factor: 1))
    #expect(try await outcome(world, standing(24, of: 25, branches: 50)).isQuarantine)
  }

  @Test func anAuthorsOwnUpdateAgainIsACopyToo() async throws {
    let world = CorpusWorld.lived()
    var draft = world.next(1, seed: 101)
    draft.configuration = world.shape.configuration(alpha: 3 * world.shape.rank)
    let report = try await judge(draft.sealed(), in: world)
    #expect(report.refusingLayer == "gate.admission")
    #expect(report.verdicts.last?.evidence.contains { $0.name == "nearest" && $0.value.contains("cosine 1.0") } == true)
  }

  @Test func anUpdateTooLargeToCompareIsRefused() async throws {
    let world = CorpusWorld.lived()
    var draft = world.next()
    draft.weights = world.shape.weights(
      world.shape.factors(seed: 7).map { it in
        var it = it
        it.b = it.b.map { $0 < 0 ? -3e38 : 3e38 }
        return it
      })
    let report = try await judge(draft.sealed(), in: world)
    #expect(report.outcome == .rejected(layer: "gate.admission", reason: "its update is too large, or not finite, so it cannot be compared with others"))
  }

  @Test func theBoundOfCopiesIsASetting() async throws {
    let world = CorpusWorld.lived()
    var random = CorpusRandom(5)
    // B's own noise with a standard deviation of a quarter of its values': a cosine of about 0.97.
    let factors = world.shape.factors(seed: 101).map { it in
      var it = it
      for index in it.b.indices { it.b[index] += 0.005 * random.normal() }
      return it
    }
    var draft = world.draft(author: 50, seed: 0)
    draft.weights = world.shape.weights(factors)
    #expect(try await judge(draft.sealed(), in: world).isAccepted)
    #expect(try await judge(draft.sealed(), in: world, policies: ["gate.admission": #"{"cosine":0.9}"#]).refusingLayer == "gate.admission")
  }
}
