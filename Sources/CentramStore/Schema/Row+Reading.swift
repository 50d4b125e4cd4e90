internal import Foundation
internal import GRDB

/// Columns read without trust in what they hold: GRDB's subscripts end the process where a damaged database has another type.
extension Row {
  func get<Value: DatabaseValueConvertible>(_ column: String) throws -> Value { try decode(forColumn: column) }
  func get<Value: DatabaseValueConvertible>(_ index: Int) throws -> Value { try decode(atIndex: index) }

  func bytes(_ column: String) throws -> [UInt8] { [UInt8](try decode(Data.self, forColumn: column)) }

  /// A place in an author's log.
  func sequence(_ column: String) throws -> UInt64 {
    guard let sequence = UInt64(exactly: try decode(Int64.self, forColumn: column)) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a sequence below 0")
    }
    return sequence
  }

  /// A value of a list of names.
  func name<Name: RawRepresentable<String>>(_ column: String) throws -> Name {
    let text: String = try decode(forColumn: column)
    guard let name = Name(rawValue: text) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(column) is \(text.prefix(40))") }
    return name
  }
}
