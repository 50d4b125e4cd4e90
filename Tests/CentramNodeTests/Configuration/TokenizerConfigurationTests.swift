import CentramNode
import Testing

@Suite struct TokenizerConfigurationTests {
  @Test func readsTheShortForm() throws {
    #expect(try parsed(linearConfiguration("tokenizer_source: union")).tokenizer?.source == .union)
    #expect(try parsed(linearConfiguration("base_model: a\ntokenizer_source: base")).tokenizer?.source == .base)
    #expect(try parsed(linearConfiguration("tokenizer_source: some/model")).tokenizer?.source == .model(.init(path: "some/model")))
  }

  @Test func readsTokensAndPadding() throws {
    let yaml = linearConfiguration(
      """
      tokenizer:
        source: {model: {path: b}}
        pad_to_multiple_of: 64
        tokens:
          "<a>": {source: a}
          "<b>": {source: {kind: zero}, force: true}
          "<c>": {source: {kind: model_token, model: a, token: "</s>"}}
          "<d>": {source: {kind: model_token, model: a+l, token_id: 0}}
          "<e>": {source: {model: {path: b}}}
          5:
      """)
    let tokenizer = try #require(try parsed(yaml).tokenizer)
    let a = ModelReference(path: "a"), b = ModelReference(path: "b")
    #expect(tokenizer.source == .model(b))
    #expect(tokenizer.padToMultipleOf == 64)
    #expect(tokenizer.tokens.map(\.text) == ["<a>", "<b>", "<c>", "<d>", "<e>", "5"])
    #expect(tokenizer.tokens.map(\.source) == [.model(a), .zero, .token("</s>", a), .row(0, .init(path: "a", adapter: "l")), .model(b), nil])
    #expect(tokenizer.tokens.map(\.isForced) == [false, true, false, false, false, false])
  }

  @Test func withoutASourceItIsTheUnion() throws {
    #expect(try parsed(linearConfiguration("tokenizer: {pad_to_multiple_of: 8}")).tokenizer?.source == .union)
  }

  @Test(arguments: [
    ("tokenizer: union", "write tokenizer: {source: union}"), ("tokenizer_source: base", "needs a base_model"),
    ("tokenizer: {pad_to_multiple_of: 0}", "0 is outside 1 to"), ("tokenizer: {pad_to_multiple_of: 1048577}", "is outside"),
    ("tokenizer: {pad_to_multiple_of: 1.5}", "a whole number"),
    ("tokenizer: {tokens: {x: {source: {kind: zeros}}}}", "did you mean zero?"), ("tokenizer: {tokens: {x: {source: {kind: zero, token: a}}}}", "takes nothing else"),
    ("tokenizer: {tokens: {x: {source: {kind: model_token, model: a}}}}", "one of token or token_id is missing"),
    ("tokenizer: {tokens: {x: {source: {kind: model_token, token: a}}}}", "model is missing"),
    ("tokenizer: {tokens: {x: {source: {kind: model_token, model: a, token: b, token_id: 1}}}}", "there is token already"),
    ("tokenizer: {tokens: {x: {source: {kind: model_token, model: a, token_id: -1}}}}", "-1 is outside"),
    ("tokenizer: {tokens: {x: {source: {token: a, model: b}}}}", "kind is missing"),
    ("tokenizer: {tokens: {x: {force: true}}}", "force needs a source"), ("tokenizer: {tokens: {x: {source: a, force: 1}}}", "true or false"),
    ("tokenizer: {tokens: {x: a}}", "a mapping with source and force"), ("tokenizer: {tokens: [x]}", "a mapping of tokens"), ("tokenizer: {tokens: {'': {}}}", "an empty token"),
  ])
  func wrongTokenizersAreErrors(_ yaml: String, _ message: String) { expectParseError(linearConfiguration(yaml), "merge.yml:7:", message) }
}
