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

  /// Looks for another entry of the same author at the same place, and freezes the author.
  /// - Returns: the other's id.
  static func recordFork(of record: GenomeRecord, in db: Database) throws -> String? {
    let row = try Row.fetchOne(
      db, sql: "SELECT id, manifest, signature FROM genomes WHERE author = ? AND sequence = ? AND id <> ? ORDER BY rowid LIMIT 1",
      arguments: [record.author, Int64(clamping: record.sequence), record.id])
    guard let row else { return nil }
    try db.execute(
      sql: "INSERT OR IGNORE INTO forks VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        record.author, Int64(clamping: record.sequence), try row.get(1) as Data, try row.get(2) as Data, Data(record.manifest), Data(record.signature), record.stateMilliseconds,
      ])
    return try row.get(0)
  }
}
