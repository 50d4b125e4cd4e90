internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Remembers the hashes of chunks, so that a file need not be read before its first chunk is given. A list may be missing, and goes with its file.
  public func remember(_ lists: [ChunkList]) throws(StoreError) {
    try database.write { db in
      for list in lists {
        precondition(list.hashes.allSatisfy { $0.count == 32 } && [0, list.hashes.count].contains(list.checks.count), "every chunk has its hashes")
        let checks = list.checks.flatMap { check in (0..<8).map { UInt8(truncatingIfNeeded: check >> (8 * UInt64($0))) } }
        // Of a file only that is still here: a collection may have taken it meanwhile.
        try db.execute(
          sql: "INSERT OR REPLACE INTO chunk_lists (hash, chunk_size, hashes, checks) SELECT hash, ?, ?, ? FROM blobs WHERE hash = ?",
          arguments: [list.chunkSize, Data(list.hashes.joined()), Data(checks), list.blob])
      }
    }
  }

  /// A list as it was remembered: whoever uses it compares it with what was signed.
  public func chunkList(ofBlob hash: String, chunkSize: Int) throws(StoreError) -> ChunkList? {
    try database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT hashes, checks FROM chunk_lists WHERE hash = ? AND chunk_size = ?", arguments: [hash, chunkSize]) else { return nil }
      let hashes = try row.bytes("hashes"), checks = try row.bytes("checks")
      guard hashes.count % 32 == 0, checks.isEmpty || checks.count == hashes.count / 4 else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a list of chunks that is cut")
      }
      return ChunkList(
        blob: hash, chunkSize: chunkSize, hashes: stride(from: 0, to: hashes.count, by: 32).map { Array(hashes[$0..<$0 + 32]) },
        checks: stride(from: 0, to: checks.count, by: 8).map { start in checks[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } })
    }
  }
}
