import CentramGenome
import CentramModel
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// Rules of evolution, on small adapters and losses that are given.
@Suite struct RuleTests {
  let node: SmallNode
  init() throws { node = try SmallNode() }

  private func evolve(_ change: (inout EvolutionSettings) -> Void = { _ in }, gains: [String: Double] = [:]) -> Evolution { node.evolution(FixedMeasuring(gains: gains), change) }

  @Test func aSumIsBlendedByTheShareAndOnlyWhatTheGateLetInOfIt() async throws {
    let own = try node.own(1), peer = try node.accepted(2, factor: 0.5)
    let report = try await evolve { $0.mode = .merge }.step()
    #expect(report.lines.map(\.outcome) == [.kept, .kept])
    let merged = try node.store.genome(try #require(report.lines[1].result)), adapter = try node.adapter(merged)
    // The line search goes up to four times the share: 0.6 of the half that the gate let in.
    let weight = try #require(report.lines[1].weight)
    #expect([0.075, 0.15, 0.3].contains(weight))
    for module in adapter.modules {
      let (one, two) = (try node.delta(try node.adapter(own), module.name), try node.delta(try node.adapter(peer), module.name))
      let found = try node.delta(adapter, module.name)
      for index in found.indices { #expect(abs(found[index] - (0.85 * one[index] + weight * two[index])) < 1e-5) }
    }
    #expect(merged.parents.reduce(0) { $0 + $1.basisPoints } == 10_000 && merged.parents[1].basisPoints == Int((10_000 * weight / (0.85 + weight)).rounded()))
  }

  @Test func withoutAnOwnAdapterThePeersStandsAlone() async throws {
    let peer = try node.accepted(2)
    let report = try await evolve().step(), model = try EvolutionState.current(in: node.store).model
    #expect(report.lines.map(\.weight) == [1] && model == .merged(genome: peer.id))
    let own = try node.store.genomes(state: .own)
    #expect(own.isEmpty)
  }

  @Test func aSumBeyondTheRankLimitIsCompressedAndSaysSo() async throws {
    _ = try node.own(1)
    _ = try node.accepted(2)
    let report = try await evolve { $0.rankLimit = 3 }.step(), line = report.lines[1]
    #expect(line.outcome == .kept && line.isExact == false && line.reason.contains("no longer exact"))
    let merged = try node.store.genome(try #require(line.result)), adapter = try node.adapter(merged)
    let manifest = try Manifest(parsing: merged.manifest)
    // Another processor rounds a decomposition in another way, so nobody is told that the bytes can be made again.
    #expect(adapter.modules.allSatisfy { $0.rank <= 3 } && manifest.recipe == nil && manifest.trainer.id == "merge.lora_svd")
  }

  @Test func anotherOperatorMergesByConfigurationAndAMissingOneIsNamed() async throws {
    _ = try node.own(1)
    let peer = try node.accepted(2)
    let missing = try await evolve { $0.mergeOperator = "merge.ties" }.step()
    #expect(missing.lines.map(\.outcome) == [.kept, .skipped] && missing.lines[1].reason.contains("merge.ties is not here"))
    let report = try await evolve {
      $0.mergeOperator = "merge.linear"
      $0.parametersJSON = #"{"normalize": false}"#
    }.step()
    #expect(report.lines.map(\.genome) == [peer.id] && report.lines.map(\.outcome) == [.kept], "\(report)")
    let manifest = try Manifest(parsing: try node.store.genome(try #require(report.lines[0].result)).manifest)
    #expect(manifest.recipe?.operator == "merge.linear")
  }

  @Test func aMixtureHoldsBaseAndGenomesWithPriorsThatSumToOne() async throws {
    let first = try node.accepted(2, lift: 0.2), second = try node.accepted(3, key: 3, factor: 0.5, lift: 0.1)
    let report = try await evolve { ($0.mode, $0.newcomerPrior) = (.mixture, 0.2) }.step()
    #expect(report.lines.map(\.way) == ["mixture", "mixture"] && report.lines.map(\.genome) == [first.id, second.id])
    guard case .mixture(let experts) = report.model else { return #expect(Bool(false), "\(report.model)") }
    let priors = experts.map { ($0.prior * 1e6).rounded() / 1e6 }
    #expect(experts.map(\.genome) == [nil, first.id, second.id] && priors == [0.64, 0.16, 0.2] && experts[2].weight == 0.5)
    let events = try Evolution.royalties(in: node.store)
    #expect(events.map(\.genome) == [nil, nil] && events[1].parents.map(\.basisPoints) == [1600, 2000])
    // A mixture is left only by going back.
    let third = try node.accepted(4, key: 4), other = try await evolve().step()
    #expect(other.lines.map(\.genome) == [third.id] && other.lines[0].outcome == .skipped && other.lines[0].reason.contains("mixture"))
    let both = try await evolve { $0.mode = .bothMeasured }.step()
    #expect(both.lines.map(\.way) == ["mixture"] && both.lines.map(\.outcome) == [.kept])
  }

  @Test func ofBothWhatMeasuresBetterIsTaken() async throws {
    _ = try node.accepted(2)
    let report = try await evolve { $0.mode = .bothMeasured }.step()
    #expect(report.lines.map(\.way) == ["merge"])
  }

  @Test func aMergeThatMeasuresWorseLeavesTheModel() async throws {
    _ = try node.own(1)
    let peer = try node.accepted(2)
    let evolution = node.evolution(FixedMeasuring(gains: [peer.id: -0.3], mergeGain: 0.05)) { _ in }, report = try await evolution.step()
    #expect(report.lines.map(\.outcome) == [.kept, .reverted], "\(report)")
    let state = try EvolutionState.current(in: node.store)
    #expect(state.history.count == 1 && state.decisions.map(\.genome) == [peer.id])
  }

  @Test func aRevocationTakesBackEveryMergeFromTheFirstThatItReaches() async throws {
    let own = try node.own(1), one = try node.accepted(2, lift: 0.3), two = try node.accepted(3, key: 3, lift: 0.2)
    let evolution = evolve()
    _ = try await evolution.step()
    let before = try EvolutionState.current(in: node.store)
    #expect(before.history.map(\.genome) == [own.id, one.id, two.id])
    let untouched = try evolution.didRevoke([String(repeating: "0", count: 64)]), gone = try evolution.didRevoke([one.id])
    #expect(untouched.isEmpty && gone == [one.id, two.id])
    let after = try EvolutionState.current(in: node.store)
    #expect(after.model == .merged(genome: own.id) && after.decisions.map(\.genome) == [one.id])
    // The other one is tried again, without the revoked one.
    let report = try await evolution.step()
    #expect(report.lines.map(\.genome) == [two.id] && report.lines[0].outcome == .kept)
    let merged = try node.store.genome(try #require(report.lines[0].result))
    #expect(merged.parents.map(\.id) == [own.id, two.id])
    let events = try Evolution.royalties(in: node.store)
    #expect(events.map(\.kind) == [.merge, .merge, .merge, .revert, .revert, .merge] && events.compactMap(\.reverts) == [3, 2])
  }

  @Test func whatWasTakenBackByHandComesBackOnlyWhenAskedFor() async throws {
    let peer = try node.accepted(2), evolution = evolve()
    _ = try await evolution.step()
    let entry = try evolution.revert(), nothing = try await evolution.step()
    #expect(entry?.genome == peer.id && nothing.lines.isEmpty && nothing.model == .base)
    let again = try await evolution.step(retries: true)
    #expect(again.lines.map(\.outcome) == [.kept])
  }

  @Test func theShadowPeriodEndsByTimeOrByAFault() async throws {
    let peer = try node.accepted(2), evolution = evolve { $0.shadowHours = 2 }
    _ = try await evolution.step()
    let early = try evolution.checkShadow(), open = try EvolutionState.current(in: node.store).history.map(\.isProved)
    #expect(early.isEmpty && open == [false])
    node.clock.advance(hours: 2)
    let late = try evolution.checkShadow(), proved = try EvolutionState.current(in: node.store).history.map(\.isProved)
    #expect(late.isEmpty && proved == [true])
    // Without a shadow period it is proved at once.
    _ = try evolution.revert()
    _ = try await evolve { $0.shadowHours = 0 }.step(retries: true)
    let atOnce = try EvolutionState.current(in: node.store).history
    #expect(atOnce.map(\.isProved) == [true] && atOnce.map(\.genome) == [peer.id])
  }

  @Test func royaltyEventsAreNumberedAndReadOnce() async throws {
    let peer = try node.accepted(2)
    _ = try await evolve().step()
    for tokens in 1...300 { try Evolution.recordUse([peer.id: 0.25], tokens: tokens, in: node.store, now: 5) }
    let all = try Evolution.royalties(in: node.store)
    #expect(all.map(\.number) == Array(1...301) && all[0].kind == .merge && all[300].tokens == 300 && all[1].parents.map(\.basisPoints) == [2500])
    var cursor = 0, read: [RoyaltyEvent] = []
    while true {
      let some = try Evolution.royalties(in: node.store, after: cursor, limit: 100)
      guard let last = some.last else { break }
      (cursor, read) = (last.number, read + some)
    }
    #expect(read == all)
  }
}
