/// What a field's value may be. The bracket at the end of its comment in the .proto file says it.
enum FieldBound: Sendable {
  case any
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
    case .any, .finite, .lengthOrNone: false
    case .length(let low, _): low > 0
    case .integer(let low, _): low > 0
    case .real(let low, _): low > 0
    case .items(let low, _, _): low > 0
    }
  }
}

/// The rules of a message's fields, all of them, in the order of their numbers.
struct FieldRules: Sendable {
  struct Rule: Sendable {
    let number: Int, name: String, value: Value, bound: FieldBound, repeated: Bool
    init(_ number: Int, _ name: String, _ value: Value, _ bound: FieldBound, repeated: Bool = false) {
      (self.number, self.name, self.value, self.bound, self.repeated) = (number, name, value, bound, repeated)
    }
  }

  /// How a field is encoded.
  enum Value: Sendable {
    case uint32, uint64, float, double, bytes
    /// Enums and truth values.
    case other
    /// With its type.
    case message(ObjectIdentifier)
  }

  let message: String
  let rules: [Rule]
  /// Bits of rules whose field must not be left out.
  let needed: UInt64

  init(_ message: String, _ rules: [Rule]) {
    precondition(rules.count <= 64, "\(message) has more than 64 fields")
    (self.message, self.rules) = (message, rules)
    needed = rules.indices.reduce(0) { rules[$1].bound.isNeeded ? $0 | 1 << UInt64($1) : $0 }
  }

  /// The place in `rules` of a field.
  func index(of number: UInt64) -> Int? {
    if number >= 1, number <= UInt64(rules.count), rules[Int(number) - 1].number == Int(number) { return Int(number) - 1 }
    return rules.firstIndex { UInt64($0.number) == number }
  }

  /// By the type of the message.
  static let all: [ObjectIdentifier: FieldRules] = {
    var table: [ObjectIdentifier: FieldRules] = [:]
    for add in [session, discovery, genome, lineage, training, hyperlink, economy, content] { add(&table) }
    return table
  }()
}
