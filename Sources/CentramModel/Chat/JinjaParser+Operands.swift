/// What operators stand between: names, literals, and what follows them.
extension JinjaParser {
  mutating func primary() throws(JinjaFailure) -> JinjaExpression {
    let here = line
    let kind = current
    position += 1
    switch kind {
    case .name("true"), .name("True"): return .literal(.boolean(true))
    case .name("false"), .name("False"): return .literal(.boolean(false))
    case .name("none"), .name("None"): return .literal(.none)
    case .name(let name): return .name(name, line: here)
    case .integer(let number): return .literal(.integer(number))
    case .float(let number): return .literal(.float(number))
    case .text(var text):
      // Texts behind each other are one.
      while case .text(let more) = current {
        text += more
        position += 1
      }
      return .literal(.text(JinjaText(text)))
    case .sign("("):
      if try take(")") { return .list([], isTuple: true) }
      let inner = try tuple()
      try expect(")")
      return inner
    case .sign("["): return .list(try list(until: "]"), isTuple: false)
    case .sign("{"): return try object()
    default:
      position -= 1
      throw unexpected("an expression")
    }
  }

  private mutating func list(until closing: String) throws(JinjaFailure) -> [JinjaExpression] {
    var items: [JinjaExpression] = []
    while try !take(closing) {
      if !items.isEmpty {
        try expect(",")
        if try take(closing) { break }
      }
      items.append(try expression())
    }
    return items
  }

  private mutating func object() throws(JinjaFailure) -> JinjaExpression {
    var members: [(key: JinjaExpression, value: JinjaExpression)] = []
    while try !take("}") {
      if !members.isEmpty {
        try expect(",")
        if try take("}") { break }
      }
      let key = try expression()
      try expect(":")
      members.append((key, try expression()))
    }
    return .object(members)
  }

  mutating func postfix(_ value: JinjaExpression) throws(JinjaFailure) -> JinjaExpression {
    var result = value, chain = 0
    while true {
      let here = line
      if try take(".") {
        if case .integer(let index) = current {
          position += 1
          result = .item(result, .literal(.integer(index)), line: here)
        } else {
          result = .attribute(result, try name("a member's name"), line: here)
        }
      } else if try take("[") {
        result = try subscripted(result, here)
      } else if try take("(") {
        result = .call(result, try arguments(), line: here)
      } else {
        return result
      }
      try lengthen(&chain)
    }
  }

  private mutating func subscripted(_ value: JinjaExpression, _ here: Int) throws(JinjaFailure) -> JinjaExpression {
    var bounds: [JinjaExpression?] = [nil], isSlice = false
    while try !take("]") {
      if try take(":") {
        isSlice = true
        bounds.append(nil)
        guard bounds.count <= 3 else { throw unexpected("']'") }
      } else if bounds[bounds.count - 1] == nil {
        bounds[bounds.count - 1] = try expression()
      } else {
        throw unexpected("']'")
      }
    }
    guard isSlice else {
      guard let index = bounds[0] else { throw unexpected("an index") }
      return .item(value, index, line: here)
    }
    return .slice(value, from: bounds[0], to: bounds[1], step: bounds.count > 2 ? bounds[2] : nil, line: here)
  }

  /// Behind the opening parenthesis.
  mutating func arguments() throws(JinjaFailure) -> JinjaArguments {
    var result = JinjaArguments(), isFirst = true
    while try !take(")") {
      if !isFirst {
        try expect(",")
        if try take(")") { break }
      }
      isFirst = false
      if current == .sign("*") || current == .sign("**") { throw JinjaFailure(.unsupported, "arguments by * are not supported", line: line) }
      if case .name(let name) = current, position + 1 < tokens.count, tokens[position + 1].kind == .sign("=") {
        position += 2
        result.named.append((name, try expression()))
      } else {
        guard result.named.isEmpty else { throw JinjaFailure("an argument without a name behind one with a name", line: line) }
        result.positional.append(try expression())
      }
    }
    return result
  }
}
