/// A value in a template. Nothing changes in place but a namespace.
enum JinjaValue: Sendable {
  /// A name that stands for nothing.
  case undefined(String)
  case none
  case boolean(Bool)
  case integer(Int)
  case float(Double)
  case text(JinjaText)
  case list(JinjaList)
  case object(JinjaObject)
  case namespace(JinjaNamespace)
  case macro(JinjaMacro)
  /// A function of the interpreter's own, by its name.
  case function(String)
  /// A method of a value, by its name.
  indirect case method(JinjaValue, String)

  static func string(_ text: String) -> JinjaValue { .text(JinjaText(text)) }
  static func items(_ items: [JinjaValue], isTuple: Bool = false) -> JinjaValue { .list(JinjaList(items, isTuple: isTuple)) }

  /// How many lists and mappings are in each other. Templates could nest them without end, and what walks over them would run out of stack.
  var nesting: Int {
    switch self {
    case .list(let list): list.nesting
    case .object(let object): object.nesting
    case .method(let value, _): value.nesting + 1
    default: 0
    }
  }

  static let maximumNesting = 40

  /// How much there is to walk over: a list that holds one twice counts it twice.
  var weight: Int {
    switch self {
    case .text(let text): text.count + 1
    case .list(let list): list.weight
    case .object(let object): object.weight
    case .method(let value, _): value.weight
    default: 1
    }
  }
}

struct JinjaList: Sendable {
  let items: [JinjaValue]
  /// Prints in parentheses.
  let isTuple: Bool
  let nesting: Int
  let weight: Int

  init(_ items: [JinjaValue], isTuple: Bool) {
    (self.items, self.isTuple) = (items, isTuple)
    nesting = items.reduce(0) { max($0, $1.nesting) } + 1
    weight = items.reduce(1) { min($0 + $1.weight, 1 << 40) }
  }
}

/// Keys and values in order.
struct JinjaObject: Sendable {
  private(set) var members: [(key: JinjaText, value: JinjaValue)] = []
  private var places: [JinjaText: Int] = [:]
  private(set) var nesting = 1
  private(set) var weight = 1

  init() {}

  subscript(key: JinjaText) -> JinjaValue? { places[key].map { members[$0].value } }

  mutating func set(_ key: JinjaText, _ value: JinjaValue) {
    nesting = max(nesting, value.nesting + 1)
    weight = min(weight + key.count + value.weight, 1 << 40)
    if let place = places[key] {
      members[place].value = value
    } else {
      places[key] = members.count
      members.append((key, value))
    }
  }
}

/// What `namespace()` makes: the only thing that an inner block can change for an outer one. A rendering has one thread.
final class JinjaNamespace: @unchecked Sendable {
  var members: [String: JinjaValue] = [:]
}

/// Variables of a block; outer ones are seen through it. A rendering has one thread.
final class JinjaScope: @unchecked Sendable {
  var variables: [String: JinjaValue] = [:]
  let parent: JinjaScope?
  init(_ parent: JinjaScope?) { self.parent = parent }

  func value(_ name: String) -> JinjaValue? {
    var scope: JinjaScope? = self
    while let here = scope {
      if let value = here.variables[name] { return value }
      scope = here.parent
    }
    return nil
  }
}

final class JinjaMacro: Sendable {
  let name: String
  let parameters: [(name: String, standard: JinjaExpression?)]
  let body: [JinjaStatement]
  let scope: JinjaScope

  init(name: String, parameters: [(name: String, standard: JinjaExpression?)], body: [JinjaStatement], scope: JinjaScope) {
    (self.name, self.parameters, self.body, self.scope) = (name, parameters, body, scope)
  }
}

