extension JinjaInterpreter {
  /// `value is name`.
  mutating func test(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> Bool {
    switch (name, value) {
    case ("defined", .undefined): return false
    case ("defined", _): return true
    case ("undefined", .undefined): return true
    case ("undefined", _): return false
    case ("none", .none): return true
    case ("none", _): return false
    case ("string", .text): return true
    case ("string", _): return false
    case ("mapping", .object): return true
    case ("mapping", _): return false
    case ("boolean", .boolean): return true
    case ("boolean", _): return false
    case ("true", .boolean(let flag)): return flag
    case ("true", _): return false
    case ("false", .boolean(let flag)): return !flag
    case ("false", _): return false
    case ("integer", .integer): return true
    case ("integer", _): return false
    case ("float", .float): return true
    case ("float", _): return false
    case ("number", .integer), ("number", .float), ("number", .boolean): return true
    case ("number", _): return false
    // Jinja's undefined can be looped over, and has a length.
    case ("iterable", .text), ("iterable", .list), ("iterable", .object), ("iterable", .undefined): return true
    case ("iterable", _): return false
    case ("sequence", .text), ("sequence", .list), ("sequence", .object), ("sequence", .undefined): return true
    case ("sequence", _): return false
    case ("callable", .macro), ("callable", .function), ("callable", .method): return true
    case ("callable", _): return false
    case ("upper", .text(let text)): return text == text.uppercased && text != text.lowercased
    case ("lower", .text(let text)): return text == text.lowercased && text != text.uppercased
    default: return try testWithArgument(name, value, call, line)
    }
  }

  private mutating func testWithArgument(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> Bool {
    let signs = [
      "eq": "==", "equalto": "==", "==": "==", "ne": "!=", "!=": "!=", "lt": "<", "lessthan": "<", "<": "<", "le": "<=", "<=": "<=", "gt": ">", "greaterthan": ">", ">": ">",
      "ge": ">=", ">=": ">=", "in": "in",
    ]
    if let sign = signs[name] {
      guard let other = call.positional.first else { throw JinjaFailure("the test \(name) takes an argument", line: line) }
      return try compare(sign, value, other, line)
    }
    switch name {
    case "odd", "even":
      guard let whole = value.whole else { throw JinjaFailure("\(name) of \(value.kind)", line: line) }
      return (whole % 2 == 0) == (name == "even")
    case "divisibleby":
      guard let whole = value.whole, let other = call.positional.first?.whole, other != 0, other != -1 else {
        throw JinjaFailure("divisibleby takes two whole numbers", line: line)
      }
      return whole % other == 0
    default: throw JinjaFailure(.unsupported, "the test \(name.prefix(40)) is not supported", line: line)
    }
  }
}
