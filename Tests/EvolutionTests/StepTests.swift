import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// Evolution on the real toy.
@Suite struct StepTests {
  @Test func aStepTakesInWhatMeasuresBetterAndGoesBackToTheSameModel() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    let own = try node.own("prose"), peer = try node.accepted(world.adapter("c"), domain: "c", factor: 0.5)
    let evolution = node.evolution(evaluation)
    let before = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    let report = try await evolution.step()
    #expect(report.lines.map(\.outcome) == [.kept, .kept] && report.lines.map(\.genome) == [own.id, peer.id] && report.ownDomain == "prose", "\(report)")
    let line = report.lines[1]
    #expect(line.lift! > 0 && line.lowerBound! > 0 && line.generalistAfter! < line.generalistBefore! && line.weight! <= 0.5 && line.isExact == true)
    let state = try EvolutionState.current(in: node.store)
    let merged = try node.store.genome(try #require(line.result))
    #expect(state.model == .merged(genome: merged.id) && merged.state == .own && merged.parents.map(\.id) == [own.id, peer.id] && merged.generation == 1)
    // A peer that has the parents makes the same bytes.
    let manifest = try Manifest(parsing: merged.manifest), recipe = try #require(manifest.recipe)
    let files = try await GenomeMerge(store: node.store, operators: Linked.mergeOperator).files(
      MergeRecipe(
        operatorID: recipe.operator, operatorVersion: recipe.version, parametersJSON: JSONValue.object(recipe.parameters).text,
        parents: manifest.parents.map { .init(id: $0.id, basisPoints: $0.weight) }, base: manifest.base, genomeKind: manifest.kind.rawValue))
    let digests = try #require(files).map { Hexadecimal.text(SHA256.digest(of: $0.bytes)) }
    #expect(digests == merged.files.map(\.hash))
    // Nothing is tried twice, and going back is exact.
    let again = try await evolution.step()
    #expect(again.lines.isEmpty)
    let first = try evolution.revert(), second = try evolution.revert(), third = try evolution.revert()
    #expect(first?.genome == peer.id && second?.genome == own.id && third == nil)
    let after = try await evaluation.losses(domain: "c", candidateHash: nil, scale: 0)
    #expect(after == before)
    let model = try EvolutionState.current(in: node.store).model
    #expect(model == .base)
  }

  @Test func aGenomeThatMakesTheModelWorseChangesNothing() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation()
    let folder = node.folder("hostile")
    try Hostile.negated(world.adapter("c"), to: folder)
    let hostile = try node.accepted(folder, domain: "c"), evolution = node.evolution(evaluation)
    let report = try await evolution.step()
    #expect(report.lines.map(\.outcome) == [.reverted] && report.lines[0].reason.contains("bound"), "\(report)")
    let state = try EvolutionState.current(in: node.store)
    #expect(state.model == .base && state.history.isEmpty && state.royalties == 0 && state.decisions.map(\.genome) == [hostile.id])
    let own = try node.store.genomes(state: .own)
    #expect(own.isEmpty)
    let again = try await evolution.step()
    #expect(again.lines.isEmpty)
  }
}
