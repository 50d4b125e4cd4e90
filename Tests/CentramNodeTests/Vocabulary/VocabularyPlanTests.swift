import Testing

@testable import CentramNode

@Suite struct VocabularyPlanTests {
  private func model(_ reference: String, _ tokens: [String], added: [String] = [], rows: Int? = nil) -> VocabularyModel {
    let entries = (tokens + added).enumerated().map { Vocabulary.Entry(ExactText($1), id: $0) }
    let addedTokens = added.enumerated().map { index, text in
      var token = AddedToken(ExactText(text), id: tokens.count + index)
      token.special = text.hasPrefix("<")
      return token
    }
    return VocabularyModel(
      reference: reference, folder: "/models/\(reference)", vocabulary: Vocabulary(entries: entries, addedTokens: addedTokens),
      rows: rows ?? entries.count)
  }

  private func texts(_ plan: VocabularyPlan) -> [String] { plan.entries.map(\.text.text) }

  @Test func keepsTheBasesIdsInAUnionAndAppendsTheOthersInOrderAddedTokensLast() throws {
    let models = [model("x", ["d", "a"], added: ["<x>"]), model("base", ["a", "b"], added: ["<e>"]), model("y", ["e", "d", "c"], added: ["<y>", "<x>"])]
    let plan = try VocabularyPlan(VocabularySettings(source: .union), models: models, base: 1)
    #expect(texts(plan) == ["a", "b", "<e>", "d", "e", "c", "<x>", "<y>"])
    #expect(plan.entries.map(\.id) == Array(0..<8))
    #expect(plan.addedTokens.map { "\($0.content) \($0.id) \($0.special)" } == ["<e> 2 true", "<x> 6 true", "<y> 7 true"])
    #expect(plan.pattern == 1 && !plan.keepsFiles && plan.rowCount == 8)
  }

  @Test func startsAUnionWithoutABaseWithTheFirstModel() throws {
    let plan = try VocabularyPlan(VocabularySettings(source: .union), models: [model("x", ["a"]), model("y", ["b", "a"])], base: nil)
    #expect(texts(plan) == ["a", "b"] && plan.pattern == 0)
  }

  @Test func keepsTheFilesWhereAUnionAddsNothing() throws {
    let plan = try VocabularyPlan(VocabularySettings(source: .union), models: [model("x", ["a", "b"]), model("y", ["b", "a"])], base: 0)
    #expect(plan.keepsFiles && texts(plan) == ["a", "b"])
  }

  @Test func findsControlTokensOfOtherModelsThatTheBaseHasAsOrdinaryOnes() throws {
    let models = [model("x", ["a", "<end>", "word"]), model("y", ["a"], added: ["<end>", "word"])]
    let plan = try VocabularyPlan(VocabularySettings(source: .union), models: models, base: 0)
    #expect(plan.addedTokens.map(\.content) == ["<end>"] && plan.addedTokens.map(\.id) == [1])
    #expect(!plan.keepsFiles)
  }

  @Test func leavesOutTokensOfTheBaseThatHaveNoRow() throws {
    let models = [model("x", ["a", "b", "c"], added: ["<d>"], rows: 2)]
    let plan = try VocabularyPlan(VocabularySettings(source: .base), models: models, base: 0)
    #expect(texts(plan) == ["a", "b"] && plan.addedTokens.isEmpty && !plan.keepsFiles && plan.rowCount == 2)
    let named = try VocabularyPlan(VocabularySettings(source: .model("x")), models: models, base: nil)
    #expect(named.keepsFiles)
  }

  @Test func takesTheTokensOfANamedModel() throws {
    let plan = try VocabularyPlan(VocabularySettings(source: .model("y")), models: [model("x", ["a"]), model("y", ["b", "a"])], base: 0)
    #expect(texts(plan) == ["b", "a"] && plan.pattern == 1 && plan.keepsFiles)
  }

  @Test func appendsTokensThatTheSettingsNameWithTheFlagsOfTheirOwner() throws {
    let settings = VocabularySettings(source: .base, tokens: [.init("new", source: .zero), .init("<y>"), .init("a")], padToMultipleOf: 4)
    let plan = try VocabularyPlan(settings, models: [model("x", ["a", "b"]), model("y", ["a"], added: ["<y>"])], base: 0)
    #expect(texts(plan) == ["a", "b", "new", "<y>"])
    #expect(plan.addedTokens.map(\.special) == [false, true])
    #expect(plan.rowCount == 4 && plan.id(of: "<y>") == 3)
  }

  @Test(arguments: [(1, 5), (4, 8), (5, 5), (64, 64)])
  func padsToAMultiple(_ multiple: Int, _ rows: Int) throws {
    let plan = try VocabularyPlan(VocabularySettings(padToMultipleOf: multiple), models: [model("x", ["a", "b", "c", "d", "e"])], base: 0)
    #expect(plan.rowCount == rows && plan.tokenRows == 5)
  }

  @Test func countsRowsUpToTheHighestId() throws {
    let vocabulary = Vocabulary(entries: [.init("a", id: 0), .init("b", id: 7)])
    let plan = try VocabularyPlan(
      VocabularySettings(), models: [VocabularyModel(reference: "x", folder: "x", vocabulary: vocabulary, rows: 8)], base: 0)
    #expect(plan.rowCount == 8 && plan.entries.count == 2)
  }

  @Test(arguments: [
    (VocabularySettings(source: .model("z")), "tokenizer.source is z, which is none of the merge's models: x, y"),
    (VocabularySettings(tokens: [.init("t", source: .model("z"))]), "tokenizer.tokens.t.source is z, which is none of the merge's models: x, y"),
    (VocabularySettings(tokens: [.init("t", source: .model("x"))]), "tokenizer.tokens.t: x has no row for the token \"t\""),
    (VocabularySettings(tokens: [.init("t", source: .token("q", of: "y"))]), "tokenizer.tokens.t: y has no row for the token \"q\""),
    (VocabularySettings(tokens: [.init("t", source: .id(1, of: "y"))]), "tokenizer.tokens.t: y has no row for a token with the id 1"),
    (VocabularySettings(tokens: [.init("t", source: .id(-1, of: "y"))]), "tokenizer.tokens.t: y has no row for a token with the id -1"),
    (VocabularySettings(padToMultipleOf: 0), "tokenizer.pad_to_multiple_of is 0; it must lie between 1 and 4194304"),
  ])
  func refusesSettingsThatNameWhatIsNotThere(_ settings: VocabularySettings, _ message: String) {
    #expect(throws: MergeError(.configuration, message)) {
      try VocabularyPlan(settings, models: [model("x", ["a", "b"]), model("y", ["a"])], base: 0)
    }
  }
}
