/// Reads the statements of a template.
struct JinjaParser {
  private let parts: [JinjaLexer.Part]
  private var place = 0
  /// Of the tag that is read.
  var tokens: [JinjaToken] = []
  var position = 0
  var depth = 0

  static let maximumDepth = 40

  init(_ source: String) throws(JinjaFailure) { parts = try JinjaLexer(source).parts }

  /// The whole template.
  static func parse(_ source: String) throws(JinjaFailure) -> [JinjaStatement] {
    var parser = try JinjaParser(source)
    let (body, end) = try parser.statements(until: [])
    if let end { throw JinjaFailure("the tag \(end) has no beginning", line: parser.line) }
    return body
  }

  var line: Int { position < tokens.count ? tokens[position].line : tokens.last?.line ?? 1 }

  /// Statements up to a tag of one of these names, whose name is read.
  private mutating func statements(until ends: Set<String>) throws(JinjaFailure) -> ([JinjaStatement], String?) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw JinjaFailure(.unsupported, "more than \(Self.maximumDepth) blocks in each other", line: line) }
    var result: [JinjaStatement] = []
    while place < parts.count {
      let part = parts[place]
      place += 1
      switch part {
      case .text(let text): result.append(.text(JinjaText(text)))
      case .output(let list):
        (tokens, position) = (list, 0)
        let here = line
        result.append(.output(try tuple(), line: here))
        try end()
      case .block(let list):
        (tokens, position) = (list, 0)
        let name = try name("a tag's name")
        if ends.contains(name) { return (result, name) }
        if let statement = try statement(name) { result += statement }
      }
    }
    guard ends.isEmpty else { throw JinjaFailure("a block does not end: \(ends.sorted().joined(separator: " or ")) is missing", line: line) }
    return (result, nil)
  }

  private mutating func statement(_ name: String) throws(JinjaFailure) -> [JinjaStatement]? {
    switch name {
    case "set": return [try set()]
    case "if": return [try condition()]
    case "for": return [try loop()]
    case "macro": return [try macro()]
    case "break":
      try end()
      return [.breakLoop]
    case "continue":
      try end()
      return [.continueLoop]
    // Marks what an assistant wrote, for training; it prints its body.
    case "generation":
      try end()
      let body = try statements(until: ["endgeneration"]).0
      try end()
      return body
    case "elif", "else", "endif", "endfor", "endmacro", "endset", "endgeneration": throw JinjaFailure("the tag \(name) has no beginning", line: line)
    default: throw JinjaFailure(.unsupported, "the tag {% \(name.prefix(40)) %} is not supported", line: line)
    }
  }

  private mutating func set() throws(JinjaFailure) -> JinjaStatement {
    let here = line
    var names = [try name("a variable's name")]
    if try take(".") {
      let member = try name("a member's name")
      try expect("=")
      let value = try tuple()
      try end()
      return .setMember(names[0], member, value, line: here)
    }
    while try take(",") { names.append(try name("a variable's name")) }
    guard try take("=") else {
      guard names.count == 1 else { throw JinjaFailure("expected '='", line: line) }
      if case .sign("|") = current { throw JinjaFailure(.unsupported, "a filter on a set block is not supported", line: line) }
      try end()
      let body = try statements(until: ["endset"]).0
      try end()
      return .setBlock(names[0], body, line: here)
    }
    let value = try tuple()
    try end()
    return .set(names, value, line: here)
  }

  private mutating func condition() throws(JinjaFailure) -> JinjaStatement {
    var branches: [(test: JinjaExpression, body: [JinjaStatement])] = []
    var otherwise: [JinjaStatement] = []
    var test = try tuple()
    try end()
    while true {
      let (body, tag) = try statements(until: ["elif", "else", "endif"])
      branches.append((test, body))
      if tag == "elif" {
        test = try tuple()
        try end()
        continue
      }
      try end()
      if tag == "else" {
        otherwise = try statements(until: ["endif"]).0
        try end()
      }
      return .condition(branches, otherwise: otherwise)
    }
  }

  private mutating func loop() throws(JinjaFailure) -> JinjaStatement {
    let here = line
    let isTuple = try take("(")
    var names = [try name("a variable's name")]
    while try take(",") { names.append(try name("a variable's name")) }
    if isTuple { try expect(")") }
    guard try take(name: "in") else { throw JinjaFailure("expected 'in'", line: line) }
    let list = try tuple(conditions: false)
    let only = try take(name: "if") ? try expression() : nil
    if case .name("recursive") = current { throw JinjaFailure(.unsupported, "a recursive loop is not supported", line: line) }
    try end()
    let (body, tag) = try statements(until: ["else", "endfor"])
    try end()
    var otherwise: [JinjaStatement] = []
    if tag == "else" {
      otherwise = try statements(until: ["endfor"]).0
      try end()
    }
    return .loop(names, list, only: only, body: body, otherwise: otherwise, line: here)
  }

  private mutating func macro() throws(JinjaFailure) -> JinjaStatement {
    let name = try name("a macro's name")
    try expect("(")
    var parameters: [(name: String, standard: JinjaExpression?)] = []
    while try !take(")") {
      if !parameters.isEmpty {
        try expect(",")
        if try take(")") { break }
      }
      let parameter = try self.name("a parameter's name")
      parameters.append((parameter, try take("=") ? try expression() : nil))
    }
    try end()
    let body = try statements(until: ["endmacro"]).0
    try end()
    return .macro(name, parameters, body)
  }
}
