import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

@testable import GateLayers_Norms

@Suite struct NormsTests {
  /// A base whose matrices have norm 4, so the absolute limit is 1.
  static func host(_ history: [LineageEntry] = []) -> GateHost {
    GateHost([
      "centram.updates/1": UpdateDouble(baseNorms: Dictionary(uniqueKeysWithValues: Updates.modules.map { ($0, 4.0) })), "centram.lineage/1": LineageDouble(history),
    ])
  }

  static func judge(_ modules: [ModuleUpdate], _ history: [LineageEntry] = [], policy: String = "{}") async throws -> Verdict {
    let genome = try TestGenome(modules)
    let verdict = try await Norms(services: host(history)).judge(genome.candidate(policy: policy))
    withExtendedLifetime(genome) {}
    return verdict
  }

  static func entry(_ measures: [String: Double]) -> LineageEntry {
    LineageEntry(id: "00", author: "00", parents: [], generation: 0, sequence: 1, previous: nil, unixMilliseconds: 1, domain: "code", measures: measures)
  }

  /// What the layer measures of honest updates, as the node keeps it.
  static func history(_ count: Int, norm: Double = 0.5) async throws -> [LineageEntry] {
    var entries: [LineageEntry] = []
    for index in 0..<count {
      let verdict = try await judge(Updates.adapter(norm: norm * (1 + 0.1 * sin(Double(index))), seed: 100 + UInt64(index)))
      entries.append(entry(measures(verdict)))
    }
    return entries
  }

  static func measures(_ verdict: Verdict) -> [String: Double] {
    var result: [String: Double] = [:]
    for item in verdict.evidence where item.name.hasPrefix("measure.") { result[String(item.name.dropFirst(8))] = Double(item.value) }
    return result
  }

  @Test func passesAtTheAbsoluteLimitAndScalesJustBeyond() async throws {
    // The limit is 0.25 · 4 = 1. Float32 factors hold a norm to 1e-7.
    let honest = try await Self.judge(Updates.adapter(norm: 1 - 1e-6, seed: 1))
    #expect(honest.isAccepted)
    let beyond = try await Self.judge(Updates.adapter(norm: 1 + 1e-5, seed: 1))
    #expect(abs((beyond.factor ?? 0) - 1 / (1 + 1e-5)) < 1e-6)
  }

  @Test func scalesUpToTwiceTheLimitAndRejectsJustBeyond() async throws {
    let twice = try await Self.judge(Updates.adapter(norm: 2 - 1e-5, seed: 2))
    #expect(abs((twice.factor ?? 0) - 0.5) < 1e-4)
    let beyond = try await Self.judge(Updates.adapter(norm: 2 + 1e-5, seed: 2))
    #expect(beyond.rejection?.contains("at most 2 times is scaled") == true)
  }

  @Test func oneMatrixBeyondIsEnough() async throws {
    var modules = Updates.adapter(norm: 0.5, seed: 3)
    modules[2] = Updates.scaled([modules[2]], by: 3)[0]
    let verdict = try await Self.judge(modules)
    #expect(abs((verdict.factor ?? 0) - 1 / 1.5) < 1e-5)
    #expect(verdict.value("largest")?.contains(Updates.modules[2]) == true)
  }

  @Test func theHistoryBoundsFromTwentyAcceptedOn() async throws {
    // Norms 0.5 ± 0.05: median + 3 deviations is well below 1.
    let update = Updates.adapter(norm: 0.95, seed: 4)
    let (nineteen, twenty) = (try await Self.history(19), try await Self.history(20))
    let before = try await Self.judge(update, nineteen), after = try await Self.judge(update, twenty)
    #expect(before.isAccepted)
    #expect(before.value("history")?.contains("only the absolute cap stands") == true)
    #expect(after.factor != nil)
  }

  @Test func theHistorysLimitIsMedianPlusThreeDeviations() async throws {
    // 10 of 0.4 and 10 of 0.6: median 0.5, deviation 0.1, limit 0.8.
    let norms = (0..<20).map { $0 < 10 ? 0.4 : 0.6 }
    let history = norms.map { norm in Self.entry(Dictionary(uniqueKeysWithValues: Updates.modules.map { ("norm.\($0)", norm) })) }
    let at = try await Self.judge(Updates.adapter(norm: 0.8 - 1e-6, seed: 5), history)
    #expect(at.isAccepted)
    let beyond = try await Self.judge(Updates.adapter(norm: 0.88, seed: 5), history)
    #expect(abs((beyond.factor ?? 0) - 0.8 / 0.88) < 1e-5)
    let far = try await Self.judge(Updates.adapter(norm: 1.6 + 1e-5, seed: 5), history)
    #expect(far.rejection != nil)
  }

  @Test func oneOutlyingLayerPassesAndTwoMakeAQuarantine() async throws {
    let history = try await Self.history(24)
    func spiked(_ layers: [Int]) -> [ModuleUpdate] {
      Updates.adapter(norm: 0.5, seed: 6).enumerated().map { index, module in
        guard layers.contains(index / 2), index % 2 == 0 else { return module }
        return Attacks.rankOne(module)
      }
    }
    let one = try await Self.judge(spiked([0]), history), two = try await Self.judge(spiked([0, 1]), history)
    #expect(one.isAccepted, "\(one)")
    #expect(one.value("outlier.layers.0") != nil)
    #expect(two.quarantine?.contains("2 layers") == true, "\(two)")
  }

  @Test func honestUpdatesPassAgainstTheirHistory() async throws {
    let history = try await Self.history(40)
    var accepted = 0
    for seed in 0..<40 {
      let verdict = try await Self.judge(Updates.adapter(norm: 0.5, seed: 5000 + UInt64(seed)), history)
      if verdict.isAccepted { accepted += 1 }
    }
    #expect(accepted >= 38, "\(accepted) of 40")
  }

  @Test func rejectsAModuleThatTheBaseHasNot() async throws {
    let verdict = try await Self.judge(Updates.adapter(norm: 0.1, seed: 7, names: ["model.layers.9.self_attn.q_proj"]))
    #expect(verdict.rejection?.contains("model.layers.9.self_attn.q_proj") == true)
  }

  @Test func rejectsFactorsWhoseProductIsRounding() async throws {
    let module = ModuleUpdate(
      module: Updates.modules[0], outputs: 2, inputs: 2, scale: 1, factors: LowRankFactors(rank: 2, a: [1e6, 1e6, 1e6, 1e6], b: [1e6, -1e6, 1e6, -1e6]))
    let verdict = try await Self.judge([module])
    #expect(verdict.rejection?.contains("cancel") == true)
  }

  @Test func aFullDeltaIsMeasuredAsItsMatrix() async throws {
    var random = TestRandom(8)
    let name = Updates.modules[0]
    func verdict(_ norm: Double) async throws -> Verdict {
      let floats = random.normals(12 * 10), size = Dense.dot(floats, floats).squareRoot()
      let genome = try TestGenome(delta: [("\(name).weight", [12, 10], floats.map { Float($0 * norm / size) })])
      return try await Norms(services: Self.host()).judge(genome.candidate())
    }
    let (honest, large) = (try await verdict(0.9), try await verdict(2.1))
    #expect(honest.isAccepted)
    #expect(abs((honest.measure("norm.\(name)") ?? 0) - 0.9) < 1e-6)
    #expect(large.rejection != nil)
  }

  @Test func layersAreCountedByTheirNumber() {
    #expect(NormsJudgement.layer(of: "model.layers.12.mlp.up_proj") == "layers.12")
    #expect(NormsJudgement.layer(of: "lm_head") == "lm_head")
  }
}
