import CentramModel

/// Schemas that together use every keyword.
enum Schemas {
  static let all: [String] = [
    ##"{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":130}},"required":["name","age"],"additionalProperties":false}"##,
    ##"{"type":"object","properties":{"a":{"type":"string","maxLength":3},"b":{"type":"boolean"},"c":{"type":"null"}},"required":["b"]}"##,
    ##"{"type":"object","properties":{"a":{"const":1},"ab":{"const":2},"é":{"const":3}},"required":["z"],"additionalProperties":{"type":"integer"}}"##,
    ##"{"type":"object","additionalProperties":{"type":"boolean"}}"##,
    ##"{"type":"object","properties":{},"additionalProperties":false}"##,
    ##"{"type":"array","items":{"type":["string","null","number"]},"minItems":2,"maxItems":4}"##,
    ##"{"type":"array","maxItems":0}"##,
    ##"{"type":"array","items":{"type":"array","items":{"type":"integer"},"minItems":1}}"##,
    ##"{"type":"string","minLength":3,"maxLength":5}"##,
    ##"{"type":"integer","minimum":-7,"exclusiveMaximum":1203}"##,
    ##"{"type":"integer","exclusiveMinimum":-1000.5,"maximum":-88.2}"##,
    ##"{"enum":["red","redder","green","",1,1.5,-3,null,true,{"a":[1,"x"],"b":{}},[]]}"##,
    ##"{"type":"string","enum":["yes","no",3]}"##,
    ##"{"const":{"kind":"fixed","values":[1,2.25,"\"quoted\"\n"]}}"##,
    ##"{"anyOf":[{"type":"integer"},{"type":"number"},{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}]}"##,
    ##"{"oneOf":[{"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"]},{"type":"object","properties":{"kind":{"enum":["square","box"]},"side":{"type":"integer","minimum":1}},"required":["kind"]}]}"##,
    ##"{"allOf":[{"type":"boolean"}],"title":"a flag","description":"…"}"##,
    ##"{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"value":{"type":"integer","minimum":0,"maximum":9},"children":{"type":"array","items":{"$ref":"#/$defs/tree"},"maxItems":2}},"required":["value"]}}}"##,
    ##"{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"],"additionalProperties":false}"##,
    ##"{"$ref":"#/definitions/a","definitions":{"a":{"anyOf":[{"type":"string","maxLength":2},{"type":"array","items":{"$ref":"#/definitions/a"},"minItems":1}]}}}"##,
    ##"{"properties":{"free":true},"required":["free"]}"##,
    ##"{"type":["array","object","boolean"],"maxItems":2,"properties":{"p":{"type":"string"}},"additionalProperties":true}"##,
    "true", "{}",
  ]

  /// All bytes, and pieces as a tokenizer has them: some end inside a character, some span several parts of JSON.
  private static let pieces: [String] = [
    "{\"", "\":", "\": ", "\",", "\", \"", "\"}", "}", "]", "],", "[[", "true", "false", "null", "tr", "name", "age", "\"name\": \"", "1", "12", "120", "-", "0.5", "e+1",
    "kind", "circle", "square", "value", "children", " ", "  ", "\n", "é", "🙂", "\\u", "\\n", "\\\"", "ab", "abc", "red", "redder", "}}", "}]", ", ", "next", "{\"next\":",
  ]
  private static let cut: [[UInt8]] = [[0xf0, 0x9f], [0x99, 0x82], [0xc3], []]
  static let tokens: [[UInt8]] = (0...255).map { [UInt8($0)] } + pieces.map { Array($0.utf8) } + cut
  static let tree = TokenTree(tokens)
  static let end = Int32(tokens.count - 1)

  static func grammar(_ schema: String) throws -> JSONGrammar { try JSONGrammar(schema: Array(schema.utf8)) }
  static func matcher(_ grammar: JSONGrammar) -> GrammarMatcher { GrammarMatcher(grammar, tokens: tree, endTokens: [end]) }
  static func constraint(_ schema: String) throws -> GrammarConstraint { try GrammarConstraint(matcher(grammar(schema))) }

  /// Whether the grammar takes a text, byte by byte, and lets it end.
  static func accepts(_ schema: String, _ text: String) throws -> Bool {
    var constraint = try constraint(schema)
    for byte in text.utf8 { do { try constraint.accept(Int32(byte)) } catch { return false } }
    return try constraint.isComplete
  }
}