extension JinjaValue {
  /// As Python's `bool`.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let flag): flag
    case .integer(let number): number != 0
    case .float(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let list): !list.items.isEmpty
    case .object(let object): !object.members.isEmpty
    case .namespace, .macro, .function, .method: true
    }
  }

  /// For messages.
  var kind: String {
    switch self {
    case .undefined(let name): "the undefined \(name)"
    case .none: "none"
    case .boolean: "a truth value"
    case .integer, .float: "a number"
    case .text: "a text"
    case .list: "a list"
    case .object: "a mapping"
    case .namespace: "a namespace"
    case .macro: "a macro"
    case .function, .method: "a function"
    }
  }

  var number: Double? {
    switch self {
    case .boolean(let flag): flag ? 1 : 0
    case .integer(let number): Double(number)
    case .float(let number): number
    default: nil
    }
  }

  var whole: Int? {
    switch self {
    case .boolean(let flag): flag ? 1 : 0
    case .integer(let number): number
    default: nil
    }
  }

  var text: JinjaText? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  /// As Python's `==`. Depth is bounded by how deep values can be made.
  static func isEqual(_ first: JinjaValue, _ second: JinjaValue) -> Bool {
    if let one = first.whole, let other = second.whole { return one == other }
    if let one = first.number, let other = second.number { return one == other }
    switch (first, second) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let one), .text(let other)): return one == other
    case (.list(let one), .list(let other)):
      return one.isTuple == other.isTuple && one.items.count == other.items.count && zip(one.items, other.items).allSatisfy { isEqual($0, $1) }
    case (.object(let one), .object(let other)):
      return one.members.count == other.members.count && one.members.allSatisfy { member in other[member.key].map { isEqual(member.value, $0) } ?? false }
    case (.namespace(let one), .namespace(let other)): return one === other
    default: return false
    }
  }

  /// The text that a template prints: Python's `str`.
  var printed: JinjaText {
    switch self {
    case .undefined: JinjaText()
    case .none: JinjaText("None")
    case .boolean(let flag): JinjaText(flag ? "True" : "False")
    case .integer(let number): JinjaText("\(number)")
    case .float(let number): JinjaText(Self.python(number))
    case .text(let text): text
    case .list(let list):
      JinjaText(list.isTuple ? "(" : "[") + Self.joined(list.items.map(\.represented)) + JinjaText(list.isTuple ? (list.items.count == 1 ? ",)" : ")") : "]")
    case .object(let object): JinjaText("{") + Self.joined(object.members.map { JinjaValue.text($0.key).represented + JinjaText(": ") + $0.value.represented }) + JinjaText("}")
    case .namespace, .macro, .function, .method: JinjaText("<\(kind)>")
    }
  }

  /// Python's `repr`.
  private var represented: JinjaText {
    guard case .text(let text) = self else { return printed }
    let quote: UInt32 = text.units.contains { $0 & ~JinjaText.untrusted == 0x27 } && !text.units.contains { $0 & ~JinjaText.untrusted == 0x22 } ? 0x22 : 0x27
    var result: [UInt32] = [quote]
    for unit in text.units {
      let flag = unit & JinjaText.untrusted
      switch unit & ~JinjaText.untrusted {
      case quote, 0x5c: result += [0x5c | flag, unit]
      case 0x0a: result += [0x5c | flag, 0x6e | flag]
      case 0x0d: result += [0x5c | flag, 0x72 | flag]
      case 0x09: result += [0x5c | flag, 0x74 | flag]
      default: result.append(unit)
      }
    }
    return JinjaText(units: result + [quote])
  }

  private static func joined(_ texts: [JinjaText]) -> JinjaText {
    var result = JinjaText()
    for (index, text) in texts.enumerated() { result.units += (index > 0 ? JinjaText(", ").units : []) + text.units }
    return result
  }

  /// A number as Python writes it.
  static func python(_ number: Double) -> String {
    guard number.isFinite else { return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf" }
    if number == number.rounded(), abs(number) < 1e16 { return number == 0 && number.sign == .minus ? "-0.0" : "\(Int64(number)).0" }
    return "\(number)"
  }
}

func + (first: JinjaText, second: JinjaText) -> JinjaText { JinjaText(units: first.units + second.units) }
