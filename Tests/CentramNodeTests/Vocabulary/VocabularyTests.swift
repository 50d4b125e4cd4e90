import Testing

@testable import CentramNode

@Suite struct VocabularyTests {
  private func read(_ text: String) throws -> Vocabulary {
    let json = try OrderedJSON(parsing: Array(text.utf8))
    return try Vocabulary(try #require(json.object), path: "tokenizer.json")
  }

  @Test func readsAFolder() throws {
    let vocabulary = try Vocabulary(folder: MergeGolden.model("llama-alttok-f32"))
    #expect(vocabulary.kind == .bpe && vocabulary.entries.count == 60 && vocabulary.idLimit == 60)
    #expect(vocabulary.id(of: ",") == 59 && vocabulary.id(of: "</s>") == 2 && vocabulary.id(of: "0") == nil)
    #expect(vocabulary.addedTokens.map(\.content) == ["</s>", "<unk>"] && !vocabulary.addedTokens.contains { !$0.special })
  }

  @Test func readsListsOfPiecesAndAddedTokensBehindThem() throws {
    let vocabulary = try read(
      #"{"model": {"vocab": [["<unk>", 0.0], ["▁a", -1.5]]}, "added_tokens": [{"id": 2, "content": "<x>", "lstrip": true, "special": true}]}"#)
    #expect(vocabulary.kind == .unigram && vocabulary.idLimit == 3)
    #expect(vocabulary.id(of: "▁a") == 1 && vocabulary.id(of: "<x>") == 2)
    #expect(vocabulary.addedTokens.first?.leftStrip == true && vocabulary.addedTokens.first?.normalized == false)
  }

  @Test func tellsTokensApartThatUnicodeCallsEquivalent() throws {
    let vocabulary = try read("{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"\u{e9}\": 0, \"e\u{301}\": 1}}}")
    #expect(vocabulary.entries.count == 2)
    #expect(vocabulary.id(of: "\u{e9}") == 0 && vocabulary.id(of: "e\u{301}") == 1)
  }

  @Test func numbersAnAddedTokenAsItsModelDoes() throws {
    let vocabulary = try read(#"{"model": {"type": "BPE", "vocab": {"<s>": 1}, "merges": []}, "added_tokens": [{"id": 9, "content": "<s>"}]}"#)
    #expect(vocabulary.addedTokens.map(\.id) == [1])
  }

  @Test(arguments: [
    "{}", #"{"model": {}}"#, #"{"model": {"type": "Magic", "vocab": {}}}"#, #"{"model": {"vocab": {"a": -1}}}"#, #"{"model": {"vocab": {"a": 1.5}}}"#,
    #"{"model": {"vocab": {"a": 4194304}}}"#, #"{"model": {"vocab": [["a"], "b"]}}"#, #"{"model": {"vocab": {}}, "added_tokens": [{"id": 1}]}"#,
    #"{"model": {"vocab": {}}, "added_tokens": [{"content": "a", "id": 99999999999}]}"#,
  ])
  func refusesDamagedFiles(_ text: String) {
    let error = #expect(throws: MergeError.self) { try read(text) }
    #expect(error?.code == .input)
  }

  @Test func namesTheWayOutWhereAModelHasNoTokenizer() throws {
    let error = #expect(throws: MergeError.self) { try Vocabulary(folder: MergeGolden.model("llama-a-f32")) }
    #expect(error?.code == .input && error?.message.contains("save_pretrained") == true)
  }
}
