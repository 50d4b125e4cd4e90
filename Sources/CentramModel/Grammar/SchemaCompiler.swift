/// Turns a JSON schema into a grammar. A text of the grammar satisfies the schema; not every value that satisfies it can be written.
struct SchemaCompiler {
  let document: OrderedJSON
  var builder = GrammarBuilder()
  /// Terms of schemas that `$ref` names, by their pointers.
  private var referred: [String: Int] = [:]
  private var waiting: [(schema: OrderedJSON, pointer: String, term: Int)] = []

  /// Those that say nothing about a value.
  static let annotations: Set = ["$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"]
  static let objectKeywords: Set = ["properties", "required", "additionalProperties"]
  static let arrayKeywords: Set = ["items", "minItems", "maxItems"]
  static let stringKeywords: Set = ["minLength", "maxLength"]
  static let numberKeywords: Set = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
  static let alternatives: Set = ["anyOf", "oneOf", "allOf"]
  static let keywords = annotations.union(objectKeywords).union(arrayKeywords).union(stringKeywords).union(numberKeywords).union(alternatives)
    .union(["type", "enum", "const", "$ref"])

  init(_ document: OrderedJSON) { self.document = document }

  mutating func compile() throws(GenerationError) -> ByteGrammar {
    let root = try reference("#", at: "#")
    // Schemas that are named wait here, so a chain of names does not deepen the stack.
    while let next = waiting.popLast() { builder.define(next.term, as: try term(next.schema, at: next.pointer)) }
    return try ByteGrammar(builder, root: root)
  }

  func failure(_ path: String, _ message: String) -> GenerationError { GenerationError(.schema, "schema \(path): \(message)") }

  /// The term of any schema.
  mutating func term(_ schema: OrderedJSON, at path: String) throws(GenerationError) -> Int {
    switch schema {
    case .boolean(true): return try builder.anyValue()
    case .boolean(false): return try builder.add(.choice([]))
    case .object(let members):
      let object = SchemaObject(members)
      for member in members where !Self.keywords.contains(member.key) {
        throw failure(path, "the keyword \"\(member.key.prefix(60))\" is not supported; supported are \(JSONGrammar.supportedKeywords.joined(separator: ", "))")
      }
      return try term(object, at: path)
    default: throw failure(path, "a schema is an object, true or false")
    }
  }

  private mutating func term(_ schema: SchemaObject, at path: String) throws(GenerationError) -> Int {
    if let name = schema["$ref"] {
      guard case .string(let pointer) = name else { throw failure(path, "$ref is a string such as \"#/$defs/name\"") }
      try requireNoOther(than: ["$ref"], in: schema, at: path)
      return try reference(pointer, at: path)
    }
    if let values = schema["enum"] {
      guard case .array(let items) = values, !items.isEmpty else { throw failure(path, "enum is an array of at least one value") }
      return try constants(items, schema, at: path)
    }
    if let value = schema["const"] { return try constants([value], schema, at: path) }
    for keyword in Self.alternatives.sorted() {
      guard let value = schema[keyword] else { continue }
      guard case .array(let items) = value, !items.isEmpty else { throw failure(path, "\(keyword) is an array of at least one schema") }
      try requireNoOther(than: [keyword], in: schema, at: path)
      return try alternatives(keyword, items, at: path + "/" + keyword)
    }
    return try typed(schema, at: path)
  }

  func requireNoOther(than allowed: Set<String>, in schema: SchemaObject, at path: String) throws(GenerationError) {
    for name in schema.names where !allowed.contains(name) && !Self.annotations.contains(name) {
      throw failure(path, "\"\(name)\" beside \(allowed.sorted()[0]) is not supported; put both into one schema")
    }
  }

  private mutating func alternatives(_ keyword: String, _ items: [OrderedJSON], at path: String) throws(GenerationError) -> Int {
    if keyword == "allOf", items.count > 1 { throw failure(path, "allOf with more than one schema is not supported; write them as one") }
    if keyword == "oneOf" {
      let kinds = try items.enumerated().map { index, item throws(GenerationError) in try shape(item, at: "\(path)/\(index)") }
      for (index, kind) in kinds.enumerated() {
        for (other, second) in kinds[..<index].enumerated() where !kind.excludes(second) {
          throw failure(path, "a value may satisfy both \(other) and \(index), and oneOf forbids that; use anyOf, or give both a required property with other const values")
        }
      }
    }
    var terms: [Int] = []
    for (index, item) in items.enumerated() { terms.append(try term(item, at: "\(path)/\(index)")) }
    return try builder.choice(terms)
  }

  // MARK: references

  private mutating func reference(_ pointer: String, at path: String) throws(GenerationError) -> Int {
    if let known = referred[pointer] { return known }
    let schema = try resolve(pointer, at: path)
    let term = try builder.reserve()
    referred[pointer] = term
    waiting.append((schema, pointer, term))
    return term
  }

  /// What a JSON pointer (RFC 6901) in this document names.
  func resolve(_ pointer: String, at path: String) throws(GenerationError) -> OrderedJSON {
    let parts = pointer.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.first == "#" else {
      throw failure(path, "$ref \"\(pointer.prefix(100))\": only references within this document, such as \"#/$defs/name\", are supported")
    }
    var place = document
    for part in parts.dropFirst() {
      let key = part.replacing("~1", with: "/").replacing("~0", with: "~")
      switch place {
      case .object(let members):
        guard let member = members.first(where: { $0.key == key }) else { throw failure(path, "$ref \"\(pointer.prefix(100))\": there is no such part") }
        place = member.value
      case .array(let items):
        guard let index = Int(key), items.indices.contains(index) else { throw failure(path, "$ref \"\(pointer.prefix(100))\": there is no such part") }
        place = items[index]
      default: throw failure(path, "$ref \"\(pointer.prefix(100))\": there is no such part")
      }
    }
    return place
  }
}

/// The keywords of a schema.
struct SchemaObject {
  let names: [String]
  private let values: [String: OrderedJSON]

  init(_ members: [OrderedJSON.Member]) {
    names = members.map(\.key)
    values = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
  }

  subscript(name: String) -> OrderedJSON? { values[name] }
  func hasAny(_ keywords: Set<String>) -> Bool { names.contains { keywords.contains($0) } }
}
