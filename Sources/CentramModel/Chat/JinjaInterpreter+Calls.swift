/// The arguments of a call, evaluated.
struct JinjaCall {
  var positional: [JinjaValue] = []
  var named: [(name: String, value: JinjaValue)] = []

  /// An argument by its place or its name.
  func value(_ place: Int, _ name: String) -> JinjaValue? { place < positional.count ? positional[place] : named.first { $0.name == name }?.value }
  func text(_ place: Int, _ name: String) -> JinjaText? { value(place, name)?.text }
}

extension JinjaInterpreter {
  static let functions = ["namespace", "range", "dict", "raise_exception"]
  static let objectMethods: Set = ["items", "keys", "values", "get"]
  static let textMethods: Set = [
    "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines", "replace", "upper", "lower", "title", "capitalize", "join", "find", "count",
    "removeprefix", "removesuffix", "isdigit", "isalpha", "isspace", "isupper", "islower",
  ]
  /// The most that `range` makes, as in Jinja's sandbox.
  static let maximumRange = 100_000

  mutating func call(_ callee: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    switch callee {
    case .macro(let macro): return .text(try self.macro(macro, call, line))
    case .function(let name): return try function(name, call, line)
    case .method(.integer(let index), "cycle"):
      guard !call.positional.isEmpty else { throw JinjaFailure("loop.cycle without values", line: line) }
      return call.positional[index % call.positional.count]
    case .method(.object(let object), let name): return try method(name, of: object, call, line)
    case .method(.text(let text), let name): return try made(try method(name, of: text, call, line), line)
    case .undefined("strftime_now"):
      throw JinjaFailure(.unsupported, "the template asks for today's date by strftime_now, which a prompt must not depend on; set date_string instead", line: line)
    case .undefined(let name): throw JinjaFailure(.unsupported, "the function or method \(name.prefix(60)) is not known", line: line)
    default: throw JinjaFailure("\(callee.kind) is called", line: line)
    }
  }

