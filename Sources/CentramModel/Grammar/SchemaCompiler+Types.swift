extension SchemaCompiler {
  /// JSON Schema's types; a number that is whole is an integer too.
  enum Kind: String, CaseIterable { case object, array, string, number, integer, boolean, null }

  /// The types that a schema names; without `type`, those that its keywords speak of; nil where it speaks of none.
  func kinds(_ schema: SchemaObject, at path: String) throws(GenerationError) -> [Kind]? {
    func kind(_ value: OrderedJSON) throws(GenerationError) -> Kind {
      guard case .string(let name) = value, let kind = Kind(rawValue: name) else {
        throw failure(path, "type is one of \(Kind.allCases.map(\.rawValue).joined(separator: ", ")), or an array of them")
      }
      return kind
    }
    switch schema["type"] {
    case nil:
      if schema.hasAny(Self.objectKeywords) { return [.object] }
      if schema.hasAny(Self.arrayKeywords) { return [.array] }
      if schema.hasAny(Self.stringKeywords) { return [.string] }
      return schema.hasAny(Self.numberKeywords) ? [.integer] : nil
    case .array(let items)?:
      guard !items.isEmpty else { throw failure(path, "type is an empty array") }
      return try items.map(kind)
    case let value?: return [try kind(value)]
    }
  }

  mutating func typed(_ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    guard let kinds = try kinds(schema, at: path) else { return try builder.anyValue() }
    var terms: [Int] = []
    for kind in kinds {
      switch kind {
      case .object: terms.append(try object(schema, at: path))
      case .array: terms.append(try array(schema, at: path))
      case .string:
        let (least, most) = try limits("minLength", "maxLength", schema, at: path)
        terms.append(try builder.string(least, most))
      case .number:
        // Bounds on fractions would need a grammar of their own.
        guard !schema.hasAny(Self.numberKeywords) else {
          throw failure(path, "minimum and maximum are supported for \"type\": \"integer\" alone; leave them out for numbers, or use enum")
        }
        terms.append(try builder.number())
      case .integer: terms.append(try integer(schema, at: path))
      case .boolean: terms.append(try builder.choice([builder.literal("true"), builder.literal("false")]))
      case .null: terms.append(try builder.literal("null"))
      }
    }
    return try builder.choice(terms)
  }

  private mutating func integer(_ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    let most = 999_999_999_999_999.0
    var (least, greatest) = (-most, most)
    for keyword in Self.numberKeywords.sorted() {
      guard let value = schema[keyword] else { continue }
      guard case .number(let bound) = value else { throw failure(path, "\(keyword) is a number") }
      switch keyword {
      case "minimum": least = max(least, bound.rounded(.up))
      case "exclusiveMinimum": least = max(least, bound.rounded(.down) + 1)
      case "maximum": greatest = min(greatest, bound.rounded(.down))
      default: greatest = min(greatest, bound.rounded(.up) - 1)
      }
    }
    guard least <= greatest else { throw failure(path, "no integer of up to fifteen digits is within the limits") }
    return least == -most && greatest == most ? try builder.integer() : try builder.integer(in: Int(least)...Int(greatest))
  }

  private mutating func array(_ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    let (least, most) = try limits("minItems", "maxItems", schema, at: path)
    let item = try term(schema["items"] ?? .boolean(true), at: path + "/items")
    return try builder.array(of: item, least, most)
  }

  /// Most that `minLength` and the like may say.
  private static let mostCount = 1_000_000

  func limits(_ least: String, _ most: String, _ schema: SchemaObject, at path: String) throws(GenerationError) -> (least: Int, most: Int?) {
    func count(_ keyword: String) throws(GenerationError) -> Int? {
      guard let value = schema[keyword] else { return nil }
      guard case .number(let number) = value, number >= 0, number == number.rounded(), number <= Double(Self.mostCount) else {
        throw failure(path, "\(keyword) is a whole number from 0 to \(Self.mostCount)")
      }
      return Int(number)
    }
    let low = try count(least) ?? 0, high = try count(most)
    if let high, high < low { throw failure(path, "\(least) \(low) is more than \(most) \(high)") }
    return (low, high)
  }
}
