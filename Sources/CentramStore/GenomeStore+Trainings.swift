internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Records what was done when a genome was trained here. What was recorded stays.
  public func add(_ training: OwnTraining) throws(StoreError) {
    try database.write { db in
      let account = try training.account.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
      try db.execute(
        sql: "INSERT OR IGNORE INTO trainings VALUES (?, ?, ?, ?)", arguments: [training.genome, training.sequences, account, training.leftMilliseconds])
    }
  }

  public func training(of id: String) throws(StoreError) -> OwnTraining? { try trainings("genome = ?", [id]).first }

  /// The trainings of which something left the node, in the order of their genomes' ids.
  public func trainingsThatLeft() throws(StoreError) -> [OwnTraining] { try trainings("left_ms IS NOT NULL ORDER BY genome", []) }

  /// Counts a genome, and all of its ancestors that were trained here, as having left the node. The first time stays.
  public func recordDeparture(of id: String, now: Int64) throws(StoreError) {
    let ids = try ancestors(of: id) + [id]
    try database.write { db in
      for id in ids { try db.execute(sql: "UPDATE trainings SET left_ms = ? WHERE genome = ? AND left_ms IS NULL", arguments: [now, id]) }
    }
  }

  private func trainings(_ condition: String, _ arguments: StatementArguments) throws(StoreError) -> [OwnTraining] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT genome, sequences, account, left_ms FROM trainings WHERE \(condition)", arguments: arguments).map { row in
        let genome: String = try row.get("genome"), text: String? = try row.get("account")
        let account = text.flatMap { try? JSONDecoder().decode(OwnTraining.Account.self, from: Data($0.utf8)) }
        guard (account == nil) == (text == nil) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the account of \(genome) cannot be read") }
        return OwnTraining(genome: genome, sequences: try row.get("sequences"), account: account, leftMilliseconds: try row.get("left_ms"))
      }
    }
  }
}
