internal import CentramGenome
internal import Foundation
internal import GRDB

extension GenomeStore {
  /// The layer that stands in the verdict of a genome which a revocation reached.
  public static let revocationLayer = "revocation"

  /// Takes a genome back, or everything of a key. Who may say so was checked by the caller.
  ///
  /// The genome itself, here now or later, becomes `revoked`. What descends from it is quarantined with a verdict that names it, for its author did
  /// nothing wrong, and its files stay.
  /// - Returns: the ids whose state changed.
  public func revoke(_ entry: RevocationEntry) throws(StoreError) -> [String] {
    let hash = Hexadecimal.text(SHA256.digest(of: entry.signed)), revocations = layout.revocations
    try layout.place(entry.signed, at: revocations.path(hash), in: revocations.subfolder(hash))
    return try database.write { try Self.apply(entry, in: $0) }
  }

  /// The revocation of a genome or of its author's key; nil where neither is revoked.
  public func revocation(ofGenome id: String, author: String) throws(StoreError) -> RevocationEntry? {
    try database.read { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM revocations WHERE (scope = 'genome' AND subject = ? AND signer = ?) OR (scope = 'key' AND subject = ?) ORDER BY number LIMIT 1",
        arguments: [id, author, author]
      ).map(Self.entry)
    }
  }

  /// All, in the order in which they came.
  public func revocations() throws(StoreError) -> [RevocationEntry] {
    try database.read { try Row.fetchAll($0, sql: "SELECT * FROM revocations ORDER BY number").map(Self.entry) }
  }

  static func isRevoked(_ id: String, author: String, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db,
      sql: "SELECT EXISTS (SELECT 1 FROM revocations WHERE (scope = 'genome' AND subject = ? AND signer = ?) OR (scope = 'key' AND subject = ?))",
      arguments: [id, author, author]) ?? false
  }

  static func apply(_ entry: RevocationEntry, in db: Database) throws -> [String] {
    try db.execute(
      sql: "INSERT OR IGNORE INTO revocations (scope, subject, signer, signed, time_ms) VALUES (?, ?, ?, ?, ?)",
      arguments: [entry.scope.rawValue, entry.subject, entry.signer, Data(entry.signed), entry.timeMilliseconds])
    // A genome is taken back by its author alone, whatever the caller let through.
    let own = entry.scope == .genome ? "id = ? AND author = ?" : "author = ?"
    let arguments: StatementArguments = entry.scope == .genome ? [entry.subject, entry.signer] : [entry.subject]
    let revoked = try String.fetchAll(db, sql: "SELECT id FROM genomes WHERE \(own)", arguments: arguments)
    var changed = Set<String>()
    for id in revoked {
      try set(.revoked, of: id, at: entry.timeMilliseconds, in: db)
      if db.changesCount > 0 { changed.insert(id) }
    }
    for id in revoked {
      for descendant in try descendants(of: id, in: db) where !revoked.contains(descendant) {
        try db.execute(
          sql: "UPDATE genomes SET state = 'quarantined', state_ms = ? WHERE id = ? AND state IN ('received', 'accepted', 'own')",
          arguments: [entry.timeMilliseconds, descendant])
        guard db.changesCount > 0 else { continue }
        changed.insert(descendant)
        try insert(
          VerdictRecord(
            genome: descendant, direction: .inbound, layer: revocationLayer, layerVersion: "1", decision: .quarantine, reason: "it descends from \(id), which was revoked",
            evidence: [.init("revoked", id)], timeMilliseconds: entry.timeMilliseconds), into: db)
      }
    }
    return changed.sorted()
  }

  private static func entry(_ row: Row) throws -> RevocationEntry {
    RevocationEntry(
      scope: try row.name("scope"), subject: try row.get("subject"), signer: try row.get("signer"), signed: try row.bytes("signed"),
      timeMilliseconds: try row.get("time_ms"))
  }
}
