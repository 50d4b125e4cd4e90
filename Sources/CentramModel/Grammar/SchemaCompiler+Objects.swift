extension SchemaCompiler {
  private struct Property {
    let name: String
    let isRequired: Bool
    let term: Int
  }

  static let mostProperties = 1000

  /// Members in the order of `properties`, then those that are required and not described, then others where the schema asks for them.
  /// Without `additionalProperties` there are no others if any property is described; that is stricter than the schema.
  mutating func object(_ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    let properties = try self.properties(schema, at: path)
    var other: Int?
    switch schema["additionalProperties"] {
    case nil: other = properties.isEmpty ? try builder.anyValue() : nil
    case .boolean(false)?: other = nil
    case let value?: other = try term(value, at: path + "/additionalProperties")
    }
    if properties.isEmpty {
      guard let other else { return try builder.add(.nested(builder.literal("{}"))) }
      return try builder.object(key: builder.string(), value: other)
    }
    let rest = try members(properties, other)
    return try builder.add(.nested(builder.sequence(builder.literal("{"), rest)))
  }

  private mutating func properties(_ schema: SchemaObject, at path: String) throws(GenerationError) -> [Property] {
    var required: [String] = []
    if let value = schema["required"] {
      guard case .array(let items) = value else { throw failure(path, "required is an array of names") }
      for item in items {
        guard case .string(let name) = item else { throw failure(path, "required is an array of names") }
        if !required.contains(name) { required.append(name) }
        guard required.count <= Self.mostProperties else { throw failure(path, "more than \(Self.mostProperties) required properties") }
      }
    }
    var result: [Property] = []
    if let value = schema["properties"] {
      guard case .object(let members) = value else { throw failure(path, "properties is an object of schemas") }
      guard members.count <= Self.mostProperties else { throw failure(path, "\(members.count) properties: at most \(Self.mostProperties)") }
      for member in members {
        let term = try term(member.value, at: "\(path)/properties/\(member.key.prefix(100))")
        result.append(Property(name: member.key, isRequired: required.contains(member.key), term: term))
      }
    }
    let described = Set(result.map(\.name))
    for name in required where !described.contains(name) {
      if schema["additionalProperties"] == .boolean(false) {
        throw failure(path, "\"\(name.prefix(60))\" is required, but neither among properties nor allowed by additionalProperties")
      }
      let other = schema["additionalProperties"] ?? .boolean(true)
      result.append(Property(name: name, isRequired: true, term: try term(other, at: path + "/additionalProperties")))
    }
    return result
  }

  /// What stands after `{`, made from the end: what follows a member, and what may come where none stands yet.
  private mutating func members(_ properties: [Property], _ other: Int?) throws(GenerationError) -> Int {
    let close = try builder.literal("}"), comma = try builder.separator(","), colon = try builder.separator(":")
    var following = close, first = close
    if let other {
      let member = try builder.sequence(builder.string(otherThan: properties.map(\.name)), colon, other)
      following = try builder.sequence(builder.repeated(builder.sequence(comma, member)), close)
      first = try builder.choice([close, builder.sequence(member, following)])
    }
    for property in properties.reversed() {
      let member = try builder.sequence(builder.literal(OrderedJSON.quoted(property.name)), colon, property.term, following)
      let next = try builder.sequence(comma, member)
      first = property.isRequired ? member : try builder.choice([member, first])
      following = property.isRequired ? next : try builder.choice([next, following])
    }
    return first
  }
}
