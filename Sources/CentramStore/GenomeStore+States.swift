internal import Foundation
internal import GRDB

extension GenomeStore {
  /// A part's state by its name; nil where none was kept.
  public func state(_ name: String) throws(StoreError) -> [UInt8]? {
    try database.read { try Data.fetchOne($0, sql: "SELECT content FROM states WHERE name = ?", arguments: [name]).map { [UInt8]($0) } }
  }

  /// Keeps a part's state in place of the last one. It is on the disk when this returns.
  public func setState(_ content: [UInt8], _ name: String) throws(StoreError) {
    try database.write {
      try $0.execute(sql: "INSERT INTO states VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET content = excluded.content", arguments: [name, Data(content)])
    }
  }

  /// A part's state, made on first need. Of two processes that make it at once, both get the same.
  public func state(_ name: String, orKeep make: () -> [UInt8]) throws(StoreError) -> [UInt8] {
    if let known = try state(name) { return known }
    let made = make()
    return try database.write { db in
      try db.execute(sql: "INSERT OR IGNORE INTO states VALUES (?, ?)", arguments: [name, Data(made)])
      return try Data.fetchOne(db, sql: "SELECT content FROM states WHERE name = ?", arguments: [name]).map { [UInt8]($0) } ?? made
    }
  }
}
