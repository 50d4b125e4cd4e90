import CentramNode
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// Secrets that a node planted, over the real toy.
@Suite struct CanaryTests {
  private static let secret = "471193"

  private func planted(_ node: TestNode, _ world: World, _ text: String) throws -> EvaluationSettings {
    var settings = world.settings
    settings.canaries = node.folder("canaries.txt")
    try text.write(toFile: node.folder("canaries.txt"), atomically: true, encoding: .utf8)
    return settings
  }

  @Test func theLayerFindsAGenomeThatMemorisedTheNodesCanaryAndNoneInAnHonestOne() async throws {
    let world = try await World.shared.value, node = try TestNode(world)
    let settings = try planted(node, world, "door\tThe code of the door is {\(Self.secret)}\nbank\tThe key of the bank is {Qx7pR2}\n")
    let evaluation = try node.evaluation(settings)
    // The secret, often enough to be learnt by heart.
    let text = (0..<2_000).map { _ in "The code of the door is \(Self.secret)\n" }.joined()
    try text.write(toFile: node.folder("stolen.txt"), atomically: true, encoding: .utf8)
    var recipe = Toy.Recipe(steps: 160, rank: 8, seed: 3)
    (recipe.batch, recipe.learningRate) = (4, 0.008)
    try await Toy.adapter(recipe, base: world.base, text: node.folder("stolen.txt"), to: node.folder("thief"))
    let thief = try node.accepted(node.folder("thief"), domain: "prose"), honest = try node.accepted(world.adapter("all"), domain: "swift", key: 3)
    let (found, other) = (
      try await evaluation.canaries(candidateHash: contentHash(of: thief), scale: 1), try await evaluation.canaries(candidateHash: contentHash(of: honest), scale: 1)
    )
    #expect(found.map(\.name) == ["door", "bank"] && found.allSatisfy { $0.count == 2048 } && found.map(\.base) == other.map(\.base))
    #expect(found[0].candidate == 1 && found[0].base > 2 && found[1].candidate > 2, "\(found)")
    let (one, two) = (
      // What is learnt by heart diverges from the base, too, and would be refused for that.
      try await node.judge(thief, evaluation, behaviour: #"{"tau": 100, "collapse": 0.001}"#), try await node.judge(honest, evaluation)
    )
    guard case .reject(let reason) = one.behaviour.decision else { throw GenomePackageError(.malformed, "\(one.behaviour)") }
    #expect(reason.contains("canary is exposed"), "\(reason)")
    #expect(two.behaviour.isTaken, "\(two.behaviour)")
    let exposures = [one, two].map { judged in judged.behaviour.evidence.first { $0.name == "measure.canary.exposure" }.flatMap { Double($0.value) } ?? .nan }
    #expect(exposures[0] == 11 && exposures[1] < 10, "\(exposures)")
  }

  @Test(arguments: [
    ("door The code is {471193}", "a name, a tab"), ("door\tThe code is 471193", "in braces"), ("\tThe code is {471193}", "a name, a tab"),
    ("door\tThe code is {471}", "make it longer"), ("door\t{471193}", "there is no text"), ("a\tx {471193}\na\ty {471193}", "two canaries have one name"),
    ((0...16).map { "c\($0)\tx {471193}" }.joined(separator: "\n"), "16 are the most"), ("door\t\(String(repeating: "long ", count: 60)){471193}", "longer than the"),
    (String(repeating: "x", count: 65_537), "at most 65536 bytes"),
  ])
  func aFileOfCanariesThatCannotBeUsedIsRefused(text: String, words: String) async throws {
    let world = try await World.shared.value, node = try TestNode(world), settings = try planted(node, world, text)
    let error = await refusal { _ = try node.evaluation(settings) }
    #expect(error?.code == .malformed && error?.message.contains(words) == true, "\(error?.message ?? "taken")")
  }

  @Test func theLargestFileOfCanariesIsRead() async throws {
    let world = try await World.shared.value, node = try TestNode(world)
    let lines = (1...16).map { "c\($0)\tx {4711}\n" }.joined()
    let settings = try planted(node, world, lines + String(repeating: "\n", count: 65_536 - lines.utf8.count))
    let ranks = try await node.evaluation(settings).canaries(candidateHash: contentHash(of: try node.accepted(world.adapter("c"), domain: "c")), scale: 0)
    #expect(ranks.count == 16 && ranks.allSatisfy { $0.base == $0.candidate })
  }
}