  private mutating func macro(_ macro: JinjaMacro, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaText {
    guard call.positional.count <= macro.parameters.count else {
      throw JinjaFailure("the macro \(macro.name) takes \(macro.parameters.count) arguments, not \(call.positional.count)", line: line)
    }
    if let other = call.named.first(where: { argument in !macro.parameters.contains { $0.name == argument.name } }) {
      throw JinjaFailure("the macro \(macro.name) has no parameter \(other.name)", line: line)
    }
    let scope = JinjaScope(macro.scope)
    for (place, parameter) in macro.parameters.enumerated() {
      if let value = call.value(place, parameter.name) {
        scope.variables[parameter.name] = value
      } else if let standard = parameter.standard {
        scope.variables[parameter.name] = try evaluate(standard, scope)
      } else {
        scope.variables[parameter.name] = .undefined(parameter.name)
      }
    }
    return try captured(line) { (this) throws(JinjaFailure) in _ = try this.run(macro.body, scope) }
  }

  private mutating func function(_ name: String, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    switch name {
    case "namespace", "dict":
      var object = JinjaObject()
      if case .object(let first)? = call.positional.first { object = first }
      for (name, value) in call.named { object.set(JinjaText(name), value) }
      if name == "dict" { return try made(.object(object), line) }
      return namespace(Dictionary(object.members.map { ($0.key.string, $0.value) }) { $1 })
    case "range": return try range(call, line)
    default:
      let message = call.positional.first?.printed.string ?? ""
      throw JinjaFailure(.raised, String(message.prefix(500)), line: line)
    }
  }

  private mutating func range(_ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let numbers = call.positional.compactMap(\.whole)
    guard numbers.count == call.positional.count, (1...3).contains(numbers.count) else { throw JinjaFailure("range takes one to three whole numbers", line: line) }
    let from = numbers.count > 1 ? numbers[0] : 0, to = numbers.count > 1 ? numbers[1] : numbers[0], step = numbers.count > 2 ? numbers[2] : 1
    guard step != 0 else { throw JinjaFailure("range with step 0", line: line) }
    guard numbers.allSatisfy({ abs(Double($0)) < 1e15 }), abs((to - from) / step) <= Self.maximumRange else {
      throw JinjaFailure(.unsupported, "a range of more than \(Self.maximumRange) numbers", line: line)
    }
    return try made(.items(stride(from: from, to: to, by: step).map { .integer($0) }), line)
  }

  private mutating func method(_ name: String, of object: JinjaObject, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    switch name {
    case "items": return try made(Self.items(object), line)
    case "keys": return try made(.items(object.members.map { .text($0.key) }), line)
    case "values": return try made(.items(object.members.map(\.value)), line)
    default: return call.text(0, "key").flatMap { object[$0] } ?? call.value(1, "default") ?? .none
    }
  }

  static func items(_ object: JinjaObject) -> JinjaValue { .items(object.members.map { .items([.text($0.key), $0.value], isTuple: true) }) }

  private mutating func method(_ name: String, of text: JinjaText, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    try charge(text: text.count, line)
    func wrong(_ wanted: String) -> JinjaFailure { JinjaFailure("\(name) takes \(wanted), not \(call.positional.first?.kind ?? "nothing")", line: line) }
    func all(_ test: (Unicode.Scalar.Properties) -> Bool) -> Bool {
      !text.isEmpty && text.units.indices.allSatisfy { Unicode.Scalar(text.scalar($0)).map { test($0.properties) } ?? false }
    }
    switch name {
    case "strip": return .text(text.stripped(call.text(0, "chars")))
    case "lstrip": return .text(text.stripped(right: false, call.text(0, "chars")))
    case "rstrip": return .text(text.stripped(left: false, call.text(0, "chars")))
    case "startswith", "endswith":
      let options: [JinjaValue]
      if case .list(let list)? = call.positional.first { options = list.items } else { options = call.positional }
      for option in options {
        guard let part = option.text else { throw wrong("a text") }
        if text.matches(part, at: name == "startswith" ? 0 : text.count - part.count) { return .boolean(true) }
      }
      return .boolean(false)
    case "split", "rsplit": return try split(name, text, call, line)
    case "splitlines": return .items(text.lines().map { .text($0) })
    case "replace":
      guard let old = call.text(0, "old"), let new = call.text(1, "new") else { throw wrong("two texts") }
      return .text(try replaced(text, old, new, call.value(2, "count")?.whole, line))
    case "upper": return .text(text.uppercased)
    case "lower": return .text(text.lowercased)
    case "title", "capitalize": return .text(text.titled(words: name == "title"))
    case "join":
      guard let list = call.positional.first else { throw wrong("a list") }
      return .text(try joined(try elements(list, line), text, line))
    case "find", "count":
      guard let part = call.text(0, "sub") else { throw wrong("a text") }
      try chargeSearch(text, part, line)
      return .integer(name == "find" ? text.find(part) ?? -1 : part.isEmpty ? text.count + 1 : text.split(part).count - 1)
    case "removeprefix", "removesuffix":
      guard let part = call.text(0, "prefix") else { throw wrong("a text") }
      if name == "removeprefix" { return .text(text.matches(part, at: 0) ? JinjaText(units: Array(text.units.dropFirst(part.count))) : text) }
      return .text(text.matches(part, at: text.count - part.count) ? JinjaText(units: Array(text.units.dropLast(part.count))) : text)
    case "isdigit": return .boolean(all { $0.numericType == .decimal || $0.numericType == .digit })
    case "isalpha": return .boolean(all { $0.generalCategory.isLetter })
    case "isspace": return .boolean(!text.isEmpty && text.units.indices.allSatisfy { JinjaText.isSpace(text.scalar($0)) })
    case "isupper": return .boolean(text == text.uppercased && text != text.lowercased)
    default: return .boolean(text == text.lowercased && text != text.uppercased)
    }
  }

  private mutating func split(_ name: String, _ text: JinjaText, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let separator = call.text(0, "sep")
    if let separator {
      guard !separator.isEmpty else { throw JinjaFailure("\(name) by an empty text", line: line) }
      try chargeSearch(text, separator, line)
    }
    let limit = call.value(1, "maxsplit")?.whole ?? -1
    let most = limit < 0 ? Int.max : limit
    if name == "rsplit", limit >= 0 {
      guard let separator else { throw JinjaFailure(.unsupported, "rsplit by white space with a limit is not supported", line: line) }
      return .items(text.splitFromRight(separator, most: most).map { .text($0) })
    }
    return .items(text.split(separator, most: most).map { .text($0) })
  }

  mutating func replaced(_ text: JinjaText, _ old: JinjaText, _ new: JinjaText, _ count: Int?, _ line: Int) throws(JinjaFailure) -> JinjaText {
    try chargeSearch(text, old, line)
    let most = count.map { $0 < 0 ? Int.max : $0 } ?? .max
    let found = min(old.isEmpty ? text.count + 1 : text.split(old).count - 1, most)
    let (added, overflow) = found.multipliedReportingOverflow(by: new.count)
    try limit(overflow ? .max : text.count + min(added, 1 << 40), line)
    return text.replacing(old, new, most: most)
  }

  mutating func joined(_ items: [JinjaValue], _ separator: JinjaText, _ line: Int) throws(JinjaFailure) -> JinjaText {
    var result = JinjaText()
    for (index, item) in items.enumerated() {
      let text = item.printed
      try limit(result.count + text.count + separator.count, line)
      try charge(text: text.count + separator.count, line)
      if index > 0 { result.units += separator.units }
      result.units += text.units
    }
    return result
  }
}

extension Unicode.GeneralCategory {
  fileprivate var isLetter: Bool { [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter].contains(self) }
}
