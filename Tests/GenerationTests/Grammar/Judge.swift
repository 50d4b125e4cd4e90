import Foundation

/// JSON as Foundation reads it.
indirect enum JSON: Decodable, Equatable {
  case null, boolean(Bool), number(Double), string(String), array([JSON]), object([String: JSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  init(_ text: String) throws {
    // Both of Foundation's readers must take it.
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
  }

  subscript(key: String) -> JSON? { if case .object(let members) = self { members[key] } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var items: [JSON]? { if case .array(let items) = self { items } else { nil } }
  var text: String? { if case .string(let text) = self { text } else { nil } }
}

/// JSON Schema's definition, word by word, for the keywords that are supported.
struct Validator {
  let document: JSON

  func accepts(_ value: JSON, _ schema: JSON) -> Bool {
    if case .boolean(let flag) = schema { return flag }
    if let pointer = schema["$ref"]?.text {
      var place = document
      for part in pointer.split(separator: "/").dropFirst() { place = place[String(part)]! }
      if !accepts(value, place) { return false }
    }
    if let values = schema["enum"]?.items, !values.contains(value) { return false }
    if let constant = schema["const"], constant != value { return false }
    if let schemas = schema["anyOf"]?.items, !schemas.contains(where: { accepts(value, $0) }) { return false }
    if let schemas = schema["oneOf"]?.items, schemas.filter({ accepts(value, $0) }).count != 1 { return false }
    if let schemas = schema["allOf"]?.items, !schemas.allSatisfy({ accepts(value, $0) }) { return false }
    if let type = schema["type"], !(type.items ?? [type]).contains(where: { hasType(value, $0.text!) }) { return false }
    switch value {
    case .string(let text):
      let count = Double(text.unicodeScalars.count)
      return count >= schema["minLength"]?.number ?? 0 && count <= schema["maxLength"]?.number ?? .infinity
    case .number(let number):
      return number >= schema["minimum"]?.number ?? -.infinity && number <= schema["maximum"]?.number ?? .infinity
        && number > schema["exclusiveMinimum"]?.number ?? -.infinity && number < schema["exclusiveMaximum"]?.number ?? .infinity
    case .array(let items):
      let count = Double(items.count)
      guard count >= schema["minItems"]?.number ?? 0, count <= schema["maxItems"]?.number ?? .infinity else { return false }
      return schema["items"].map { inner in items.allSatisfy { accepts($0, inner) } } ?? true
    case .object(let members):
      for name in schema["required"]?.items ?? [] where members[name.text!] == nil { return false }
      for (name, member) in members {
        if let inner = schema["properties"]?[name] {
          if !accepts(member, inner) { return false }
        } else if let inner = schema["additionalProperties"], !accepts(member, inner) {
          return false
        }
      }
      return true
    default: return true
    }
  }

  private func hasType(_ value: JSON, _ name: String) -> Bool {
    switch value {
    case .null: name == "null"
    case .boolean: name == "boolean"
    case .number(let number): name == "number" || (name == "integer" && number == number.rounded())
    case .string: name == "string"
    case .array: name == "array"
    case .object: name == "object"
    }
  }
}
