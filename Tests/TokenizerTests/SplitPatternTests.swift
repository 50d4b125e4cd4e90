import Testing

@testable import CentramModel

@Suite struct SplitPatternTests {
  static func matches(_ pattern: String, _ text: String) throws -> [String] {
    let compiled = try SplitPattern(pattern)
    return Array(text.utf8).withUnsafeBytes { bytes in compiled.matches(in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) } }
  }

  @Test(arguments: [
    ("a|ab", "ab", ["a"]), ("ab|a", "aab", ["a", "ab"]), ("a*b", "aaabb", ["aaab", "b"]), ("a+?", "aaa", ["a", "a", "a"]), ("a{2,3}", "aaaaaa", ["aaa", "aaa"]),
    ("a{,2}b", "aaab", ["aab"]),
    ("(?:ab)+", "ababa", ["abab"]), ("a(?!b)", "abaac", ["a", "a"]), ("a(?=b)", "abac", ["a"]), (#"[^\S\n]+"#, " \t\n ", [" \t", " "]), ("[a-c&&[^b]]+", "abc", ["a", "c"]),
    (#"\p{Lu}\p{Ll}*"#, "AbCDe", ["Ab", "C", "De"]),
    (#"\x41|\u0042|\x{43}"#, "ABCD", ["A", "B", "C"]), ("(?i:ks)", "KSkſ", ["KS", "kſ"]), (#"\w+"#, "a_1²-é", ["a_1²", "é"]), ("^a", "a\naa", ["a", "a"]),
    ("a$", "aa\na", ["a", "a"]), (".", "a\né", ["a", "é"]),
    (#"\s++$|x"#, " x ", ["x", " "]), (#"[\]\-a]+"#, "a-]b", ["a-]"]), ("(a*)*b", "aab", ["aab"]), ("(?:a|b|ab)*c", "abac", ["abac"]), ("[一-龥]+", "a中文b", ["中文"]),
  ]) func matchesAsOniguruma(pattern: String, text: String, wanted: [String]) throws {
    #expect(try Self.matches(pattern, text) == wanted)
  }

  @Test(arguments: [
    "", "a*", "a|", "(?=a)", "(a", "a)", "[a", "[]", "*a", "a**", "a{3,2}", "a{0}", "a{99999}", "a{1,3}+", "(?<=a)b", "(?>a)", "(?i)a", #"\1a"#, #"\b"#, #"\p{Greek}"#, #"\p{"#,
    #"\x{110000}"#, #"\"#, "(?i:é)", "(?:ab)++",
    "[[:alpha:]]", "((((a{9}){9}){9}){9}){9}", String(repeating: "(", count: 100) + "a" + String(repeating: ")", count: 100), String(repeating: "a?", count: 300) + "b",
    String(repeating: "a", count: 5000), "((((((){9999}){9999}){9999}){9999}){9999}){9999}a", "[z-a]",
  ]) func refusesWhatItDoesNotKnow(pattern: String) {
    #expect(throws: SplitPatternFailure.self) { try SplitPattern(pattern) }
  }

  /// A backtracking matcher takes 2ⁿ or n³ steps for these.
  @Test(arguments: ["(a*)*b", "(a|a)*b", "(?:a+)+b", "(a|aa)+$b", "a.*b.*c", "a(?=.*b)", "a(?!.*b)c", "(?:a?){20}b", "(?:(?:a+)+c)?a*?b"]) func takesLinearTime(pattern: String)
    throws
  {
    #expect(try Self.matches(pattern, String(repeating: "a", count: 6000)).isEmpty)
  }

  /// Beyond the window a match ends, and everything is still looked at.
  @Test func findsMatchesInTextsLongerThanTheWindow() throws {
    let length = SplitPattern.window + 1000
    let pattern = try SplitPattern("é{3,}|b")
    var text = [UInt8](repeating: 0x78, count: length)
    text[length - 1] = UInt8(ascii: "b")
    text[10] = UInt8(ascii: "b")
    let matches = text.withUnsafeBytes { pattern.matches(in: $0) }
    #expect(matches == [10..<11, (length - 1)..<length])
  }
}
