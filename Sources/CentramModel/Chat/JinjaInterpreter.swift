/// Runs a parsed template. Steps, text and depth are limited, since templates come from strangers.
struct JinjaInterpreter {
  struct Limits: Sendable {
    /// An operation is one, or 64 characters that are made or looked at.
    var steps = 1_000_000
    /// Scalars of one value, the output among them.
    var text = 1 << 23
    /// Operations and blocks in each other.
    var depth = 200
  }

  private let limits: Limits
  private(set) var output = JinjaText()
  private var steps = 0
  private var depth = 0
  /// Emptied at the end: a macro that is a variable of its own scope would keep both for ever.
  private var scopes: [JinjaScope] = []
  private var namespaces: [JinjaNamespace] = []

  enum Flow { case goesOn, breaks, continues }

  /// The text that the template makes.
  static func render(_ body: [JinjaStatement], _ variables: [String: JinjaValue], _ limits: Limits) throws(JinjaFailure) -> JinjaText {
    var interpreter = JinjaInterpreter(limits)
    let scope = JinjaScope(nil)
    scope.variables = variables
    for name in functions { scope.variables[name] = .function(name) }
    defer { interpreter.release() }
    _ = try interpreter.run(body, JinjaScope(scope))
    return interpreter.output
  }

  var maximumText: Int { limits.text }

  private init(_ limits: Limits) { self.limits = limits }

  private mutating func release() {
    for scope in scopes { scope.variables = [:] }
    for namespace in namespaces { namespace.members = [:] }
  }

  mutating func namespace(_ members: [String: JinjaValue]) -> JinjaValue {
    let made = JinjaNamespace()
    made.members = members
    namespaces.append(made)
    return .namespace(made)
  }

  mutating func charge(_ amount: Int, _ line: Int) throws(JinjaFailure) {
    steps = min(steps, 1 << 60) + max(min(amount, 1 << 60), 1)
    guard steps <= limits.steps else { throw JinjaFailure(.unsupported, "the template takes more than \(limits.steps) steps", line: line) }
  }

  /// For looking at so many characters.
  mutating func charge(text count: Int, _ line: Int) throws(JinjaFailure) { try charge(count / 64, line) }

  /// A value that was made, within the limits.
  mutating func made(_ value: JinjaValue, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    try limit(value.weight, line)
    switch value {
    case .text(let text): try charge(text: text.count, line)
    case .list(let list): try charge(list.items.count / 4, line)
    default: break
    }
    guard value.nesting <= JinjaValue.maximumNesting else {
      throw JinjaFailure(.unsupported, "more than \(JinjaValue.maximumNesting) lists in each other", line: line)
    }
    return value
  }

  func limit(_ count: Int, _ line: Int) throws(JinjaFailure) {
    guard count <= limits.text else { throw JinjaFailure(.unsupported, "a value of more than \(limits.text) characters", line: line) }
  }

  /// Counts recursion.
  mutating func deeper<Result>(_ line: Int, _ body: (inout JinjaInterpreter) throws(JinjaFailure) -> Result) throws(JinjaFailure) -> Result {
    depth += 1
    guard depth <= limits.depth else { throw JinjaFailure(.unsupported, "more than \(limits.depth) calls or operations in each other", line: line) }
    let result = try body(&self)
    depth -= 1
    return result
  }

  private mutating func print(_ text: JinjaText, _ line: Int) throws(JinjaFailure) {
    try charge(text: text.count, line)
    try limit(output.count + text.count, line)
    output.units.append(contentsOf: text.units)
  }

  // MARK: Statements

  mutating func run(_ body: [JinjaStatement], _ scope: JinjaScope) throws(JinjaFailure) -> Flow {
    for statement in body {
      let flow = try run(statement, scope)
      if flow != .goesOn { return flow }
    }
    return .goesOn
  }

