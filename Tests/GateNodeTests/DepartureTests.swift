import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import CentramStore
import CentramTrainingSupport
import Foundation
import GateCorpus
import Testing

/// What leaves the node, and what its privacy account says then.
@Suite struct DepartureTests {
  let node: TestNode
  init() throws { node = try TestNode() }

  /// A genome of this node, trained privately: 100 steps of batches of 10 out of 1000 sequences.
  private func trained(_ seed: UInt64, noise: Double = 1.2, signedBy identity: NodeIdentity? = nil, domain: String = "prose.english") throws -> GenomeRecord {
    let folder = node.path + "/trained-\(seed)", shape = node.world.shape
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let record = try PrivacyRecord(
      trainer: "trainer.dp-lora", trainerVersion: "1.0.0", sequences: 1000, length: 64, expectedBatch: 10, samplingRate: 0.01, noiseMultiplier: noise, clipNorm: 1,
      clipNormSource: "given", steps: 100, delta: PrivacyAccountant.defaultDelta(sequences: 1000), dataHash: nil)
    for (name, bytes) in [
      ("adapter_config.json", shape.configuration()), ("adapter_model.safetensors", shape.weights(shape.factors(seed: seed))),
      ("privacy.json", Array(try record.signed(by: identity ?? node.identity).utf8)),
    ] { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
    var description = GenomeDescription()
    (description.base, description.domain) = (node.base, domain)
    return try node.library.create(folder, description)
  }

  @Test func aPrivateTrainingLeavesAndItsVerdictsAreKeptWithoutAChangeOfState() async throws {
    let genome = try trained(1), judge = try node.judge()
    let report = try await judge.judge(genome.id, .outbound)
    #expect(report.isAccepted && report.verdicts.map(\.layer) == ["gate.format", "gate.signature", "gate.lineage", "gate.norms", "gate.privacy"], "\(report.outcome)")
    let (state, verdicts, metrics) = (try node.store.genome(genome.id).state, try node.store.verdicts(of: genome.id), try node.store.metrics(of: genome.id))
    #expect(state == .own && verdicts.allSatisfy { $0.direction == .outbound } && verdicts.count == 5 && metrics["privacy.epsilon"] != nil)
    // Judged is not left: only what leaves spends.
    let account = StoredPrivacyAccount(store: node.store)
    let before = try await account.lifetime(without: [])
    #expect(before.divergences.allSatisfy { $0 == 0 })
    try await judge.willLeave(genome.id)
    try await judge.willLeave(genome.id)
    let (after, without) = (try await account.lifetime(without: []), try await account.lifetime(without: bytes(genome.id)))
    var one = PrivacyAccountant()
    one.compose(try SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2), steps: 100)
    #expect(after.divergences == one.divergences && without == before)
    // A copy that comes back is one.
    let known = try await node.services().sketches.known(base: node.base, except: [], limit: 10)
    #expect(known.map(\.id) == [genome.id])
  }

  @Test func whatWouldOverspendTheAccountStays() async throws {
    let (one, two) = (try trained(1), try trained(2))
    let epsilon = try PrivacyAccountant.epsilon(SampledGaussian(samplingRate: 0.01, noiseMultiplier: 1.2), steps: 100, delta: PrivacyAccountant.defaultDelta(sequences: 1000))
    // Enough for one and not for two.
    node.settings.policies["gate.privacy"] = #"{"epsilon": \#(epsilon * 1.05)}"#
    let judge = try node.judge()
    let reports = [try await judge.judge(one.id, .outbound), try await judge.judge(two.id, .outbound)]
    #expect(reports[0].isAccepted && reports[1].isAccepted, "\(reports.map(\.outcome))")
    try await judge.willLeave(one.id)
    // Both were let out while neither had left.
    let error = await #expect(throws: GateError.self) { try await judge.willLeave(two.id) }
    #expect(error?.code == .refused)
    let again = try await judge.judge(two.id, .outbound)
    #expect(again.refusingLayer == "gate.privacy" && again.undo == nil)
  }

  @Test func aRecordThatThisNodeDidNotSignOpensNoAccount() async throws {
    let genome = try trained(3, signedBy: NodeIdentity(seed: [UInt8](repeating: 5, count: 32)))
    #expect(try node.store.training(of: genome.id) == nil)
    let judge = try node.judge(), report = try await judge.judge(genome.id, .outbound)
    #expect(report.refusingLayer == "gate.privacy", "\(report.outcome)")
    let error = await #expect(throws: GateError.self) { try await judge.willLeave(genome.id) }
    #expect(error?.code == .refused)
  }

  @Test func aChildThatLeavesSpendsWhatItsParentsWereTrainedWith() async throws {
    let parent = try trained(4)
    node.settings.policies["gate.privacy"] = #"{"record": "optional"}"#
    let folder = node.path + "/child", shape = node.world.shape
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(shape.configuration()).write(to: URL(fileURLWithPath: folder + "/adapter_config.json"))
    try Data(shape.weights(shape.factors(seed: 5))).write(to: URL(fileURLWithPath: folder + "/adapter_model.safetensors"))
    var description = GenomeDescription()
    (description.base, description.parents) = (node.base, [(id: parent.id, basisPoints: nil)])
    let child = try node.library.create(folder, description)
    try await node.judge().willLeave(child.id)
    #expect(try node.store.trainingsThatLeft().map(\.genome) == [parent.id])
  }

  @Test func anotherAuthorsGenomeIsPassedOnAsItWasJudgedWhenItCame() async throws {
    let record = try node.receive(node.next()), judge = try node.judge()
    let early = try await judge.judge(record.id, .outbound)
    #expect(early.refusingLayer == "gate.privacy")
    _ = try await judge.judge(record.id, .inbound)
    let report = try await judge.judge(record.id, .outbound)
    #expect(report.isAccepted && report.verdicts.last?.layer == "gate.privacy" && report.verdicts.last?.direction == .inbound, "\(report.outcome)")
    try await judge.willLeave(record.id)
    let state = try node.store.genome(record.id).state
    #expect(state == .accepted)
    #expect(try node.store.trainingsThatLeft().isEmpty)
  }

  @Test func theNodesOwnTrainingIsTheRootThatOthersAreComparedWith() async throws {
    let genome = try trained(6, domain: "prose.english")
    node.others["centram.updates/1"] = nil
    let same = try node.receive(node.next(1, seed: 70))
    let report = try await node.judge().judge(same.id, .inbound)
    // Two random updates are as good as orthogonal; that there is a root of 1000 sequences is what the verdict rests on.
    let consensus = report.verdicts.first { $0.layer == "gate.consensus" }
    #expect(consensus?.evidence.contains { $0.value.contains("1000 sequences") || $0.value.contains("root") } == true, "\(String(describing: consensus))")
    withExtendedLifetime(genome) {}
  }

  @Test func nothingThatWasTakenBackLeaves() async throws {
    let genome = try trained(7), judge = try node.judge()
    _ = try await judge.judge(genome.id, .outbound)
    _ = try node.library.revoke(genome, reason: .privacy, message: "a mistake")
    let report = try await judge.judge(genome.id, .outbound)
    #expect(report.outcome == .rejected(layer: GenomeStore.revocationLayer, reason: "it was taken back by its author (privacy: a mistake)"), "\(report.outcome)")
    let error = await #expect(throws: GateError.self) { try await judge.willLeave(genome.id) }
    #expect(error?.code == .refused && error?.message.contains("revoked") == true)
  }
}
