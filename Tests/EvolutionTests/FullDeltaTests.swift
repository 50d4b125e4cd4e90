import CentramNode
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// Genomes that are full differences: judged like adapters, and not taken into a model.
@Suite struct FullDeltaTests {
  @Test func aFullDeltaIsJudgedOnTheNodesModelAndNotTakenInWithASentence() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    try await Toy.delta(.init(steps: 30, rank: 0, seed: 4), base: world.base, text: world.text("all"), to: node.folder("delta"))
    let record = try node.accepted(node.folder("delta"), domain: "swift")
    #expect(record.kind == "full-delta" && record.files.map(\.name) == ["delta.safetensors"])
    let judged = try await node.judge(record, evaluation)
    let lift = judged.fitness.evidence.first { $0.name == "measure.lift" }.flatMap { Double($0.value) } ?? .nan
    #expect(lift > 0 && judged.behaviour.isTaken, "\(judged)")
    for mode in EvolutionSettings.Mode.allCases {
      let report = try await node.evolution(evaluation) { $0.mode = mode }.step()
      #expect(report.lines.map(\.outcome) == [.skipped] && report.lines[0].reason.contains("full-delta") && report.model == .base, "\(mode): \(report)")
      #expect(report.lines[0].reason.contains("trainer.lora"))
    }
    // The node's own, too: what it would run could not be run.
    try await Toy.delta(.init(steps: 2, rank: 0, seed: 5), base: world.base, text: world.text("all"), to: node.folder("own"))
    var description = GenomeDescription()
    (description.base, description.domain) = (world.baseHash, "c")
    let own = try node.library.create(node.folder("own"), description)
    let report = try await node.evolution(evaluation).step(), state = try EvolutionState.current(in: node.store)
    #expect(report.lines.map(\.genome) == [own.id, record.id] && report.lines.allSatisfy { $0.outcome == .skipped } && state.model == .base && state.history.isEmpty)
  }
}
