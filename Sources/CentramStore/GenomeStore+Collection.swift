internal import Foundation
internal import GRDB

extension GenomeStore {
  /// What a collection did.
  public struct Collected: Sendable, Equatable, Codable {
    /// Files that no genome needs, and their bytes.
    public var files = 0, bytes = 0
    /// Temporary files that a killed process left, and partial ones that nobody added to for long.
    public var abandoned = 0
    public init() {}
  }

  private static let batch = 256

  /// Removes files that no genome refers to. Those of rejected genomes go too; their manifests and verdicts stay.
  ///
  /// Never one that is referred to or leased: a file's row is read and its name removed in one write transaction, and whoever adds a reference or a
  /// file takes a write transaction first.
  /// - Parameter includingRevoked: whether files of revoked genomes go, too.
  public func collect(includingRevoked: Bool = false, now: Int64) throws(StoreError) -> Collected {
    var collected = Collected()
    let dead = includingRevoked ? "'rejected', 'revoked'" : "'rejected'"
    while true {
      let count = try database.write { db in
        let rows = try Row.fetchAll(
          db,
          sql: """
            SELECT hash, size FROM blobs WHERE leased_until_ms <= ? AND NOT EXISTS (
              SELECT 1 FROM blob_references r JOIN genomes g ON g.id = r.genome WHERE r.hash = blobs.hash AND g.state NOT IN (\(dead)))
            LIMIT \(Self.batch)
            """, arguments: [now])
        for row in rows {
          let (hash, size): (String, Int) = (try row.get(0), try row.get(1))
          try remove(hash)
          try db.execute(sql: "DELETE FROM blobs WHERE hash = ?", arguments: [hash])
          (collected.files, collected.bytes) = (collected.files + 1, collected.bytes + size)
        }
        return rows.count
      }
      reached(.collectionCommitted)
      if count < Self.batch { break }
    }
    try collectUnknown(&collected)
    for name in BlobFolder.names(layout.temporary) where DurableFile.removeAbandoned("\(layout.temporary)/\(name)") { collected.abandoned += 1 }
    collected.abandoned += removePartials(untouchedSince: now - options.partialMilliseconds)
    return collected
  }

  /// Names without a row: their writer's row went with a rebuilt or restored database.
  private func collectUnknown(_ collected: inout Collected) throws(StoreError) {
    let hashes = blobs.hashes()
    for start in stride(from: 0, to: hashes.count, by: Self.batch) {
      let some = hashes[start..<min(start + Self.batch, hashes.count)]
      let removed = try database.write { db in
        var removed: [Int] = []
        for hash in some where try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM blobs WHERE hash = ?)", arguments: [hash]) != true {
          // A genome may refer to it: then it is the row that is missing.
          let isNeeded = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM blob_references WHERE hash = ?)", arguments: [hash]) == true
          let size = blobs.size(hash) ?? 0
          if isNeeded {
            try db.execute(sql: "INSERT INTO blobs VALUES (?, ?, 0)", arguments: [hash, size])
          } else {
            try remove(hash)
            removed.append(size)
          }
        }
        return removed
      }
      (collected.files, collected.bytes) = (collected.files + removed.count, collected.bytes + removed.reduce(0, +))
    }
  }

  private func remove(_ hash: String) throws(StoreError) {
    guard unlink(blobs.path(hash)) == 0 || errno == ENOENT else { throw .system(blobs.path(hash)) }
    reached(.fileUnlinked)
  }
}
