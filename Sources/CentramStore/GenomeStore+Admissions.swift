internal import Foundation
internal import GRDB

extension GenomeStore {
  /// - Parameters:
  ///   - branch: the one that the author stands in.
  ///   - since: admissions before that are left out, Unix milliseconds.
  public func history(of author: String, branch: String, since: Int64) throws(StoreError) -> AuthorHistory {
    try database.read { db in
      var history = AuthorHistory()
      func times(_ column: String, _ value: String) throws -> [Int64] {
        try Int64.fetchAll(db, sql: "SELECT time_ms FROM admissions WHERE \(column) = ? AND time_ms >= ? ORDER BY time_ms", arguments: [value, since])
      }
      (history.admissions, history.branchAdmissions) = (try times("author", author), try times("branch", branch))
      history.accepted = try Int.fetchOne(db, sql: "SELECT count(*) FROM admissions WHERE author = ? AND was_accepted", arguments: [author]) ?? 0
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT total(a.weight), total(CASE WHEN a.branch = ? THEN a.weight END), count(DISTINCT a.branch)
          FROM genomes g JOIN admissions a ON a.genome = g.id WHERE g.state = 'accepted'
          """, arguments: [branch])
      if let row { (history.influence, history.branchInfluence, history.branches) = (try row.get(0), try row.get(1), try row.get(2)) }
      return history
    }
  }

  /// Genomes that stand beside one of a domain and base: this node's own, and of others what admission let in and the gate did not refuse. At most one an
  /// author, the newest, newest first.
  public func cohort(domain: String, base: String, exceptAuthor author: String, limit: Int) throws(StoreError) -> [GenomeRecord] {
    let records = try database.read { db in
      try Self.records(
        """
        domain = ? AND base = ? AND author <> ? AND (state = 'own' OR (state IN ('accepted', 'quarantined') AND id IN (SELECT genome FROM admissions)))
        ORDER BY made_ms DESC, rowid DESC LIMIT 10000
        """, [domain, base, author], in: db)
    }
    var authors = Set<String>(), members: [GenomeRecord] = []
    for record in records where members.count < limit && hasFiles(record) {
      if authors.insert(record.author).inserted { members.append(record) }
    }
    return members
  }

  static func insert(_ admission: GateDecision.Admission, of id: String, author: String, at time: Int64, into db: Database) throws {
    try db.execute(
      sql: "INSERT INTO admissions (genome, author, branch, weight, time_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (genome) DO NOTHING",
      arguments: [id, author, admission.branch, admission.weight, time])
  }
}
