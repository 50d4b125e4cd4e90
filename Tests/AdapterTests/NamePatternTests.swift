import CentramModel
import Testing

@Suite struct NamePatternTests {
  @Test(arguments: [
    ("abc", "abc", true), ("abc", "abcd", false), ("a.c", "abc", true), ("a\\.c", "abc", false), ("a*", "", true), ("a+b?", "aaa", true), ("a+b?", "b", false),
    ("layers\\.([0-9]|1[0-5])\\..*", "layers.15.q_proj", true), ("layers\\.([0-9]|1[0-5])\\..*", "layers.16.q_proj", false), ("(a|b|)c", "c", true),
    ("[^.]+", "a.b", false), ("[^.]+", "ab", true), ("\\d{2,3}", "1", false), ("\\d{2,3}", "123", true), ("\\d{2,3}", "1234", false), ("\\d{2}", "12", true),
    ("x{2,}", "xxxxx", true), ("^a$", "a", true), ("a^b", "ab", false), ("(?:ab)*?", "abab", true), ("[]a]", "a", true), ("(a*)*b", "aaab", true),
    ("(.*\\.)?(q|k)$", "x.y.q", true),
  ]) func matchesWholeNames(_ pattern: String, _ name: String, _ expected: Bool) throws {
    #expect(try NamePattern(pattern).matches(name) == expected)
  }

  @Test(arguments: [("q_proj", "layers.0.q_proj", true), ("^q", "layers.q", false), ("o$", "foo", true), ("", "x", true), ("z", "", false)])
  func findsParts(_ pattern: String, _ name: String, _ expected: Bool) throws {
    #expect(try NamePattern(pattern).isFound(in: name) == expected)
  }

  @Test(arguments: [
    "(", ")", "a)", "[a", "*", "a{", "a{x}", "a{3,2}", "a{9999}", "\\", "[z-a]", "(?=a)", "(a)\\1", "((a{1000}){1000}){1000}", String(repeating: "(", count: 100_000),
  ])
  func refusesWhatItDoesNotKnow(_ pattern: String) {
    #expect(throws: ModelFileError.self) { try NamePattern(pattern) }
  }

  @Test func hostilePatternsTakeNoLongerThanOthers() throws {
    // A backtracking matcher needs 2⁵⁰⁰⁰ steps here.
    #expect(try !NamePattern("(a|a)*(a*)*b").matches(String(repeating: "a", count: 5000)))
  }
}
