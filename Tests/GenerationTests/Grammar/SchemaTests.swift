import CentramModel
import Testing

@Suite struct SchemaTests {
  private func refusal(_ schema: String) -> GenerationError? {
    do { _ = try Schemas.grammar(schema) } catch let error as GenerationError { return error } catch {}
    return nil
  }

  @Test(arguments: [
    (Schemas.all[0], #"{"name": "Ann","age":30}"#, true), (Schemas.all[0], #"{"age":30,"name":"Ann"}"#, false), (Schemas.all[0], #"{"name":"Ann"}"#, false),
    (Schemas.all[0], #"{"name":"Ann","age":131}"#, false), (Schemas.all[0], #"{"name":"Ann","age":030}"#, false), (Schemas.all[0], #"{ "name":"Ann","age":30}"#, false),
    (Schemas.all[1], #"{"b":true}"#, true), (Schemas.all[1], #"{"a":"xyz","b":false,"c":null}"#, true), (Schemas.all[1], #"{"a":"wxyz","b":false}"#, false),
    (Schemas.all[1], #"{"a":"\u00e9\n\ud83d\ude42","b":false}"#, true), (Schemas.all[1], #"{"a":"\ud83d","b":false}"#, false), (Schemas.all[1], #"{"b":true,"d":1}"#, false),
    (Schemas.all[2], #"{"a":1,"ab":2,"z":0,"abc":5}"#, true), (Schemas.all[2], #"{"z":0,"ab":5}"#, false), (Schemas.all[2], #"{"z":0,"b":5,"c":6}"#, true),
    (Schemas.all[5], #"["a",null,1.5e3]"#, true), (Schemas.all[5], #"["a"]"#, false), (Schemas.all[5], #"[1,2,3,4,5]"#, false), (Schemas.all[5], #"[true,1]"#, false),
    (Schemas.all[8], #""🙂🙂🙂""#, true), (Schemas.all[8], #""ab""#, false), (Schemas.all[8], #""abcdef""#, false),
    (Schemas.all[11], #""redder""#, true), (Schemas.all[11], #""redd""#, false), (Schemas.all[11], #"{"a": [1, "x"], "b": {}}"#, true), (Schemas.all[11], "1.5", true),
    (Schemas.all[12], "3", false), (Schemas.all[18], #"{"next":{"next":{"next":null}}}"#, true), (Schemas.all[18], #"{"next":{}}"#, false),
    ("{}", "1e5", true), ("{}", "-0.25", true), ("{}", "01", false), ("{}", "1.", false), ("{}", "\"\u{1}\"", false), ("{}", "", false),
  ]) func takesWhatItShould(schema: String, text: String, isTaken: Bool) throws {
    #expect(try Schemas.accepts(schema, text) == isTaken)
  }

  @Test func namesWhatItDoesNotSupport() throws {
    for keyword in ["pattern", "format", "not", "multipleOf", "uniqueItems", "patternProperties", "prefixItems", "minProperties", "if", "dependentRequired"] {
      let error = try #require(refusal(#"{"type":"object","properties":{"a":{"\#(keyword)":1}}}"#))
      #expect(error.code == .schema && error.message.contains("\"\(keyword)\"") && error.message.contains("additionalProperties, allOf, anyOf"))
      #expect(error.message.contains("#/properties/a"))
    }
  }

  @Test(arguments: [
    (#"{"type":"number","minimum":1}"#, "integer"), (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "anyOf"), (#"{"oneOf":[{},{"type":"null"}]}"#, "anyOf"),
    (##"{"$ref":"https://example.com/x"}"##, "within this document"), (##"{"$ref":"#/$defs/no"}"##, "no such part"), (##"{"$ref":"#"}"##, "without end"),
    (##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##, "without end"), (##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##, "nothing between"),
    (#"{"type":"integer","minimum":3,"maximum":2}"#, "limits"), (#"{"type":"string","minLength":3,"maxLength":2}"#, "more than"),
    (#"{"type":"string","maxLength":-1}"#, "whole number"),
    (#"{"enum":[]}"#, "at least one"), (#"{"type":"string","enum":[1]}"#, "type"), (#"{"type":"text"}"#, "one of"), (#"{"const":9007199254740993}"#, "2^53"),
    (#"{"type":"object","required":["a"],"additionalProperties":false}"#, "required"), ("[]", "object, true or false"), ("false", "nothing satisfies"), ("{", "not JSON"),
    (#"{"enum":[1],"minLength":2}"#, "beside"), (#"{"allOf":[{"type":"null"},{}]}"#, "one"), (#"{"type":[]}"#, "empty"), (#"{"type":"array","items":[]}"#, "object, true or false"),
    (#"{"type":"array","minItems":1.5}"#, "whole number"), (#"{"anyOf":[]}"#, "at least one"), (#"{"properties":3}"#, "object of schemas"),
    (#"{"type":"null","type":"null"}"#, "twice"),
  ]) func refusesWithASentence(schema: String, word: String) throws {
    let error = try #require(refusal(schema), "\(schema) was taken")
    #expect(error.code == .schema && error.message.contains(word), "\(error.message)")
  }

  @Test func refusesHostileSchemas() throws {
    let deep = String(repeating: #"{"type":"array","items":"#, count: 5000) + "{}" + String(repeating: "}", count: 5000)
    #expect(refusal(deep)?.message.contains("levels") == true)
    #expect(refusal("\"" + String(repeating: "a", count: 1_000_001) + "\"")?.message.contains("at most 1000000") == true)
    let many = "{\"properties\":{" + (0..<1001).map { "\"p\($0)\":{}" }.joined(separator: ",") + "}}"
    #expect(refusal(many)?.message.contains("1000") == true)
    let values = "{\"enum\":[" + (0..<2001).map { "\($0)" }.joined(separator: ",") + "]}"
    #expect(refusal(values)?.message.contains("2000") == true)
    // Long chains of names are followed without a deep stack.
    let chain = (0..<3000).map { "\"d\($0)\":{\"$ref\":\"#/$defs/d\($0 + 1)\"}" }.joined(separator: ",")
    #expect(try Schemas.accepts("{\"$ref\":\"#/$defs/d0\",\"$defs\":{\(chain),\"d3000\":{\"type\":\"null\"}}}", "null"))
    // A ring of names has no value.
    let ring = (0..<500).map { "\"d\($0)\":{\"anyOf\":[{\"$ref\":\"#/$defs/d\(($0 + 1) % 500)\"},{\"$ref\":\"#/$defs/d\(($0 + 7) % 500)\"}]}" }.joined(separator: ",")
    #expect(refusal("{\"$ref\":\"#/$defs/d0\",\"$defs\":{\(ring)}}")?.message.contains("without end") == true)
  }

  @Test func endsInsideTheLevels() throws {
    // Opens arrays as long as it may: the last ones must still be able to close.
    var constraint = try Schemas.constraint("{}")
    var depth = 0
    while try constraint.allowed().contains(0x5b) {
      try constraint.accept(0x5b)
      depth += 1
      if depth > 1000 { break }
    }
    #expect(depth == 64)
    for _ in 0..<depth { try constraint.accept(0x5d) }
    #expect(try constraint.isComplete && !constraint.canContinue)
    #expect(try constraint.allowed().tokens == [Schemas.end])
  }

  @Test func aVocabularyThatCannotGoOnIsAClearError() throws {
    let matcher = GrammarMatcher(try Schemas.grammar(#"{"const":"ab"}"#), tokens: TokenTree(["\"", "a", "c"].map { Array($0.utf8) }), endTokens: [])
    var constraint = try GrammarConstraint(matcher)
    for token: Int32 in [0, 1] { try constraint.accept(token) }
    let error = #expect(throws: GenerationError.self) { _ = try constraint.allowed() }
    #expect(error?.code == .deadEnd)
    #expect(throws: GenerationError.self) { try constraint.accept(2) }
  }

  @Test func damagedSchemasAreTakenOrRefused() throws {
    var draws = Draws(77)
    for round in 0..<3000 {
      var bytes = Array(Schemas.all[round % Schemas.all.count].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &draws) {
        let place = Int.random(in: 0..<bytes.count, using: &draws)
        switch Int.random(in: 0..<4, using: &draws) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &draws)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 9)], at: place)
        default: bytes.insert(contentsOf: ##"{"$ref":"#"}"##.utf8, at: place)
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      do throws(GenerationError) {
        var constraint = try GrammarConstraint(Schemas.matcher(JSONGrammar(schema: bytes)))
        _ = try constraint.allowed()
      } catch {
        #expect(error.code == .schema)
      }
    }
  }
}
