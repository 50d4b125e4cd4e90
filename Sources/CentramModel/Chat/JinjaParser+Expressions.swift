/// Expressions, from the loosest operator to the tightest; each is a method.
extension JinjaParser {
  var current: JinjaToken.Kind { position < tokens.count ? tokens[position].kind : .end }

  /// Nothing may follow in this tag.
  mutating func end() throws(JinjaFailure) {
    guard current == .end else { throw unexpected("the tag's end") }
  }

  func unexpected(_ wanted: String) -> JinjaFailure {
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
  func lengthen(_ chain: inout Int) throws(JinjaFailure) {
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
}
