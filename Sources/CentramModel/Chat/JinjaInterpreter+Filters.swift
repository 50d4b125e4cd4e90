extension JinjaInterpreter {
  mutating func filter(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    try made(try filtered(name, value, call, line), line)
  }

  private mutating func filtered(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    switch name {
    case "default", "d":
      let isMissing: Bool
      if case .undefined = value { isMissing = true } else { isMissing = call.value(1, "boolean")?.isTrue == true && !value.isTrue }
      return isMissing ? call.value(0, "default_value") ?? .text(JinjaText()) : value
    case "tojson": return .text(try JinjaJSON.text(value, call, line, limit: maximumText))
    case "trim", "upper", "lower", "title", "capitalize", "replace", "string", "indent", "safe": return .text(try textFilter(name, value, call, line))
    case "int", "float", "abs": return try numberFilter(name, value, call, line)
    case "length", "count":
      switch value {
      case .text(let text): return .integer(text.count)
      case .list(let list): return .integer(list.items.count)
      case .object(let object): return .integer(object.members.count)
      case .undefined: return .integer(0)
      default: throw JinjaFailure("\(value.kind) has no length", line: line)
      }
    case "items":
      if case .undefined = value { return .items([]) }
      guard case .object(let object) = value else { throw JinjaFailure("items of \(value.kind)", line: line) }
      return Self.items(object)
    case "dictsort":
      guard case .object(let object) = value, call.positional.isEmpty, call.named.isEmpty else {
        throw JinjaFailure(.unsupported, "dictsort of \(value.kind), or with arguments", line: line)
      }
      let members = object.members.sorted { $0.key.lowercased < $1.key.lowercased }
      return .items(members.map { .items([.text($0.key), $0.value], isTuple: true) })
    default: return try listFilter(name, value, call, line)
    }
  }

  private mutating func textFilter(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaText {
    try charge(text: value.weight, line)
    let text = value.printed
    switch name {
    case "trim": return text.stripped(call.text(0, "chars"))
    case "upper": return text.uppercased
    case "lower": return text.lowercased
    case "title": return text.wordsCapitalized
    case "capitalize": return text.titled(words: false)
    case "replace":
      guard let old = call.value(0, "old")?.printed, let new = call.value(1, "new")?.printed else { throw JinjaFailure("replace takes two texts", line: line) }
      return try replaced(text, old, new, call.value(2, "count")?.whole, line)
    case "indent":
      let space: JinjaText
      if let given = call.text(0, "width") {
        space = given
      } else {
        let width = call.value(0, "width")?.whole ?? 4
        guard (0...1000).contains(width) else { throw JinjaFailure(.unsupported, "an indent of \(width)", line: line) }
        space = JinjaText(String(repeating: " ", count: width))
      }
      return try indented(text, space, first: call.value(1, "first")?.isTrue == true, blank: call.value(2, "blank")?.isTrue == true, line)
    default: return text
    }
  }

  private mutating func indented(_ text: JinjaText, _ space: JinjaText, first: Bool, blank: Bool, _ line: Int) throws(JinjaFailure) -> JinjaText {
    var result = JinjaText()
    for (index, row) in (text + JinjaText("\n")).lines().enumerated() {
      if index > 0 { result.units.append(0x0a) }
      if index > 0 ? blank || !row.isEmpty : first { result.units += space.units }
      result.units += row.units
      try limit(result.count, line)
    }
    return result
  }

  private func numberFilter(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let text = value.text?.stripped().string
    switch name {
    case "int":
      if let whole = value.whole { return .integer(whole) }
      if let text, let whole = Int(text) { return .integer(whole) }
      if let number = value.number ?? text.flatMap(Double.init), let whole = Int(exactly: number.rounded(.towardZero)) { return .integer(whole) }
      return call.value(0, "default") ?? .integer(0)
    case "float": return (value.number ?? text.flatMap(Double.init)).map { .float($0) } ?? call.value(0, "default") ?? .float(0)
    default:
      if let whole = value.whole, whole != .min { return .integer(abs(whole)) }
      guard let number = value.number else { throw JinjaFailure("abs of \(value.kind)", line: line) }
      return .float(abs(number))
    }
  }

  private mutating func listFilter(_ name: String, _ value: JinjaValue, _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let known = ["first", "last", "list", "join", "reverse", "sort", "unique", "map", "select", "reject", "selectattr", "rejectattr", "sum", "min", "max"]
    guard known.contains(name) else { throw JinjaFailure(.unsupported, "the filter \(name.prefix(40)) is not supported", line: line) }
    let items = try elements(value, line)
    try charge(items.count, line)
    switch name {
    case "first": return items.first ?? .undefined("the first of nothing")
    case "last": return items.last ?? .undefined("the last of nothing")
    case "list": return .items(items)
    case "reverse":
      if case .text(let text) = value { return .text(JinjaText(units: text.units.reversed())) }
      return .items(items.reversed())
    case "join":
      let parts = try call.value(1, "attribute").map { (key) throws(JinjaFailure) in try members(items, key, line) } ?? items
      return .text(try joined(parts, call.value(0, "d")?.printed ?? JinjaText(), line))
    case "map": return .items(try mapped(items, call, line))
    case "select", "reject", "selectattr", "rejectattr": return .items(try selected(name, items, call, line))
    case "unique":
      // Without a difference in case.
      var kept: [JinjaValue] = [], keys: [JinjaValue] = []
      for item in items {
        let key = item.text.map { .text($0.lowercased) } ?? item
        try charge(kept.count * (1 + item.weight / 64), line)
        guard !keys.contains(where: { JinjaValue.isEqual($0, key) }) else { continue }
        keys.append(key)
        kept.append(item)
      }
      return .items(kept)
    case "sum":
      var total = JinjaValue.integer(0)
      for item in try call.value(0, "attribute").map({ (key) throws(JinjaFailure) in try members(items, key, line) }) ?? items {
        total = try Self.arithmetic("+", total, item, line)
      }
      return total
    default: return try sorted(name, items, call, line)
    }
  }

  private mutating func sorted(_ name: String, _ items: [JinjaValue], _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    let keys = try call.value(2, "attribute").map { (key) throws(JinjaFailure) in try members(items, key, line) } ?? items
    // Jinja compares without case unless told otherwise.
    let isCased = call.value(1, "case_sensitive")?.isTrue == true
    let texts = keys.compactMap(\.text).map { isCased ? $0 : $0.lowercased }, numbers = keys.compactMap(\.number)
    guard texts.count == items.count || numbers.count == items.count else { throw JinjaFailure("\(name) of values that have no order", line: line) }
    try charge(items.count * 8, line)
    func precedes(_ first: Int, _ second: Int) -> Bool { texts.count == items.count ? texts[first] < texts[second] : numbers[first] < numbers[second] }
    let isReversed = name == "sort" && call.value(0, "reverse")?.isTrue == true
    var order = Array(items.indices)
    // Equal ones stay in their order.
    order.sort { isReversed ? precedes($1, $0) || !precedes($0, $1) && $0 < $1 : precedes($0, $1) || !precedes($1, $0) && $0 < $1 }
    switch name {
    case "min": return order.first.map { items[$0] } ?? .undefined("the least of nothing")
    case "max": return order.last.map { items[$0] } ?? .undefined("the most of nothing")
    default: return .items(order.map { items[$0] })
    }
  }

  /// The members of that name, or place, one of each item; `a.b` is a member's member. `standard` takes the place of what is undefined.
  private func members(_ items: [JinjaValue], _ key: JinjaValue, _ line: Int, standard: JinjaValue? = nil) throws(JinjaFailure) -> [JinjaValue] {
    let path = key.text.map { $0.split(JinjaText(".")).map { part in Int(part.string).map { .integer($0) } ?? JinjaValue.text(part) } } ?? [key]
    var result: [JinjaValue] = []
    for var item in items {
      for part in path {
        item = try self.item(item, part, line)
        if let standard, case .undefined = item { item = standard }
      }
      result.append(item)
    }
    return result
  }

  private mutating func mapped(_ items: [JinjaValue], _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> [JinjaValue] {
    if let key = call.named.first(where: { $0.name == "attribute" })?.value {
      return try members(items, key, line, standard: call.named.first { $0.name == "default" }?.value)
    }
    guard let name = call.text(0, "") else { throw JinjaFailure("map takes a filter's name, or an attribute", line: line) }
    let rest = JinjaCall(positional: Array(call.positional.dropFirst()), named: call.named)
    var result: [JinjaValue] = []
    for item in items { result.append(try deeper(line) { (this) throws(JinjaFailure) in try this.filter(name.string, item, rest, line) }) }
    return result
  }

  private mutating func selected(_ name: String, _ items: [JinjaValue], _ call: JinjaCall, _ line: Int) throws(JinjaFailure) -> [JinjaValue] {
    var rest = call.positional, keys = items
    if name.hasSuffix("attr") {
      guard let key = rest.first else { throw JinjaFailure("\(name) takes an attribute", line: line) }
      keys = try members(items, key, line)
      rest.removeFirst()
    }
    let wanted = name.hasPrefix("select")
    var kept: [JinjaValue] = []
    for (item, key) in zip(items, keys) {
      let holds =
        try rest.first?.text.map { (test) throws(JinjaFailure) in
          try self.test(test.string, key, JinjaCall(positional: Array(rest.dropFirst())), line)
        } ?? key.isTrue
      if holds == wanted { kept.append(item) }
    }
    return kept
  }
}
