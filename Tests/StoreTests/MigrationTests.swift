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

  private func version1() throws -> String {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Store/version-1.sql")
    return try String(contentsOf: file, encoding: .utf8)
  }

  @Test func aDatabaseOfVersionOneIsBroughtToThePresentOne() throws {
    try database(try version1())
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
  }

  /// Tables and versions.
  private func contents() throws -> [String] {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }
    return try queue.read { try String.fetchAll($0, sql: "SELECT ifnull(sql, name) FROM sqlite_schema UNION ALL SELECT identifier FROM grdb_migrations") }
  }

  @Test func aDatabaseOfALaterVersionIsLeftAlone() throws {
    try GenomeStore(folder: folder("genomes")).close()
    try database("INSERT INTO grdb_migrations VALUES ('3')")
    let before = try contents()
    let error = refusal { () throws(StoreError) in _ = try GenomeStore(folder: folder("genomes")) }
    #expect(error?.code == .newer && error?.message.contains("up to version 2") == true)
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
