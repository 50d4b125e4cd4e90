import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a field's value may be. The bracket at the end of its comment in the .proto file says it.
enum FieldBound: Sendable {
  /// The message must be there.
  case required
  /// No infinity, and a number.
  case finite
  /// Bytes, or bytes of UTF-8.
  case length(Int, Int)
  /// The same, or none at all.
  case lengthOrNone(Int, Int)
  case integer(UInt64, UInt64)
  case real(Double, Double)
  /// A count of items.
  case items(Int, Int, Item = .any)

  /// What each item may be.
  enum Item: Sendable {
    case any
    case length(Int, Int)
    case real(Double, Double)
  }

  static func items(_ low: Int, _ high: Int, length shortest: Int, _ longest: Int) -> FieldBound { .items(low, high, .length(shortest, longest)) }
  static func items(_ low: Int, _ high: Int, real least: Double, _ most: Double) -> FieldBound { .items(low, high, .real(least, most)) }

  /// Whether a field must not be left out.
  var isNeeded: Bool {
    switch self {
    case .required: true
    case .finite, .lengthOrNone: false
    case .length(let low, _): low > 0
    case .integer(let low, _): low > 0
    case .real(let low, _): low > 0
    case .items(let low, _, _): low > 0
    }
  }
}

/// The rules of a message's fields.
struct FieldRules: Sendable {
  struct Rule: Sendable {
    let number: Int, name: String, bound: FieldBound
    init(_ number: Int, _ name: String, _ bound: FieldBound) { (self.number, self.name, self.bound) = (number, name, bound) }
  }

  let message: String
  let rules: [Rule]
  /// Indices of rules whose field must not be left out.
  let needed: [Int]

  init(_ message: String, _ rules: [Rule]) {
    (self.message, self.rules) = (message, rules)
    needed = rules.indices.filter { rules[$0].bound.isNeeded }
    precondition(rules.count <= 64, "\(message) has more than 64 rules")
  }

  /// By the type of the message.
  static let all: [ObjectIdentifier: FieldRules] = {
    var table: [ObjectIdentifier: FieldRules] = [:]
    for add in [session, discovery, genome, lineage, training, hyperlink, economy, content] { add(&table) }
    return table
  }()

  /// A sentence on the first field that breaks its rule, in the message or in one inside it; nil where none does.
  static func breach<M: SwiftProtobuf.Message>(in message: M) -> String? {
    guard let rules = all[ObjectIdentifier(M.self)] else { return nil }
    var visitor = FieldVisitor(rules: rules)
    do { try message.traverse(visitor: &visitor) } catch let breach as FieldVisitor.Breach { return breach.sentence } catch { return "\(error)" }
    for index in rules.needed where visitor.seen & (1 << UInt64(index)) == 0 { return "\(rules.message).\(rules.rules[index].name) is missing" }
    return nil
  }
}
