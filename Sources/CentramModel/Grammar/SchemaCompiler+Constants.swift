extension SchemaCompiler {
  static let mostConstants = 2000

  /// Any of these values that `type` allows.
  mutating func constants(_ values: [OrderedJSON], _ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    guard values.count <= Self.mostConstants else { throw failure(path, "enum has \(values.count) values: at most \(Self.mostConstants)") }
    let keyword = schema["enum"] == nil ? "const" : "enum"
    try requireNoOther(than: [keyword, "type"], in: schema, at: path)
    var allowed = values
    if schema["type"] != nil, let kinds = try kinds(schema, at: path) { allowed = values.filter { value in kinds.contains { $0.includes(value) } } }
    guard !allowed.isEmpty else { throw failure(path, "no value of \(keyword) has the type that the schema asks for") }
    var terms: [Int] = [], texts: [[UInt8]] = []
    for value in allowed {
      let term = try builder.constant(value)
      if case .literal(let text) = builder.terms[term] { texts.append(text) } else { terms.append(term) }
    }
    if !texts.isEmpty { terms.append(try builder.oneOf(texts)) }
    return try builder.choice(terms)
  }

  /// What is known of the values that satisfy a schema: enough to see that no value satisfies two.
  struct Shape {
    /// nil: any.
    var kinds: Set<Kind>?
    /// nil: not a list of values.
    var values: [OrderedJSON]?
    /// Values that required members must have.
    var members: [String: [OrderedJSON]] = [:]

    func excludes(_ other: Shape) -> Bool {
      if let values, let others = other.values, !values.contains(where: { value in others.contains { $0.isSame(as: value) } }) { return true }
      if let kinds, let others = other.kinds, kinds.flatMap(\.covered).allSatisfy({ !others.flatMap(\.covered).contains($0) }) { return true }
      guard kinds == [.object], other.kinds == [.object] else { return false }
      return members.contains { name, values in
        other.members[name].map { others in !values.contains { value in others.contains { $0.isSame(as: value) } } } ?? false
      }
    }
  }

  func shape(_ schema: OrderedJSON, at path: String, references: Int = 0) throws(GenerationError) -> Shape {
    guard case .object(let members) = schema else { return Shape() }
    let object = SchemaObject(members)
    if case .string(let pointer)? = object["$ref"], references < 100 { return try shape(resolve(pointer, at: path), at: path, references: references + 1) }
    if case .array(let items)? = object["allOf"], items.count == 1 { return try shape(items[0], at: path, references: references + 1) }
    if let values = Self.values(object) { return Shape(kinds: Set(values.map(Kind.init(of:))), values: values) }
    // Without `type` a schema allows all that its keywords do not speak of.
    guard object["type"] != nil, let kinds = try kinds(object, at: path) else { return Shape() }
    var result = Shape(kinds: Set(kinds))
    guard case .object(let properties)? = object["properties"], case .array(let required)? = object["required"] else { return result }
    for property in properties where required.contains(.string(property.key)) {
      if case .object(let inner) = property.value, let values = Self.values(SchemaObject(inner)) { result.members[property.key] = values }
    }
    return result
  }

  private static func values(_ schema: SchemaObject) -> [OrderedJSON]? {
    if case .array(let items)? = schema["enum"] { return items }
    return schema["const"].map { [$0] }
  }
}

extension SchemaCompiler.Kind {
  init(of value: OrderedJSON) {
    switch value {
    case .null: self = .null
    case .boolean: self = .boolean
    case .number(let number): self = number == number.rounded() ? .integer : .number
    case .string: self = .string
    case .array: self = .array
    case .object: self = .object
    }
  }

  func includes(_ value: OrderedJSON) -> Bool { self == Self(of: value) || (self == .number && Self(of: value) == .integer) }

  /// Without overlaps between kinds.
  var covered: [Self] { self == .number ? [.number, .integer] : [self] }
}

extension OrderedJSON {
  /// Equal as JSON Schema has it: the order of members does not matter.
  func isSame(as other: OrderedJSON) -> Bool {
    switch (self, other) {
    case (.array(let mine), .array(let theirs)): return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.isSame(as: $1) }
    case (.object(let mine), .object(let theirs)):
      return mine.count == theirs.count
        && mine.allSatisfy { member in theirs.contains { $0.key == member.key && $0.value.isSame(as: member.value) } }
    default: return self == other
    }
  }
}
