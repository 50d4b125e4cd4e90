import Testing

@testable import CentramNode

@Suite struct YAMLReaderTests {
  private func read(_ text: String) throws -> ConfigurationNode {
    try YAMLReader.read(text, file: "x.yml")[0]
  }

  private func text(_ node: ConfigurationNode) -> String {
    switch node.content {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value): "#\(value)"
    case .text(let text): text
    case .list(let nodes): "[\(nodes.map(text).joined(separator: " "))]"
    case .map(let entries): "{\(entries.map { "\($0.key):\(text($0.value))" }.joined(separator: " "))}"
    }
  }

  @Test(arguments: [
    ("0", "#0.0"), ("-1", "#-1.0"), ("+2", "#2.0"), ("0.5", "#0.5"), (".5", "#0.5"), ("5.", "#5.0"), ("1e-5", "#1e-05"), ("1.5E+3", "#1500.0"),
    (".inf", "#inf"), ("-.inf", "#-inf"), (".nan", "#nan"), ("1e999", "#inf"), ("yes", "true"), ("Off", "false"), ("~", "null"), ("null", "null"), ("", "null"),
  ])
  func plainScalarsMeanWhatYAMLSays(_ yaml: String, _ expected: String) throws {
    #expect(try text(read("a: \(yaml)\n")) == "{a:\(expected)}")
  }

  @Test(arguments: ["010", "0x10", "1_000", "1:30", "1.2.3", "e5", ".", "+", "1e", "nullx", "y"])
  func whatIsNoDecimalNumberStaysText(_ yaml: String) throws {
    #expect(try text(read("{a: \(yaml) }")) == "{a:\(yaml)}")
  }

  @Test func quotedScalarsAreText() throws {
    #expect(try text(read("['1', \"true\", 'null', '', !!str 5]")) == "[1 true null  5]")
  }

  @Test func jsonIsYAML() throws {
    #expect(try text(read("{\n\t\"a\": [1, 2.5, true, null],\n\t\"b\": {\"c\": \"x\\u00e9\\/\"}\n}")) == "{a:[#1.0 #2.5 true null] b:{c:xé/}}")
  }

  @Test func aliasesStandForTheirAnchor() throws {
    #expect(try text(read("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n")) == "{a:{p:#1.0} b:{p:#1.0} c:[{p:#1.0} {p:#1.0}]}")
  }

  @Test func laterAnchorsShadowEarlierOnes() throws {
    #expect(try text(read("- &x 1\n- *x\n- &x 2\n- *x\n")) == "[#1.0 #1.0 #2.0 #2.0]")
  }

  @Test func mergeKeysGiveWayToOwnKeys() throws {
    #expect(try text(read("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: {<<: [{q: 4}, *x]}\n")) == "{a:{p:#1.0 q:#2.0} b:{q:#3.0 p:#1.0} c:{q:#4.0 p:#1.0}}")
  }

  @Test func starsInTextsStay() throws {
    #expect(try text(read("a: '*'\nb: x*y *z\nc: |\n  *one\n  **two**\nd: \"*\"\n# *comment\n'*k*': 1")) == "{a:* b:x*y *z c:*one\n**two**\n d:* *k*:#1.0}")
  }

  @Test func unknownAliasesAreErrorsThatMentionQuotes() {
    #expect(throws: MergeError(.configuration, "x.yml:2:4: there is no anchor &x above; a text that begins with * needs quotes: '*x'")) {
      try read("a: 1\nb: *x\n")
    }
    #expect(throws: MergeError.self) { try read("filter: *\n") }
    #expect(throws: MergeError.self) { try read("a: &x [*x]\n") }
  }

  @Test func anchorsEndWithTheirDocument() {
    #expect(throws: MergeError.self) { try YAMLReader.read("a: &x 1\n---\nb: *x\n", file: "x.yml") }
  }

  @Test func keysThatAreNoTextsAreErrors() {
    for text in ["? [a]\n: 1\n", "a: &x b\n*x : 1\n", "{[1, 2]: 3}", "? {a: 1}\n: 2\n"] {
      #expect(throws: MergeError.self) { try read(text) }
    }
  }

  @Test func duplicateKeysAreErrorsWithTheirPlace() {
    #expect(throws: MergeError(.configuration, "x.yml:2:4: the key p is given twice in one mapping")) { try read("a:\n - p: 1\n   p: 2\n") }
    #expect(throws: MergeError.self) { try read("{a: 1, 'a': 2}") }
  }

  @Test func tagsAreErrors() {
    for text in ["!!python/object:os.system x", "a: !!int '5'", "!foo [1]", "!!set {a: 1}"] { #expect(throws: MergeError.self) { try read(text) } }
  }

  @Test func noYAMLIsAnErrorWithItsPlace() {
    #expect { try read("a: [1, 2\nb: 3\n") } throws: { "\($0)".hasPrefix("x.yml:2:2: no YAML:") }
    #expect { try read("a: \u{1}\n") } throws: { "\($0)".contains("x.yml:1:") }
    #expect(throws: MergeError.self) { try read("a:\tb: c") }
    #expect(throws: MergeError.self) { try read("\u{E000}") }
  }

  // MARK: Limits

  @Test func takesTheLargestTextAndNoByteMore() throws {
    let line = "a: x\n#"
    let text = line + String(repeating: "-", count: YAMLReader.maximumBytes - line.utf8.count)
    #expect(try YAMLReader.read(text, file: "x.yml").count == 1)
    #expect { try YAMLReader.read(text + "-", file: "x.yml") } throws: { "\($0)".contains("\(YAMLReader.maximumBytes) is the limit") }
  }

  @Test func takesTheDeepestNestingAndNoLevelMore() throws {
    func nested(_ levels: Int) -> String { String(repeating: "[", count: levels - 1) + "1" + String(repeating: "]", count: levels - 1) }
    #expect(try read(nested(YAMLReader.maximumDepth)).depth == YAMLReader.maximumDepth)
    #expect { try read(nested(YAMLReader.maximumDepth + 1)) } throws: { "\($0)".contains("nested deeper than 64 levels") }
  }

  @Test func aliasesDoNotNestDeeperEither() throws {
    var text = "- &a0 1\n"
    for level in 1..<(YAMLReader.maximumDepth - 1) { text += "- &a\(level) [*a\(level - 1)]\n" }
    #expect(try read(text).depth == YAMLReader.maximumDepth)
    #expect(throws: MergeError.self) { try read(text + "- [*a\(YAMLReader.maximumDepth - 2)]\n") }
  }

  @Test func takesAllNodesOfTheLimitAndNotOneMore() throws {
    func list(_ count: Int) -> String { "[" + String(repeating: "1,", count: count - 1) + "]" }
    #expect(try read(list(YAMLReader.maximumNodes)).size == YAMLReader.maximumNodes)
    #expect { try read(list(YAMLReader.maximumNodes + 1)) } throws: { "\($0)".contains("more than 100000 values") }
    #expect(throws: MergeError.self) { try YAMLReader.read(list(60_000) + "\n---\n" + list(60_000), file: "x.yml") }
  }

  @Test(arguments: [
    // A thousand million laughs, as values and as keys.
    (0..<40).reduce("a0: &a0 1\n") { "\($0)a\($1 + 1): &a\($1 + 1) [*a\($1), *a\($1)]\n" },
    (0..<40).reduce("- &a0 1\n") { "\($0)- &a\($1 + 1) {? [*a\($1), *a\($1)] : 1}\n" },
    String(repeating: "[", count: 1_000_000), String(repeating: "{a: ", count: 200_000), String(repeating: "- ", count: 500_000),
    String(repeating: "[a: ", count: 200_000), String(repeating: "? ", count: 500_000), String(repeating: "[ #]\n", count: 100_000),
    String(repeating: "&a ", count: 100_000), String(repeating: "'", count: 999_999), String(repeating: "*a ", count: 300_000),
    (0..<900).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    String(repeating: "- ? ", count: 400) + "a", "%YAML 9.9\n---\na", "\u{FEFF}a: 1\n\u{FEFF}", "--- |\n", "a: |1000000000\n  x",
  ])
  func hostileTextIsAnErrorOrAValue(_ text: String) {
    do { _ = try YAMLReader.read(text, file: "x.yml") } catch { #expect(error.code == .configuration) }
  }

  @Test func aWideMappingIsReadInGoodTime() throws {
    let text = (0..<49_000).map { "k\($0): 1\n" }.joined()
    #expect(try read(text).size == 98_001)
  }
}
