internal import Foundation
internal import GRDB

/// One SQLite file: opened, brought to the present version, and its errors in this module's words.
///
/// Write-ahead log with synchronous FULL: when a write returns, it is on the disk, so it may be acknowledged.
final class StoreDatabase: Sendable {
  let path: String
  private let pool: DatabasePool

  /// A file up to this size is checked whole when it is opened; beyond it `check` is for the one who wants to wait.
  static let checkedSize = 32 << 20

  /// - Parameter repair: the command that rebuilds a damaged file, for the error.
  init(path: String, repair: String) throws(StoreError) {
    self.path = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.foreignKeysEnabled = true
    configuration.label = "CentramStore"
    do {
      pool = try DatabasePool(path: path, configuration: configuration)
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      let size = (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
      if size <= Self.checkedSize { try pool.read { try Self.check($0, "quick_check") } }
      try pool.write { db in
        let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard owner == Schema.applicationID || isEmpty else {
          throw StoreError(.damaged, "\(path): a database of another program; move it away")
        }
        if try Schema.migrator.hasBeenSuperseded(db) {
          throw StoreError(
            .newer, "\(path): written by a later version of Centram (this one knows tables up to version \(Schema.latest)); install that version, or use another folder")
        }
        if isEmpty { try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)") }
      }
      try Schema.migrator.migrate(pool)
    } catch {
      throw Self.translated(error, path, repair: repair)
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do { return try pool.read(body) } catch { throw Self.translated(error, path) }
  }

  /// One transaction: all of it is on the disk when this returns, or none.
  func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do { return try pool.write(body) } catch { throw Self.translated(error, path) }
  }

  /// What SQLite says of the connection that writes.
  func durability() throws(StoreError) -> (journal: String, synchronous: Int) {
    do {
      return try pool.writeWithoutTransaction {
        (try String.fetchOne($0, sql: "PRAGMA journal_mode") ?? "", try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? 0)
      }
    } catch { throw Self.translated(error, path) }
  }

  /// Reads every page.
  /// - Throws: `.damaged`, with what SQLite found first.
  func check() throws(StoreError) { try read { try Self.check($0, "integrity_check") } }

  /// Folds the log into the database, unless others read it, and ends every connection. The database must not be used afterwards.
  func close() throws(StoreError) {
    do {
      _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      try pool.close()
    } catch { throw Self.translated(error, path) }
  }

  private static func check(_ db: Database, _ pragma: String) throws {
    let found = try String.fetchAll(db, sql: "PRAGMA \(pragma)(5)")
    guard found == ["ok"] else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: found.joined(separator: "; ")) }
    if let row = try Row.fetchOne(db, sql: "PRAGMA foreign_key_check") {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row of \(try row.get(0) as String? ?? "a table") refers to one of another that is not there")
    }
  }

  static func translated(_ error: any Error, _ path: String, repair: String = GenomeStore.repairCommand) -> StoreError {
    if let error = error as? StoreError { return error }
    if error is RowDecodingError { return damaged(path, "a value of a wrong type", repair) }
    guard let error = error as? DatabaseError else { return StoreError(.storage, "\(path): \(error)") }
    let message = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return damaged(path, message, repair)
    case .SQLITE_FULL: return StoreError(.full, "\(path): the disk is full; nothing was changed; make room and try again")
    case .SQLITE_BUSY, .SQLITE_LOCKED: return StoreError(.busy, "\(path): another process writes to it for more than 10 s; try again")
    case .SQLITE_CONSTRAINT: return StoreError(.invalid, "\(path): a value that cannot be kept: \(message)")
    default: return StoreError(.storage, "\(path): \(message)")
    }
  }

  private static func damaged(_ path: String, _ message: String, _ repair: String) -> StoreError {
    StoreError(.damaged, "\(path): the database is damaged (\(message)); \(repair) rebuilds it from the signed files, and keeps the damaged one aside")
  }
}
