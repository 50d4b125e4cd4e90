internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Where an author's log stands; nil where nothing of it counted yet.
  public func log(of author: String) throws(StoreError) -> AuthorLog? { try database.read { try Self.log(of: author, in: $0) } }

  /// The proof for which an author is frozen; nil where there is none.
  public func forkProof(of author: String) throws(StoreError) -> ForkProof? {
    try database.read { db in
      try Row.fetchOne(db, sql: "SELECT * FROM forks WHERE author = ?", arguments: [author]).map { row in
        func entry(_ name: String) throws -> ForkProof.Entry {
          .init(manifest: try row.bytes("\(name)_manifest"), signature: try row.bytes("\(name)_signature"))
        }
        return ForkProof(
          author: author, sequence: try row.sequence("sequence"), first: try entry("first"), second: try entry("second"), timeMilliseconds: try row.get("time_ms"))
      }
    }
  }

  /// Whether a content was judged here before. What only lies here, or is kept aside, was not.
  public func wasJudged(_ id: String) throws(StoreError) -> Bool {
    try database.read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM genomes WHERE id = ? AND state NOT IN ('received', 'quarantined'))", arguments: [id]) ?? false }
  }

  static func log(of author: String, in db: Database) throws -> AuthorLog? {
    try Row.fetchOne(db, sql: "SELECT last_sequence, last_id FROM authors WHERE author = ?", arguments: [author]).map {
      AuthorLog(lastSequence: try $0.sequence("last_sequence"), lastID: try $0.get("last_id"))
    }
  }

  /// Never backwards.
  static func advance(_ author: String, to sequence: UInt64, _ id: String, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO authors VALUES (?, ?, ?)
        ON CONFLICT (author) DO UPDATE SET last_sequence = excluded.last_sequence, last_id = excluded.last_id WHERE excluded.last_sequence > last_sequence
        """, arguments: [author, Int64(clamping: sequence), id])
  }

  /// What stands at a place of an author's log, a proof's second entry among them.
  /// - Parameter id: one that is not asked for.
  public func entry(author: String, sequence: UInt64, except id: String? = nil) throws(StoreError) -> GenomeRecord? {
    try database.read { db in
      try Self.records("author = ? AND sequence = ? AND id <> ? ORDER BY rowid LIMIT 1", [author, Int64(clamping: sequence), id ?? ""], in: db).first
    }
  }

  /// Entries from the fork on are of no use to anybody; those before it may still be ancestors of others' genomes.
  static func requireUnfrozen(_ record: GenomeRecord, in db: Database) throws {
    guard let fork = try Row.fetchOne(db, sql: "SELECT sequence FROM forks WHERE author = ?", arguments: [record.author]) else { return }
    let place = try fork.sequence("sequence")
    guard record.sequence < place else {
      throw StoreError(.conflict, "\(record.id): its author \(record.author) is frozen for two entries at \(place) of its log, so entry \(record.sequence) is not taken")
    }
  }

  /// Looks for another entry of the same author at the same place, and freezes the author.
  /// - Returns: the other's id.
  static func recordFork(of record: GenomeRecord, in db: Database) throws -> String? {
    let other = try String.fetchOne(
      db, sql: "SELECT id FROM genomes WHERE author = ? AND sequence = ? AND id <> ? ORDER BY rowid LIMIT 1",
      arguments: [record.author, Int64(clamping: record.sequence), record.id])
    if let other { try freeze(record.author, other, record.id, at: record.stateMilliseconds, in: db) }
    return other
  }

  /// Freezes an author for two entries that are both here. The first proof stays.
  static func freeze(_ author: String, _ one: String, _ other: String, at time: Int64, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO forks SELECT a.author, a.sequence, a.manifest, a.signature, b.manifest, b.signature, ? FROM genomes a JOIN genomes b
        ON a.author = b.author AND a.sequence = b.sequence WHERE a.id = ? AND b.id = ? AND a.id <> b.id AND a.author = ?
        """, arguments: [time, one, other, author])
  }
}
