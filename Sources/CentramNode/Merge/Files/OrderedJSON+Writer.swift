extension OrderedJSON {
  /// The text as Python's `json.dumps(indent=2, ensure_ascii=False)` lays it out, with a newline at the end.
  func serialized() -> [UInt8] {
    var writer = Writer()
    writer.write(self, depth: 0)
    writer.text.append(0x0a)
    return writer.text
  }

  private struct Writer {
    var text: [UInt8] = []

    mutating func put(_ string: StaticString) {
      text.append(contentsOf: UnsafeBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    mutating func line(_ depth: Int) {
      text.append(0x0a)
      text.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }

    mutating func write(_ value: OrderedJSON, depth: Int) {
      switch value {
      case .null: put("null")
      case .bool(let bool): bool ? put("true") : put("false")
      case .number(let spelling): text.append(contentsOf: spelling.utf8)
      case .string(let string): write(string)
      case .array(let elements):
        guard !elements.isEmpty else { return put("[]") }
        put("[")
        for (index, element) in elements.enumerated() {
          if index > 0 { put(",") }
          line(depth + 1)
          write(element, depth: depth + 1)
        }
        line(depth)
        put("]")
      case .object(let object):
        guard !object.members.isEmpty else { return put("{}") }
        put("{")
        for (index, member) in object.members.enumerated() {
          if index > 0 { put(",") }
          line(depth + 1)
          write(member.key)
          put(": ")
          write(member.value, depth: depth + 1)
        }
        line(depth)
        put("}")
      }
    }

    mutating func write(_ string: String) {
      put("\"")
      for byte in string.utf8 {
        switch byte {
        case UInt8(ascii: "\""): put("\\\"")
        case UInt8(ascii: "\\"): put("\\\\")
        case 0x0a: put("\\n")
        case 0x0d: put("\\r")
        case 0x09: put("\\t")
        case 0..<0x20:
          put(byte < 0x10 ? "\\u000" : "\\u001")
          let digit = byte & 0xf
          text.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        default: text.append(byte)
        }
      }
      put("\"")
    }
  }
}
