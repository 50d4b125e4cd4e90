import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Walks a message's fields and holds each to its rule. Fields at their default value are not walked: a rule either takes the default or needs the field.
struct FieldVisitor: Visitor {
  struct Breach: Error { let sentence: String }

  let rules: FieldRules
  /// A bit for each rule whose field was met.
  private(set) var seen: UInt64 = 0
  private var next = 0

  init(rules: FieldRules) { self.rules = rules }

  /// The rule of a field. Fields come in the order of their numbers, as rules stand.
  private mutating func rule(_ number: Int) -> FieldRules.Rule? {
    while next < rules.rules.count, rules.rules[next].number < number { next += 1 }
    guard next < rules.rules.count, rules.rules[next].number == number else { return nil }
    seen |= 1 << UInt64(next)
    return rules.rules[next]
  }

  private func fail(_ rule: FieldRules.Rule, _ what: String) throws { throw Breach(sentence: "\(rules.message).\(rule.name) \(what)") }

  private mutating func length(_ count: Int, _ number: Int) throws {
    guard let rule = rule(number) else { return }
    switch rule.bound {
    case .length(let low, let high) where !(low...high).contains(count): try fail(rule, "has \(count) bytes, not \(low) to \(high)")
    case .lengthOrNone(let low, let high) where !(low...high).contains(count): try fail(rule, "has \(count) bytes, not 0 or \(low) to \(high)")
    default: break
    }
  }

  private mutating func items<T>(_ values: [T], _ number: Int, length: (T) -> Int = { _ in 0 }) throws {
    guard let rule = rule(number), case .items(let low, let high, let item) = rule.bound else { return }
    guard (low...high).contains(values.count) else { return try fail(rule, "has \(values.count) items, not \(low) to \(high)") }
    guard case .length(let shortest, let longest) = item else { return }
    for value in values where !(shortest...longest).contains(length(value)) { try fail(rule, "has an item of \(length(value)) bytes, not \(shortest) to \(longest)") }
  }

  mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) throws {
    guard let rule = rule(fieldNumber), case .integer(let low, let high) = rule.bound, !(low...high).contains(value) else { return }
    try fail(rule, "is \(value), not \(low) to \(high)")
  }
  mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) throws {}

  mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) throws {
    guard let rule = rule(fieldNumber) else { return }
    guard value.isFinite else { return try fail(rule, "is \(value), not a finite number") }
    if case .real(let low, let high) = rule.bound, !(low...high).contains(value) { try fail(rule, "is \(value), not \(low) to \(high)") }
  }

  mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) throws {}
  mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) throws {}
  mutating func visitSingularStringField(value: String, fieldNumber: Int) throws { try length(value.utf8.count, fieldNumber) }
  mutating func visitSingularBytesField(value: Data, fieldNumber: Int) throws { try length(value.count, fieldNumber) }
  mutating func visitSingularMessageField<M: SwiftProtobuf.Message>(value: M, fieldNumber: Int) throws {
    _ = rule(fieldNumber)
    if let breach = FieldRules.breach(in: value) { throw Breach(sentence: breach) }
  }

  mutating func visitRepeatedStringField(value: [String], fieldNumber: Int) throws { try items(value, fieldNumber) { $0.utf8.count } }
  mutating func visitRepeatedBytesField(value: [Data], fieldNumber: Int) throws { try items(value, fieldNumber) { $0.count } }
  mutating func visitRepeatedUInt32Field(value: [UInt32], fieldNumber: Int) throws { try items(value, fieldNumber) }
  mutating func visitRepeatedUInt64Field(value: [UInt64], fieldNumber: Int) throws { try items(value, fieldNumber) }
  mutating func visitRepeatedEnumField<E: Enum>(value: [E], fieldNumber: Int) throws { try items(value, fieldNumber) }
  mutating func visitPackedEnumField<E: Enum>(value: [E], fieldNumber: Int) throws { try items(value, fieldNumber) }
  mutating func visitRepeatedDoubleField(value: [Double], fieldNumber: Int) throws {
    try items(value, fieldNumber)
    guard next < rules.rules.count, rules.rules[next].number == fieldNumber, case .items(_, _, .real(let low, let high)) = rules.rules[next].bound else { return }
    for value in value where !(low...high).contains(value) { try fail(rules.rules[next], "has an item of \(value), not \(low) to \(high)") }
  }
  mutating func visitRepeatedMessageField<M: SwiftProtobuf.Message>(value: [M], fieldNumber: Int) throws {
    try items(value, fieldNumber)
    for message in value { if let breach = FieldRules.breach(in: message) { throw Breach(sentence: breach) } }
  }

  mutating func visitUnknown(bytes: Data) throws {}
  mutating func visitMapField<Key, Value: MapValueType>(
    fieldType: _ProtobufMap<Key, Value>.Type, value: _ProtobufMap<Key, Value>.BaseType, fieldNumber: Int
  ) throws {}
  mutating func visitMapField<Key, Value>(fieldType: _ProtobufEnumMap<Key, Value>.Type, value: _ProtobufEnumMap<Key, Value>.BaseType, fieldNumber: Int) throws
  where Value.RawValue == Int {}
  mutating func visitMapField<Key, Value>(fieldType: _ProtobufMessageMap<Key, Value>.Type, value: _ProtobufMessageMap<Key, Value>.BaseType, fieldNumber: Int) throws {}
}
