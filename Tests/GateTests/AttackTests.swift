import CentramGenome
import CentramNode
import CentramPluginAPI
import GateCorpus
import LinkedGate
import Testing

@Suite struct AttackTests {
  @Test(arguments: GateAttack.firstFive) func isStoppedByTheLayerNamedForIt(attack: GateAttack) async throws {
    var world = CorpusWorld.lived()
    let genome = attack.make(&world)
    let report = try await judge(genome, attack.direction, in: world)
    let layer = report.refusingLayer
    #expect(layer == attack.layer, "\(attack): \(report.outcome)")
  }

  @Test(arguments: GateAttack.firstFive) func passesWhereThatLayerAloneIsTakenOutUnlessAnotherCoversIt(attack: GateAttack) async throws {
    var world = CorpusWorld.lived()
    let genome = attack.make(&world)
    let report = try await judge(genome, attack.direction, in: world, without: [attack.layer])
    if attack.covers.isEmpty {
      let isAccepted = report.isAccepted
      #expect(isAccepted, "\(attack): \(report.outcome)")
    } else {
      let layer = report.refusingLayer ?? "nobody"
      #expect(attack.covers.contains(layer), "\(attack): \(report.outcome)")
    }
    #expect(report.warning == "gate incomplete: \(attack.layer) switched off")
  }

  @Test(arguments: GateAttack.format + GateAttack.signature + GateAttack.lineage) func doesNotLeaveTheNodeEither(attack: GateAttack) async throws {
    var world = CorpusWorld.lived()
    let genome = attack.make(&world)
    let layer = try await judge(genome, .outbound, in: world).refusingLayer
    #expect(layer == attack.layer, "\(attack)")
  }

  @Test func eachLayerHasAtLeastFourAttacks() {
    for layer in FirstFive.ids { #expect(GateAttack.firstFive.count { $0.layer == layer } >= 4, "\(layer)") }
    #expect(Set(GateAttack.firstFive.map(\.description)).count == GateAttack.firstFive.count)
  }

  @Test func honestGenomesPassInAndOut() async throws {
    var world = CorpusWorld.lived()
    for seed in 200..<240 as Range<UInt64> {
      let genome = world.draft(author: seed % 4 + 1, seed: seed).sealed()
      for direction in [GateDirection.inbound, .outbound] {
        let report = try await judge(genome, direction, in: world)
        #expect(report.isAccepted, "seed \(seed): \(report.outcome)")
      }
      world.accept(genome)
      world.now += 3 * 3_600_000
    }
  }

  @Test func anHonestMergePassesWhenItIsDoneAgainWithTheSameBytes() async throws {
    var world = CorpusWorld.lived()
    var draft = world.draft(author: 1, seed: 7)
    draft.parents = [.init(id: world.updates[0].id, weight: 7500), .init(id: world.updates[1].id, weight: 2500)]
    draft.generation = 1
    draft.recipe = .init(operator: "merge.lora-svd", version: "1.0.0", parameters: [.init("rank", .number("4"))])
    world.merges["merge.lora-svd"] = Dictionary(uniqueKeysWithValues: draft.manifest.files.map { ($0.name, bytes($0.sha256)) })
    let report = try await judge(draft.sealed(), in: world)
    #expect(report.isAccepted, "\(report.outcome)")
    #expect(report.verdicts[3].evidence.contains { $0.name == "merge" && $0.value.hasPrefix("done again") })
  }
}
