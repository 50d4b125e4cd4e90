internal import Foundation
internal import GRDB

extension GenomeStore {
  /// How signed bytes are read back when the database is gone: the store keeps them and does not know what they say.
  public struct Reader {
    /// Checks a signed manifest; its state is `own` for this node's, else `received`.
    public var genome: ([UInt8]) throws -> GenomeRecord
    /// Checks a signed revocation.
    public var revocations: ([UInt8]) throws -> [RevocationEntry]
    public init(genome: @escaping ([UInt8]) throws -> GenomeRecord, revocations: @escaping ([UInt8]) throws -> [RevocationEntry]) {
      (self.genome, self.revocations) = (genome, revocations)
    }
  }

  public struct Repaired: Sendable, Equatable, Codable {
    public var genomes = 0, files = 0, revocations = 0
    /// Verdicts and measures that could still be read in the damaged database.
    public var verdicts = 0, metrics = 0
    /// What could not be taken over.
    public var findings: [Finding] = []
    /// Where the old database is now; nil where there was none.
    public var aside: String?
  }

  /// Rebuilds the database from signed manifests, revocations and files; takes verdicts and measures out of the old one as far as it can be read.
  ///
  /// Nothing is judged to be accepted on the word of a damaged file: genomes of others come back as `received`, for the gate to judge again. The old
  /// database is moved aside, never removed.
  /// - Throws: `.busy` while another process uses the store.
  public static func repair(folder: String, reader: Reader, now: Int64, options: Options = Options()) throws(StoreError) -> Repaired {
    let layout = StoreFolder(folder)
    try layout.prepare()
    let lock = try StoreLock(folder: folder, exclusive: true)
    defer { withExtendedLifetime(lock) {} }
    let fresh = layout.temporary + "/rebuilt.sqlite"
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(fresh + suffix) }
    var result = Repaired()
    do {
      let queue = try DatabaseQueue(path: fresh)
      try queue.write { try $0.execute(sql: "PRAGMA application_id = \(Schema.applicationID)") }
      try Schema.migrator.migrate(queue)
      try queue.write { db in
        salvage(layout, into: db, &result)
        try rebuild(db, layout, reader, now, &result)
      }
      try queue.close()
    } catch {
      throw StoreDatabase.translated(error, fresh)
    }
    options.reached?(.rebuilt)
    try exchange(fresh, layout, now, &result, options)
    return result
  }

  private static func rebuild(_ db: Database, _ layout: StoreFolder, _ reader: Reader, _ now: Int64, _ result: inout Repaired) throws {
    for hash in layout.blobs.hashes() {
      do throws(StoreError) { try layout.blobs.read(hash) { (_) throws(StoreError) in } } catch {
        result.findings.append(Finding(genome: nil, message: error.message))
        continue
      }
      try db.execute(sql: "INSERT INTO blobs VALUES (?, ?, 0)", arguments: [hash, layout.blobs.size(hash) ?? 0])
      result.files += 1
    }
    var records: [GenomeRecord] = []
    for id in layout.manifests.hashes() {
      do {
        guard let bytes = FileManager.default.contents(atPath: layout.manifests.path(id)) else { throw StoreError.system(layout.manifests.path(id)) }
        let record = try reader.genome([UInt8](bytes))
        guard record.id == id else { throw StoreError(.damaged, "its manifest is that of \(record.id)") }
        records.append(record)
      } catch { result.findings.append(Finding(genome: id, message: "\(layout.manifests.path(id)): \(error)")) }
    }
    for record in records.sorted(by: { ($0.author, $0.sequence, $0.id) < ($1.author, $1.sequence, $1.id) }) {
      try insert(record, into: db)
      _ = try recordFork(of: record, in: db)
      if record.state == .own { try advance(record.author, to: record.sequence, record.id, in: db) }
      result.genomes += 1
    }
    for hash in layout.revocations.hashes() {
      var entries: [RevocationEntry] = []
      do {
        var bytes: [UInt8] = []
        try layout.revocations.read(hash) { (piece) throws(StoreError) in bytes.append(contentsOf: piece) }
        entries = try reader.revocations(bytes)
      } catch {
        result.findings.append(Finding(genome: nil, message: "\(layout.revocations.path(hash)): \(error)"))
        continue
      }
      for entry in entries { _ = try apply(entry, in: db) }
      result.revocations += 1
    }
  }

  /// Row by row until the first that cannot be read. The old database may stand aside already, where a repair was cut short.
  private static func salvage(_ layout: StoreFolder, into db: Database, _ result: inout Repaired) {
    var configuration = Configuration()
    configuration.readonly = true
    let aside = BlobFolder.names(layout.folder).last { $0.hasPrefix("damaged-") && $0.hasSuffix(".sqlite") }.map { layout.folder + "/" + $0 }
    guard let path = [layout.database, aside].compactMap({ $0 }).first(where: FileManager.default.fileExists),
      let old = try? DatabaseQueue(path: path, configuration: configuration)
    else { return }
    func copy(_ table: String, _ columns: [String], _ condition: String = "1") -> Int {
      let list = columns.joined(separator: ", "), places = columns.map { _ in "?" }.joined(separator: ", ")
      var count = 0
      try? old.read { source in
        let rows = try Row.fetchCursor(source, sql: "SELECT \(list) FROM \(table) WHERE \(condition)")
        while let row = try rows.next() {
          // A value that breaks a rule of the table was not written by us.
          if (try? db.execute(sql: "INSERT OR IGNORE INTO \(table) (\(list)) VALUES (\(places))", arguments: StatementArguments(row.databaseValues))) != nil {
            count += db.changesCount
          }
        }
      }
      return count
    }
    result.verdicts = copy(
      "verdicts", ["number", "genome", "direction", "layer", "layer_version", "decision", "factor", "reason", "evidence", "time_ms", "incomplete"],
      // Those of revocations are written anew.
      "layer <> '\(revocationLayer)'")
    result.metrics = copy("metrics", ["genome", "name", "value"])
    // What the node spent and let in must not be forgotten with its database.
    _ = copy("states", ["name", "content"])
    _ = copy("admissions", ["genome", "author", "branch", "weight", "was_accepted", "time_ms"])
    _ = copy("invitations", ["author", "inviter", "time_ms"])
    _ = copy("attestations", ["number", "signature", "signer", "signed"])
    _ = copy("sketches", ["number", "genome", "base", "author", "time_ms", "elements"])
    _ = copy("trainings", ["genome", "sequences", "account", "left_ms"])
    _ = copy("forks", ["author", "sequence", "first_manifest", "first_signature", "second_manifest", "second_signature", "time_ms"])
  }

  private static func exchange(_ fresh: String, _ layout: StoreFolder, _ now: Int64, _ result: inout Repaired, _ options: Options) throws(StoreError) {
    let aside = "\(layout.folder)/damaged-\(now).sqlite"
    // The database first: a log beside a new one would be replayed into it.
    for suffix in ["", "-wal", "-shm"] {
      if rename(layout.database + suffix, aside + suffix) == 0 {
        result.aside = suffix.isEmpty ? aside : result.aside
      } else if errno != ENOENT {
        throw .system(layout.database + suffix)
      }
    }
    options.reached?(.damagedMovedAside)
    guard rename(fresh, layout.database) == 0 else { throw .system(layout.database) }
    try DurableFile.synchronize(folder: layout.folder)
    options.reached?(.rebuiltPlaced)
  }
}
