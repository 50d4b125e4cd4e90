internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Records what the gate decided of a genome, in one transaction: its state, each layer's verdict, what was measured.
  /// - Parameters:
  ///   - metrics: finite; a name that was there gets the new value.
  ///   - advancesLog: whether the entry now counts as the last of its author's log. True for whatever passed the freshness layer, refused later or
  ///     not, so that the author's next entry can follow it.
  /// - Throws: `.notFound`; `.conflict` for a change that cannot be: away from `revoked`, or to `own`; `.invalid`.
  public func decide(_ id: String, _ state: GenomeState, verdicts: [VerdictRecord] = [], metrics: [String: Double] = [:], advancesLog: Bool, now: Int64) throws(StoreError) {
    try record(GateDecision(state: state, verdicts: verdicts, metrics: metrics, advancesLog: advancesLog), of: id, now: now)
  }

  /// Records a whole judgement in one transaction: all of it is there after a crash, or nothing.
  /// - Throws: as `decide`; `.conflict` where the state is not `from` any more.
  public func record(_ decision: GateDecision, of id: String, now: Int64) throws(StoreError) {
    try Self.requireFinite(decision.metrics)
    try database.write { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT state, author, sequence, base FROM genomes WHERE id = ?", arguments: [id]) else {
        throw StoreError(.notFound, "\(id.prefix(64)): no such genome")
      }
      let old: GenomeState = try row.name("state"), author: String = try row.get("author")
      if let from = decision.from, from != old { throw StoreError(.conflict, "\(id): it is \(old.rawValue) now, and was \(from.rawValue)") }
      if let state = decision.state {
        guard old == state || (old != .revoked && state != .own) else { throw StoreError(.conflict, "\(id): \(old.rawValue) cannot become \(state.rawValue)") }
        try Self.set(state, of: id, at: now, in: db)
      }
      for verdict in decision.verdicts { try Self.insert(verdict, into: db) }
      try Self.insert(decision.metrics, of: id, into: db)
      if decision.advancesLog { try Self.advance(author, to: try row.sequence("sequence"), id, in: db) }
      if let admission = decision.admission { try Self.insert(admission, of: id, author: author, at: now, into: db) }
      if decision.state == .accepted { try db.execute(sql: "UPDATE admissions SET was_accepted = 1 WHERE genome = ?", arguments: [id]) }
      if let sketch = decision.sketch { try Self.insert(sketch, of: id, base: try row.get("base"), author: author, at: now, into: db) }
      if let other = decision.fork { try Self.freeze(author, id, other, at: now, in: db) }
      reached(.decisionRecorded)
    }
    reached(.decisionCommitted)
  }

  /// Records verdicts without a change of state, such as those of the outbound direction.
  public func add(_ verdicts: [VerdictRecord]) throws(StoreError) {
    try database.write { db in for verdict in verdicts { try Self.insert(verdict, into: db) } }
  }

  public func setMetrics(_ metrics: [String: Double], of id: String) throws(StoreError) {
    try Self.requireFinite(metrics)
    try database.write { try Self.insert(metrics, of: id, into: $0) }
  }

  /// In the order in which they were recorded.
  public func verdicts(of genome: String) throws(StoreError) -> [VerdictRecord] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM verdicts WHERE genome = ? ORDER BY number", arguments: [genome]).map { row in
        guard let evidence = try? JSONDecoder().decode([VerdictRecord.Evidence].self, from: Data((try row.get("evidence") as String).utf8)) else {
          throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the evidence of a verdict of \(genome) cannot be read")
        }
        return VerdictRecord(
          genome: genome, direction: try row.name("direction"), layer: try row.get("layer"), layerVersion: try row.get("layer_version"), decision: try row.name("decision"),
          factor: try row.get("factor"), reason: try row.get("reason"), evidence: evidence, timeMilliseconds: try row.get("time_ms"), isIncomplete: try row.get("incomplete"))
      }
    }
  }

  /// What this node measured of a genome.
  public func metrics(of genome: String) throws(StoreError) -> [String: Double] {
    try database.read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT name, value FROM metrics WHERE genome = ?", arguments: [genome])
      return Dictionary(try rows.map { (try $0.get(0) as String, try $0.get(1) as Double) }) { $1 }
    }
  }

  /// The same for many, by id; one that nothing was measured of is not in it.
  public func metrics(of genomes: [String]) throws(StoreError) -> [String: [String: Double]] {
    try database.read { db in
      var found: [String: [String: Double]] = [:]
      for start in stride(from: 0, to: genomes.count, by: Self.metricsBatch) {
        let some = genomes[start..<min(start + Self.metricsBatch, genomes.count)], places = some.map { _ in "?" }.joined(separator: ", ")
        let rows = try Row.fetchCursor(db, sql: "SELECT genome, name, value FROM metrics WHERE genome IN (\(places))", arguments: StatementArguments(some))
        while let row = try rows.next() { found[try row.get(0), default: [:]][try row.get(1)] = try row.get(2) as Double }
      }
      return found
    }
  }

  private static let metricsBatch = 500

  // MARK: Rows

  static func set(_ state: GenomeState, of id: String, at time: Int64, in db: Database) throws {
    try db.execute(
      sql: "UPDATE genomes SET state = ?, state_ms = ?, decided = (SELECT max(decided) + 1 FROM genomes) WHERE id = ? AND state <> ?",
      arguments: [state.rawValue, time, id, state.rawValue])
  }

  static func insert(_ verdict: VerdictRecord, into db: Database) throws {
    let evidence = String(decoding: try JSONEncoder().encode(verdict.evidence), as: UTF8.self)
    try db.execute(
      sql: """
        INSERT INTO verdicts (genome, direction, layer, layer_version, decision, factor, reason, evidence, time_ms, incomplete)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        verdict.genome, verdict.direction.rawValue, verdict.layer, verdict.layerVersion, verdict.decision.rawValue, verdict.factor, verdict.reason, evidence,
        verdict.timeMilliseconds, verdict.isIncomplete,
      ])
  }

  private static func requireFinite(_ metrics: [String: Double]) throws(StoreError) {
    for (name, value) in metrics.sorted(by: { $0.key < $1.key }) where !value.isFinite { throw StoreError(.invalid, "the metric \(name) is \(value), which no measure is") }
  }

  private static func insert(_ metrics: [String: Double], of id: String, into db: Database) throws {
    for (name, value) in metrics {
      try db.execute(sql: "INSERT INTO metrics VALUES (?, ?, ?) ON CONFLICT (genome, name) DO UPDATE SET value = excluded.value", arguments: [id, name, value])
    }
  }
}
