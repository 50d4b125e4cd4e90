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
    try Self.requireFinite(metrics)
    try database.write { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT state, author, sequence FROM genomes WHERE id = ?", arguments: [id]) else {
        throw StoreError(.notFound, "\(id.prefix(64)): no such genome")
      }
      let old = GenomeState(rawValue: row[0]) ?? .received
      guard old == state || (old != .revoked && state != .own) else { throw StoreError(.conflict, "\(id): \(old.rawValue) cannot become \(state.rawValue)") }
      try Self.set(state, of: id, at: now, in: db)
      for verdict in verdicts { try Self.insert(verdict, into: db) }
      try Self.insert(metrics, of: id, into: db)
      if advancesLog { try Self.advance(row[1], to: UInt64(row[2] as Int64), id, in: db) }
    }
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
        guard let direction = VerdictRecord.Direction(rawValue: row["direction"]), let decision = VerdictRecord.Decision(rawValue: row["decision"]),
          let evidence = try? JSONDecoder().decode([VerdictRecord.Evidence].self, from: Data((row["evidence"] as String).utf8))
        else { throw StoreError(.damaged, "\(database.path): a verdict of \(genome) cannot be read; \(Self.repairCommand) rebuilds the database") }
        return VerdictRecord(
          genome: genome, direction: direction, layer: row["layer"], layerVersion: row["layer_version"], decision: decision, factor: row["factor"], reason: row["reason"],
          evidence: evidence, timeMilliseconds: row["time_ms"], isIncomplete: row["incomplete"])
      }
    }
  }

  /// What this node measured of a genome.
  public func metrics(of genome: String) throws(StoreError) -> [String: Double] {
    try database.read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT name, value FROM metrics WHERE genome = ?", arguments: [genome])
      return Dictionary(rows.map { ($0[0] as String, $0[1] as Double) }) { $1 }
    }
  }

  // MARK: Rows

  static func set(_ state: GenomeState, of id: String, at time: Int64, in db: Database) throws {
    try db.execute(sql: "UPDATE genomes SET state = ?, state_ms = ? WHERE id = ? AND state <> ?", arguments: [state.rawValue, time, id, state.rawValue])
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