  private mutating func run(_ statement: JinjaStatement, _ scope: JinjaScope) throws(JinjaFailure) -> Flow {
    switch statement {
    case .text(let text): try print(text, 0)
    case .output(let expression, let line):
      let value = try evaluate(expression, scope)
      try charge(text: value.weight, line)
      try print(value.printed, line)
    case .set(let names, let expression, let line): try assign(names, try evaluate(expression, scope), scope, line)
    case .setMember(let name, let member, let expression, let line):
      guard case .namespace(let namespace)? = scope.value(name) else { throw JinjaFailure("\(name).\(member) is set, but \(name) is no namespace", line: line) }
      namespace.members[member] = try evaluate(expression, scope)
    case .setBlock(let name, let body, let line): scope.variables[name] = .text(try captured(line) { (this) throws(JinjaFailure) in _ = try this.run(body, scope) })
    case .condition(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test, scope).isTrue { return try nested(branch.body, scope) }
      return try nested(otherwise, scope)
    case .loop(let names, let list, let only, let body, let otherwise, let line): return try loop(names, list, only, body, otherwise, scope, line)
    case .macro(let name, let parameters, let body):
      scope.variables[name] = .macro(JinjaMacro(name: name, parameters: parameters, body: body, scope: scope))
      scopes.append(scope)
    case .breakLoop: return .breaks
    case .continueLoop: return .continues
    }
    return .goesOn
  }

  private mutating func nested(_ body: [JinjaStatement], _ scope: JinjaScope) throws(JinjaFailure) -> Flow {
    guard !body.isEmpty else { return .goesOn }
    return try deeper(0) { (this) throws(JinjaFailure) in try this.run(body, scope) }
  }

  private mutating func assign(_ names: [String], _ value: JinjaValue, _ scope: JinjaScope, _ line: Int) throws(JinjaFailure) {
    if names.count == 1 {
      scope.variables[names[0]] = value
      return
    }
    let items = try elements(value, line)
    guard items.count == names.count else { throw JinjaFailure("\(items.count) values for the \(names.count) names \(names.joined(separator: ", "))", line: line) }
    for (name, item) in zip(names, items) { scope.variables[name] = item }
  }

  /// What a body prints, taken away from the output.
  mutating func captured(_ line: Int, _ body: (inout JinjaInterpreter) throws(JinjaFailure) -> Void) throws(JinjaFailure) -> JinjaText {
    let outer = output
    output = JinjaText()
    try deeper(line, body)
    let text = output
    output = outer
    return text
  }

  private mutating func loop(
    _ names: [String], _ list: JinjaExpression, _ only: JinjaExpression?, _ body: [JinjaStatement], _ otherwise: [JinjaStatement], _ scope: JinjaScope, _ line: Int
  ) throws(JinjaFailure) -> Flow {
    var items = try elements(try evaluate(list, scope), line)
    if let only {
      var kept: [JinjaValue] = []
      for item in items {
        let inner = JinjaScope(scope)
        try assign(names, item, inner, line)
        if try evaluate(only, inner).isTrue { kept.append(item) }
      }
      items = kept
    }
    guard !items.isEmpty else { return try nested(otherwise, scope) }
    for (index, item) in items.enumerated() {
      try charge(1, line)
      let inner = JinjaScope(scope)
      try assign(names, item, inner, line)
      inner.variables["loop"] = Self.loopVariable(items, index)
      switch try nested(body, inner) {
      case .breaks: return .goesOn
      case .goesOn, .continues: continue
      }
    }
    return .goesOn
  }

  private static func loopVariable(_ items: [JinjaValue], _ index: Int) -> JinjaValue {
    var loop = JinjaObject()
    func set(_ key: String, _ value: JinjaValue) { loop.set(JinjaText(key), value) }
    set("index", .integer(index + 1))
    set("index0", .integer(index))
    set("revindex", .integer(items.count - index))
    set("revindex0", .integer(items.count - index - 1))
    set("first", .boolean(index == 0))
    set("last", .boolean(index == items.count - 1))
    set("length", .integer(items.count))
    set("cycle", .method(.integer(index), "cycle"))
    if index > 0 { set("previtem", items[index - 1]) }
    if index + 1 < items.count { set("nextitem", items[index + 1]) }
    return .object(loop)
  }

  /// What a loop goes over.
  func elements(_ value: JinjaValue, _ line: Int) throws(JinjaFailure) -> [JinjaValue] {
    switch value {
    case .list(let list): return list.items
    case .object(let object): return object.members.map { .text($0.key) }
    case .text(let text): return text.units.map { .text(JinjaText(units: [$0])) }
    case .undefined: return []
    default: throw JinjaFailure("\(value.kind) is no list", line: line)
    }
  }
}
