internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Sketches of updates of a base, newest first. Those of genomes that were taken back or refused later stay, or a copy of them would be new.
  /// - Parameter id: a genome whose own is left out.
  public func sketches(base: String, except id: String, limit: Int) throws(StoreError) -> [SketchRecord] {
    try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT genome, author, time_ms, elements FROM sketches WHERE base = ? AND genome <> ? ORDER BY number DESC LIMIT ?", arguments: [base, id, limit]
      ).map { row in
        let bytes = try row.bytes("elements")
        guard bytes.count % 4 == 0 else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a sketch of \(bytes.count) bytes") }
        let elements = [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
          UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
          count = bytes.count / 4
        }
        return SketchRecord(genome: try row.get("genome"), author: try row.get("author"), timeMilliseconds: try row.get("time_ms"), elements: elements)
      }
    }
  }

  static func insert(_ sketch: [Float], of id: String, base: String, author: String, at time: Int64, into db: Database) throws {
    try db.execute(
      sql: "INSERT OR IGNORE INTO sketches (genome, base, author, time_ms, elements) VALUES (?, ?, ?, ?, ?)",
      arguments: [id, base, author, time, sketch.withUnsafeBytes { Data($0) }])
  }
}
