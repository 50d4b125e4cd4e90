import CentramStore
import Foundation
import StoreSamples
import Testing

@Suite struct DamageTests {
  let folder = try! TemporaryFolder()
  private var path: String { folder("genomes/genomes.sqlite") }

  /// Three genomes of others, one of this node, a verdict, a measure, a revocation.
  private func fill() throws {
    let store = try GenomeStore(folder: folder("genomes"))
    for number in 1...3 { try Sample(number, author: number, parents: number > 1 ? [number - 1] : []).add(to: store) }
    try Sample.append(10, to: store)
    let verdict = VerdictRecord(genome: Sample.id(3), direction: .inbound, layer: "gate.format", layerVersion: "1", decision: .accept, timeMilliseconds: 1)
    try store.decide(Sample.id(3), .accepted, verdicts: [verdict], metrics: ["lift": 1], advancesLog: true, now: 2)
    _ = try store.revoke(Sample.revocation(of: 1, by: 1))
    try store.close()
  }

  private func open() -> StoreError? { refusal { () throws(StoreError) in try GenomeStore(folder: folder("genomes")).close() } }

  enum Damage: CaseIterable { case notADatabase, header, empty, missing, halved, page, zeros }

  private func damage(_ damage: Damage) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    switch damage {
    case .notADatabase: bytes = Array("not a database at all, but long enough to look at".utf8)
    case .header: for index in 0..<16 { bytes[index] = 0xff }
    case .empty: bytes = []
    case .missing:
      unlink(path)
      return
    case .halved: bytes.removeLast(bytes.count / 2)
    case .page: for index in 4096..<8192 { bytes[index] = 0x5a }
    case .zeros: for index in 4096..<bytes.count { bytes[index] = 0 }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  @Test(arguments: Damage.allCases) func aDamagedDatabaseIsNamedAndRebuiltFromWhatWasSigned(kind: Damage) throws {
    try fill()
    try damage(kind)
    let error = open()
    #expect(
      error?.code == .damaged && error?.message.contains(path) == true && error?.message.contains("centram-host genome repair") == true, "\(kind): \(String(describing: error))")
    let repaired = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    #expect(repaired.genomes == 4 && repaired.revocations == 1 && repaired.files == 5 && repaired.findings.isEmpty)
    #expect((repaired.aside == nil) == (kind == .missing) && repaired.aside.map(FileManager.default.fileExists) != false)
    let store = try GenomeStore(folder: folder("genomes"))
    let records = try store.genomes()
    #expect(Set(records.map(\.id)) == Set([1, 2, 3, 10].map(Sample.id)) && records.allSatisfy(store.hasFiles))
    // The revoked one, those that descend from it, and the own; what another was accepted for is to be judged again.
    let states = try [1, 2, 3, 10].map { try store.genome(Sample.id($0)).state }
    #expect(states == [.revoked, .quarantined, .quarantined, .own])
    let (log, findings) = (try store.log(of: Sample.key(0)), try store.check())
    #expect(log == AuthorLog(lastSequence: 1, lastID: Sample.id(10)) && findings.isEmpty)
    try Sample.append(11, to: store)
  }

  @Test func verdictsThatCanBeReadOutliveARepair() throws {
    try fill()
    let repaired = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    let store = try GenomeStore(folder: folder("genomes"))
    let (verdicts, metrics) = (try store.verdicts(of: Sample.id(3)).map(\.layer), try store.metrics(of: Sample.id(3)))
    #expect(repaired.verdicts == 1 && repaired.metrics == 1 && Set(verdicts) == ["gate.format", GenomeStore.revocationLayer] && metrics == ["lift": 1])
  }

  @Test func whatWasSpentAndLetInOutlivesARepair() throws {
    let first = try GenomeStore(folder: folder("genomes"))
    try Sample(1).add(to: first)
    try first.record(Sample.decision(1), of: Sample.id(1), now: 3)
    try first.add(OwnTraining(genome: Sample.id(1), sequences: 9))
    try first.recordDeparture(of: Sample.id(1), now: 4)
    try first.setState([7], "gate.sketch-key")
    try first.invite(Sample.key(1), by: Sample.key(2), now: 5)
    try first.close()
    _ = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    let store = try GenomeStore(folder: folder("genomes"))
    let (state, left, key) = (try store.genome(Sample.id(1)).state, try store.trainingsThatLeft().map(\.genome), try store.state("gate.sketch-key"))
    let history = try store.history(of: Sample.key(1), branch: "", since: 0), branch = try store.branch(of: Sample.key(1), below: Sample.key(2))
    let sketches = try store.sketches(base: Sample.hash("base"), except: "", limit: 9)
    #expect(state == .received && left == [Sample.id(1)] && key == [7] && branch == Sample.key(1) && sketches.count == 1)
    #expect(history.accepted == 1 && history.admissions == [3] && history.influence == 0)
  }

  @Test func damagedFilesAreNamedByCheckAndRepair() throws {
    try fill()
    let store = try GenomeStore(folder: folder("genomes"))
    let weights = try #require(try store.genome(Sample.id(3)).files.last)
    try Data("other".utf8).write(to: URL(fileURLWithPath: store.file(weights.hash)))
    let manifest = store.folder + "/manifests/\(Sample.id(2).prefix(2))/\(Sample.id(2).dropFirst(2))"
    try Data("torn".utf8).write(to: URL(fileURLWithPath: manifest))
    let findings = try store.check()
    #expect(findings.map(\.genome) == [Sample.id(3)] && findings[0].message.contains("adapter_model.safetensors"))
    try store.close()
    let repaired = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    #expect(repaired.genomes == 3 && repaired.findings.count == 2 && repaired.findings.contains { $0.message.contains(manifest) })
  }

  @Test func aStoreInUseIsNotRepairedAndOneUnderRepairIsNotUsed() throws {
    try fill()
    let store = try GenomeStore(folder: folder("genomes"))
    let error = refusal { () throws(StoreError) in _ = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 1) }
    #expect(error?.code == .busy)
    try withExtendedLifetime(store) { try store.close() }
  }

  /// Bytes changed anywhere: the store opens and answers, or says that it is damaged. It never ends the process.
  @Test func anyDamageIsAnAnswerOrAnError() throws {
    try fill()
    let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let seed = UInt64.random(in: 0 ... .max)
    var random = SystemRandom(state: seed)
    for round in 0..<150 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...8, using: &random) { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do throws(StoreError) {
        let store = try GenomeStore(folder: folder("genomes"))
        for record in try store.genomes() { _ = try store.verdicts(of: record.id) }
        _ = try store.check()
        try store.close()
      } catch {
        #expect([.damaged, .invalid, .newer, .storage].contains(error.code), "seed \(seed), round \(round): \(error)")
      }
    }
  }
}

/// A generator with a seed.
struct SystemRandom: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29) &* 0xbf58_476d_1ce4_e5b9
  }
}
