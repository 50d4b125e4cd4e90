internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Freezes an author for a proof that a peer sent. Whether it proves anything was checked by the caller.
  /// - Returns: whether the author was not frozen before.
  public func freeze(_ proof: ForkProof) throws(StoreError) -> Bool {
    try database.write { db in
      try db.execute(
        sql: "INSERT OR IGNORE INTO forks VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          proof.author, Int64(clamping: proof.sequence), Data(proof.first.manifest), Data(proof.first.signature), Data(proof.second.manifest), Data(proof.second.signature),
          proof.timeMilliseconds,
        ])
      return db.changesCount > 0
    }
  }

  /// Authors that are frozen, those of late first.
  public func frozenAuthors(limit: Int) throws(StoreError) -> [String] {
    try database.read { try String.fetchAll($0, sql: "SELECT author FROM forks ORDER BY time_ms DESC, author LIMIT ?", arguments: [limit]) }
  }

  /// Differs after anything was added or changed, also by another process.
  public func changeMark() throws(StoreError) -> [Int64] {
    try database.read { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT (SELECT count(*) FROM genomes), (SELECT max(state_ms) FROM genomes), (SELECT max(number) FROM revocations), (SELECT count(*) FROM forks),
            (SELECT max(number) FROM verdicts)
          """)
      return try (0..<5).map { try row?.get($0) as Int64? ?? 0 }
    }
  }
}
