/// Expressions, from the loosest operator to the tightest; each is a method.
extension JinjaParser {
  var current: JinjaToken.Kind { position < tokens.count ? tokens[position].kind : .end }

  /// Nothing may follow in this tag.
  mutating func end() throws(JinjaFailure) {
    guard current == .end else { throw unexpected("the tag's end") }
  }

  private func unexpected(_ wanted: String) -> JinjaFailure {
    let found: String
    switch current {
    case .name(let name): found = name
    case .text(let text): found = "the text \"\(text.prefix(40))\""
    case .integer(let number): found = "\(number)"
    case .float(let number): found = "\(number)"
    case .sign(let sign): found = "'\(sign)'"
    case .end: found = "the tag's end"
    }
    return JinjaFailure("expected \(wanted), found \(found.prefix(60))", line: line)
  }

  mutating func take(_ sign: String) throws(JinjaFailure) -> Bool {
    guard current == .sign(sign) else { return false }
    position += 1
    return true
  }

  mutating func take(name: String) throws(JinjaFailure) -> Bool {
    guard current == .name(name) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ sign: String) throws(JinjaFailure) {
    guard try take(sign) else { throw unexpected("'\(sign)'") }
  }

  mutating func name(_ what: String) throws(JinjaFailure) -> String {
    guard case .name(let name) = current else { throw unexpected(what) }
    position += 1
    return name
  }

  /// Expressions with commas between them are a list.
  mutating func tuple(conditions: Bool = true) throws(JinjaFailure) -> JinjaExpression {
    let first = try conditions ? expression() : disjunction()
    guard current == .sign(",") else { return first }
    var items = [first]
    while try take(",") {
      if current == .end || current == .sign(")") || current == .sign("=") { break }
      items.append(try conditions ? expression() : disjunction())
    }
    return .list(items, isTuple: true)
  }

  mutating func expression() throws(JinjaFailure) -> JinjaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 2 * Self.maximumDepth else { throw JinjaFailure(.unsupported, "more than \(2 * Self.maximumDepth) levels of an expression", line: line) }
    var result = try disjunction()
    var chain = 0
    while try take(name: "if") {
      let test = try disjunction()
      let otherwise = try take(name: "else") ? try expression() : nil
      result = .condition(test, then: result, otherwise: otherwise)
      try lengthen(&chain)
    }
    return result
  }

  /// Long chains of one operator make a deep tree, which is walked by recursion.
  private func lengthen(_ chain: inout Int) throws(JinjaFailure) {
    chain += 1
    guard chain <= 64 else { throw JinjaFailure(.unsupported, "more than 64 operators in one expression", line: line) }
  }

  private mutating func disjunction() throws(JinjaFailure) -> JinjaExpression {
    var result = try conjunction(), chain = 0
    while try take(name: "or") {
      result = .or(result, try conjunction())
      try lengthen(&chain)
    }
    return result
  }

  private mutating func conjunction() throws(JinjaFailure) -> JinjaExpression {
    var result = try negation(), chain = 0
    while try take(name: "and") {
      result = .and(result, try negation())
      try lengthen(&chain)
    }
    return result
  }

  private mutating func negation() throws(JinjaFailure) -> JinjaExpression {
    var count = 0
    while try take(name: "not") { count += 1 }
    let operand = try comparison()
    // `not not x` is a truth value too.
    return count == 0 ? operand : count % 2 == 1 ? .not(operand) : .not(.not(operand))
  }

  private mutating func comparison() throws(JinjaFailure) -> JinjaExpression {
    let here = line
    let first = try sum()
    var rest: [(sign: String, operand: JinjaExpression)] = []
    while true {
      if case .sign(let sign) = current, ["==", "!=", "<", ">", "<=", ">="].contains(sign) {
        position += 1
        rest.append((sign, try sum()))
      } else if try take(name: "in") {
        rest.append(("in", try sum()))
      } else if current == .name("not"), position + 1 < tokens.count, tokens[position + 1].kind == .name("in") {
        position += 2
        rest.append(("not in", try sum()))
      } else {
        return rest.isEmpty ? first : .comparison(first, rest, line: here)
      }
    }
  }

  private mutating func sum() throws(JinjaFailure) -> JinjaExpression { try binary(["+", "-"]) { (parser) throws(JinjaFailure) in try parser.concatenation() } }
  private mutating func concatenation() throws(JinjaFailure) -> JinjaExpression { try binary(["~"]) { (parser) throws(JinjaFailure) in try parser.product() } }
  private mutating func product() throws(JinjaFailure) -> JinjaExpression {
    try binary(["*", "/", "//", "%"]) { (parser) throws(JinjaFailure) in try parser.power() }
  }
  private mutating func power() throws(JinjaFailure) -> JinjaExpression { try binary(["**"]) { (parser) throws(JinjaFailure) in try parser.unary() } }

  private mutating func binary(
    _ signs: Set<String>, _ operand: (inout JinjaParser) throws(JinjaFailure) -> JinjaExpression
  ) throws(JinjaFailure) -> JinjaExpression {
    var result = try operand(&self), chain = 0
    while case .sign(let sign) = current, signs.contains(sign) {
      let here = line
      position += 1
      result = .binary(sign, result, try operand(&self), line: here)
      try lengthen(&chain)
    }
    return result
  }

  private mutating func unary(filters: Bool = true) throws(JinjaFailure) -> JinjaExpression {
    let here = line
    depth += 1
    defer { depth -= 1 }
    guard depth <= 2 * Self.maximumDepth else { throw JinjaFailure(.unsupported, "more than \(2 * Self.maximumDepth) levels of an expression", line: line) }
    var result: JinjaExpression
    if try take("-") {
      result = .negative(try unary(filters: false), line: here)
    } else if try take("+") {
      result = try unary(filters: false)
    } else {
      result = try postfix(try primary())
    }
    var chain = 0
    while filters {
      if try take("|") {
        let here = line
        let name = try name("a filter's name")
        result = .filter(result, name, try take("(") ? try arguments() : JinjaArguments(), line: here)
      } else if try take(name: "is") {
        result = try test(result)
      } else if current == .sign("(") {
        result = try postfix(result)
      } else {
        break
      }
      try lengthen(&chain)
    }
    return result
  }

  private mutating func test(_ value: JinjaExpression) throws(JinjaFailure) -> JinjaExpression {
    let here = line
    let isNegated = try take(name: "not")
    let name = try name("a test's name")
    var arguments = JinjaArguments()
    switch current {
    case .sign("("):
      position += 1
      arguments = try self.arguments()
    case .name("else"), .name("or"), .name("and"), .name("is"), .name("if"), .name("in"), .name("not"): break
    case .name, .text, .integer, .float, .sign("["), .sign("{"): arguments.positional = [try postfix(try primary())]
    default: break
    }
    let result = JinjaExpression.test(value, name, arguments, line: here)
    return isNegated ? .not(result) : result
  }

  private mutating func primary() throws(JinjaFailure) -> JinjaExpression {
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

  private mutating func postfix(_ value: JinjaExpression) throws(JinjaFailure) -> JinjaExpression {
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
  private mutating func arguments() throws(JinjaFailure) -> JinjaArguments {
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
