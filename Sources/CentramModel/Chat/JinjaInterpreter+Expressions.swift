extension JinjaInterpreter {
  mutating func evaluate(_ expression: JinjaExpression, _ scope: JinjaScope) throws(JinjaFailure) -> JinjaValue {
    switch expression {
    case .literal(let value): return value
    case .name(let name, let line):
      try charge(1, line)
      return scope.value(name) ?? .undefined(name)
    default: return try deeper(0) { (this) throws(JinjaFailure) in try this.composite(expression, scope) }
    }
  }

  private mutating func composite(_ expression: JinjaExpression, _ scope: JinjaScope) throws(JinjaFailure) -> JinjaValue {
    try charge(1, 0)
    switch expression {
    case .literal, .name: return .none
    case .list(let items, let isTuple): return try made(.items(try evaluate(items, scope), isTuple: isTuple), 0)
    case .object(let members): return try object(members, scope)
    case .attribute(let value, let name, let line): return try attribute(try evaluate(value, scope), name, line)
    case .item(let value, let index, let line): return try item(try evaluate(value, scope), try evaluate(index, scope), line)
    case .slice(let value, let from, let to, let step, let line): return try slice(value, [from, to, step], scope, line)
    case .call(let callee, let arguments, let line): return try call(try evaluate(callee, scope), try evaluated(arguments, scope), line)
    case .filter(let value, let name, let arguments, let line):
      let value = try evaluate(value, scope)
      return try filter(name, value, try evaluated(arguments, scope), line)
    case .test(let value, let name, let arguments, let line):
      let value = try evaluate(value, scope)
      return .boolean(try test(name, value, try evaluated(arguments, scope), line))
    case .not(let value): return .boolean(!(try evaluate(value, scope).isTrue))
    case .and(let first, let second):
      let value = try evaluate(first, scope)
      return value.isTrue ? try evaluate(second, scope) : value
    case .or(let first, let second):
      let value = try evaluate(first, scope)
      return value.isTrue ? value : try evaluate(second, scope)
    case .negative(let value, let line): return try negative(try evaluate(value, scope), line)
    case .binary(let sign, let first, let second, let line):
      let one = try evaluate(first, scope)
      return try made(try binary(sign, one, try evaluate(second, scope), line), line)
    case .comparison(let first, let rest, let line): return .boolean(try comparison(first, rest, scope, line))
    case .condition(let test, let then, let otherwise):
      if try evaluate(test, scope).isTrue { return try evaluate(then, scope) }
      guard let otherwise else { return .undefined("the value of an if without else") }
      return try evaluate(otherwise, scope)
    }
  }

  private mutating func evaluate(_ expressions: [JinjaExpression], _ scope: JinjaScope) throws(JinjaFailure) -> [JinjaValue] {
    var result: [JinjaValue] = []
    for expression in expressions { result.append(try evaluate(expression, scope)) }
    return result
  }

  private mutating func evaluated(_ arguments: JinjaArguments, _ scope: JinjaScope) throws(JinjaFailure) -> JinjaCall {
    var call = JinjaCall(positional: try evaluate(arguments.positional, scope))
    for (name, value) in arguments.named { call.named.append((name, try evaluate(value, scope))) }
    return call
  }

  private mutating func object(_ members: [(key: JinjaExpression, value: JinjaExpression)], _ scope: JinjaScope) throws(JinjaFailure) -> JinjaValue {
    var object = JinjaObject()
    for (key, value) in members {
      guard case .text(let name) = try evaluate(key, scope) else { throw JinjaFailure(.unsupported, "a key of a mapping that is no text", line: 0) }
      object.set(name, try evaluate(value, scope))
    }
    return try made(.object(object), 0)
  }

  /// `value.name`: a method, or a member.
  private func attribute(_ value: JinjaValue, _ name: String, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    switch value {
    case .undefined(let name): throw JinjaFailure("\(name) is undefined", line: line)
    case .object(let object): return Self.objectMethods.contains(name) ? .method(value, name) : object[JinjaText(name)] ?? .undefined(name)
    case .namespace(let namespace): return namespace.members[name] ?? .undefined(name)
    case .text: return Self.textMethods.contains(name) ? .method(value, name) : .undefined(name)
    default: return .undefined(name)
    }
  }

  /// `value[index]`.
  func item(_ value: JinjaValue, _ index: JinjaValue, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    if case .undefined(let name) = value { throw JinjaFailure("\(name) is undefined", line: line) }
    if case .text(let key) = index {
      if case .object(let object) = value, let member = object[key] { return member }
      return try attribute(value, key.string, line)
    }
    guard let place = index.whole else { return .undefined("a member by \(index.kind)") }
    switch value {
    case .list(let list):
      let from = place < 0 ? place + list.items.count : place
      return list.items.indices.contains(from) ? list.items[from] : .undefined("element \(place) of a list of \(list.items.count)")
    case .text(let text):
      let from = place < 0 ? place + text.count : place
      return text.units.indices.contains(from) ? .text(JinjaText(units: [text.units[from]])) : .undefined("character \(place) of a text of \(text.count)")
    default: return .undefined("member \(place) of \(value.kind)")
    }
  }

  private mutating func slice(_ value: JinjaExpression, _ bounds: [JinjaExpression?], _ scope: JinjaScope, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let value = try evaluate(value, scope)
    var numbers: [Int?] = []
    for bound in bounds {
      let bound = try bound.map { (bound) throws(JinjaFailure) in try evaluate(bound, scope) } ?? .none
      if case .none = bound {
        numbers.append(nil)
      } else {
        guard let number = bound.whole else { throw JinjaFailure("a slice by \(bound.kind)", line: line) }
        numbers.append(number)
      }
    }
    switch value {
    case .list(let list): return try made(.items(try Self.places(numbers, list.items.count, line).map { list.items[$0] }, isTuple: list.isTuple), line)
    case .text(let text): return try made(.text(JinjaText(units: try Self.places(numbers, text.count, line).map { text.units[$0] })), line)
    case .undefined(let name): throw JinjaFailure("\(name) is undefined", line: line)
    default: throw JinjaFailure("a slice of \(value.kind)", line: line)
    }
  }

  /// Python's rule for `[from:to:step]`.
  private static func places(_ numbers: [Int?], _ count: Int, _ line: Int) throws(JinjaFailure) -> [Int] {
    let step = numbers[2] ?? 1
    guard step != 0 else { throw JinjaFailure("a slice with step 0", line: line) }
    let low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1
    func bound(_ number: Int?, _ standard: Int) -> Int {
      guard let number else { return standard }
      return min(max(number < 0 ? number + count : number, low), high)
    }
    let from = bound(numbers[0], step > 0 ? 0 : count - 1), to = bound(numbers[1], step > 0 ? count : -1)
    // A step beyond the text takes one character; it must not overflow.
    return Array(stride(from: from, to: to, by: min(max(step, -count - 1), count + 1)))
  }

  private func negative(_ value: JinjaValue, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    if let whole = value.whole, whole != .min { return .integer(-whole) }
    guard let number = value.number else { throw JinjaFailure("a minus before \(value.kind)", line: line) }
    return .float(-number)
  }

  private mutating func comparison(
    _ first: JinjaExpression, _ rest: [(sign: String, operand: JinjaExpression)], _ scope: JinjaScope, _ line: Int
  ) throws(JinjaFailure) -> Bool {
    var left = try evaluate(first, scope)
    for (sign, operand) in rest {
      let right = try evaluate(operand, scope)
      guard try compare(sign, left, right, line) else { return false }
      left = right
    }
    return true
  }

  mutating func compare(_ sign: String, _ first: JinjaValue, _ second: JinjaValue, _ line: Int) throws(JinjaFailure) -> Bool {
    switch sign {
    case "==", "!=":
      try charge(text: first.weight, line)
      return JinjaValue.isEqual(first, second) == (sign == "==")
    case "in": return try contains(second, first, line)
    case "not in": return !(try contains(second, first, line))
    default: break
    }
    let isLess: Bool, isMore: Bool
    if let one = first.number, let other = second.number {
      (isLess, isMore) = (one < other, one > other)
    } else if let one = first.text, let other = second.text {
      try charge(text: one.count, line)
      (isLess, isMore) = (one < other, other < one)
    } else {
      throw JinjaFailure("\(first.kind) and \(second.kind) have no order", line: line)
    }
    switch sign {
    case "<": return isLess
    case ">": return isMore
    case "<=": return !isMore
    default: return !isLess
    }
  }

  private mutating func contains(_ whole: JinjaValue, _ part: JinjaValue, _ line: Int) throws(JinjaFailure) -> Bool {
    switch whole {
    case .text(let text):
      guard let part = part.text else { throw JinjaFailure("\(part.kind) in a text", line: line) }
      try chargeSearch(text, part, line)
      return text.find(part) != nil
    case .object(let object): return part.text.map { object[$0] != nil } ?? false
    case .list(let list):
      try charge(text: whole.weight, line)
      return list.items.contains { JinjaValue.isEqual($0, part) }
    case .undefined: return false
    default: throw JinjaFailure("\(whole.kind) holds nothing", line: line)
    }
  }

  /// The search compares at each place, at worst all of it.
  mutating func chargeSearch(_ text: JinjaText, _ part: JinjaText, _ line: Int) throws(JinjaFailure) {
    let (product, overflow) = text.count.multipliedReportingOverflow(by: part.count)
    try charge(text: overflow ? .max : text.count + product / 16, line)
  }
}
