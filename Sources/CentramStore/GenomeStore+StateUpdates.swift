internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Changes several states in one transaction: all of them are on the disk when this returns, or none. Two processes that do it at once do it one
  /// after the other, and each sees what the other wrote.
  /// - Parameters:
  ///   - names: what `body` is given, where it was kept before.
  ///   - body: what to keep in their place, and under other names; empty content takes a state away. Nothing changes where it throws.
  public func updateStates(_ names: [String], _ body: ([String: [UInt8]]) throws(StoreError) -> [String: [UInt8]]) throws(StoreError) {
    try database.write { db in
      var known: [String: [UInt8]] = [:]
      for name in names {
        if let content = try Data.fetchOne(db, sql: "SELECT content FROM states WHERE name = ?", arguments: [name]) { known[name] = [UInt8](content) }
      }
      for (name, content) in try body(known).sorted(by: { $0.key < $1.key }) {
        if content.isEmpty {
          try db.execute(sql: "DELETE FROM states WHERE name = ?", arguments: [name])
        } else {
          try db.execute(sql: "INSERT INTO states VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET content = excluded.content", arguments: [name, Data(content)])
        }
        reached(.stateWritten)
      }
    }
    reached(.statesCommitted)
  }
}
