/// `tojson` as transformers has it: Python's `json.dumps`, which escapes nothing for HTML.
struct JinjaJSON {
  private let indent: JinjaText?
  private let comma: JinjaText, colon: JinjaText
  private let isASCII: Bool, isSorted: Bool
  private let line: Int
  /// Characters.
  private let limit: Int

  static func text(_ value: JinjaValue, _ call: JinjaCall, _ line: Int, limit: Int) throws(JinjaFailure) -> JinjaText {
    var indent: JinjaText?
    if let given = call.value(1, "indent") {
      if let text = given.text { indent = text }
      if let width = given.whole {
        guard width <= 100 else { throw JinjaFailure(.unsupported, "tojson with an indent of \(width)", line: line) }
        indent = JinjaText(String(repeating: " ", count: max(width, 0)))
      }
    }
    var comma = JinjaText(indent == nil ? ", " : ","), colon = JinjaText(": ")
    if case .list(let list)? = call.value(2, "separators"), list.items.count == 2, let first = list.items[0].text, let second = list.items[1].text {
      (comma, colon) = (first, second)
    }
    let isASCII = call.value(0, "ensure_ascii")?.isTrue == true, isSorted = call.value(3, "sort_keys")?.isTrue == true
    let writer = JinjaJSON(indent: indent, comma: comma, colon: colon, isASCII: isASCII, isSorted: isSorted, line: line, limit: limit)
    var result = JinjaText()
    try writer.write(value, 0, &result)
    return result
  }

  /// Values are not deeper than `JinjaValue.maximumNesting`.
  private func write(_ value: JinjaValue, _ level: Int, _ result: inout JinjaText) throws(JinjaFailure) {
    switch value {
    case .none: add("null", &result)
    case .boolean(let flag): add(flag ? "true" : "false", &result)
    case .integer(let number): add("\(number)", &result)
    case .float(let number): add(number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : JinjaValue.python(number), &result)
    case .text(let text): write(text, &result)
    case .list(let list):
      guard !list.items.isEmpty else { return add("[]", &result) }
      add("[", &result)
      for (index, item) in list.items.enumerated() {
        if index > 0 { result.units += comma.units }
        newLine(level + 1, &result)
        try write(item, level + 1, &result)
      }
      newLine(level, &result)
      add("]", &result)
    case .object(let object):
      guard !object.members.isEmpty else { return add("{}", &result) }
      add("{", &result)
      let members = isSorted ? object.members.sorted { $0.key < $1.key } : object.members
      for (index, member) in members.enumerated() {
        if index > 0 { result.units += comma.units }
        newLine(level + 1, &result)
        write(member.key, &result)
        result.units += colon.units
        try write(member.value, level + 1, &result)
      }
      newLine(level, &result)
      add("}", &result)
    case .undefined, .namespace, .macro, .function, .method: throw JinjaFailure("\(value.kind) is no JSON", line: line)
    }
    guard result.count <= limit else { throw JinjaFailure(.unsupported, "JSON of more than \(limit) characters", line: line) }
  }

  private func add(_ text: String, _ result: inout JinjaText) { result.units.append(contentsOf: text.unicodeScalars.lazy.map(\.value)) }

  private func newLine(_ level: Int, _ result: inout JinjaText) {
    guard let indent else { return }
    result.units.append(0x0a)
    for _ in 0..<level { result.units += indent.units }
  }

  /// A text in quotes. What comes from a message stays a message's, escapes too.
  private func write(_ text: JinjaText, _ result: inout JinjaText) {
    result.units.append(0x22)
    for (index, unit) in text.units.enumerated() {
      let flag = unit & JinjaText.untrusted, value = text.scalar(index)
      func escape(_ text: String) { result.units.append(contentsOf: text.unicodeScalars.lazy.map { $0.value | flag }) }
      switch value {
      case 0x22: escape("\\\"")
      case 0x5c: escape("\\\\")
      case 0x0a: escape("\\n")
      case 0x0d: escape("\\r")
      case 0x09: escape("\\t")
      case 0x08: escape("\\b")
      case 0x0c: escape("\\f")
      case 0..<0x20: escape(Self.hexadecimal(value))
      case 0x7f... where isASCII:
        for code in String(Unicode.Scalar(value) ?? " ").utf16 { escape(Self.hexadecimal(UInt32(code))) }
      default: result.units.append(unit)
      }
    }
    result.units.append(0x22)
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
