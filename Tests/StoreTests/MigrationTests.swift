import CentramStore
import Foundation
import GRDB
import StoreSamples
import Testing

@Suite struct MigrationTests {
  let folder = try! TemporaryFolder()
  private var path: String { folder("genomes/genomes.sqlite") }

  private func database(_ script: String) throws {
    try FileManager.default.createDirectory(atPath: folder("genomes"), withIntermediateDirectories: true)
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { try $0.execute(sql: script) }
    try queue.close()
  }

  private func script(_ version: Int) throws -> String {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Store")
    return try String(contentsOf: folder.appendingPathComponent("version-\(version).sql"), encoding: .utf8)
  }

  @Test(arguments: [1, 2, 3]) func aDatabaseOfAnEarlierVersionIsBroughtToThePresentOne(version: Int) throws {
    for version in 1...version { try database(try script(version)) }
    let store = try GenomeStore(folder: folder("genomes"))
    let record = try store.genome(abbreviated: "aaaa")
    #expect(record.state == .accepted && record.domain == "code.swift" && record.parents == [.init(id: String(repeating: "b", count: 64), basisPoints: 10_000)])
    #expect(record.files.map(\.name) == ["adapter_config.json", "adapter_model.safetensors"] && record.size == 4010)
    let (verdicts, metrics, log) = (try store.verdicts(of: record.id), try store.metrics(of: record.id), try store.log(of: record.author))
    #expect(verdicts.map(\.layer) == ["gate.format"] && !verdicts[0].isIncomplete && verdicts[0].evidence == [.init("rank", "8")])
    #expect(metrics == ["lift": 0.25] && log == AuthorLog(lastSequence: 3, lastID: record.id))
    let (proof, revocations) = (try store.forkProof(of: record.author), try store.revocations())
    #expect(proof == nil && revocations.count == 1)
    // What came later works on it.
    try store.add([VerdictRecord(genome: record.id, direction: .outbound, layer: "gate.privacy", layerVersion: "1", decision: .reject, timeMilliseconds: 1, isIncomplete: true)])
    let last = try store.verdicts(of: record.id).last
    #expect(last?.isIncomplete == true)
    try Sample(1).add(to: store)
    let frozen = try store.forkProof(of: String(repeating: "e", count: 64))
    #expect(frozen?.sequence == (version >= 2 ? 5 : nil))
    try store.record(GateDecision(state: .accepted, advancesLog: true, admission: .init(branch: "", weight: 0.5), sketch: [1, -2.5]), of: Sample.id(1), now: 9)
    let history = try store.history(of: Sample.key(1), branch: "", since: 0), sketches = try store.sketches(base: Sample.hash("base"), except: "", limit: 9)
    #expect(history.accepted == 1 && history.influence == 0.5 && sketches.map(\.elements) == [[1, -2.5]])
    // What was accepted before comes after what is accepted now, whatever the clock says.
    let accepted = try store.genomes(state: .accepted).map(\.id)
    #expect(accepted.count == 2)
  }

  /// Tables and versions.
  private func contents() throws -> [String] {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }
    return try queue.read { try String.fetchAll($0, sql: "SELECT ifnull(sql, name) FROM sqlite_schema UNION ALL SELECT identifier FROM grdb_migrations") }
  }

  @Test func aDatabaseOfALaterVersionIsLeftAlone() throws {
    try GenomeStore(folder: folder("genomes")).close()
    try database("INSERT INTO grdb_migrations VALUES ('5')")
    let before = try contents()
    let error = refusal { () throws(StoreError) in _ = try GenomeStore(folder: folder("genomes")) }
    #expect(error?.code == .newer && error?.message.contains("up to version 4") == true)
    let after = try contents()
    #expect(before == after)
  }

  @Test func aDatabaseOfAnotherProgramIsRefused() throws {
    try database("CREATE TABLE notes (text TEXT)")
    let error = refusal { () throws(StoreError) in _ = try GenomeStore(folder: folder("genomes")) }
    #expect(error?.code == .damaged && error?.message.contains("another program") == true)
  }

  @Test func anAcknowledgedWriteIsOnTheDisk() throws {
    let store = try GenomeStore(folder: folder("genomes"))
    let (journal, synchronous) = try store.durability()
    #expect(journal == "wal" && synchronous == 2)
  }
}
