import Foundation
import Fuzzing
import Testing

@testable import CentramModel

@Suite struct HostileTemplateTests {
  /// A hundredth of the usual, since debug builds are slow.
  static let limits = JinjaInterpreter.Limits(steps: 10_000, text: 1 << 17, depth: 200)

  static func error(_ source: String) -> ModelFileError? {
    do throws(ModelFileError) {
      var template = try ChatTemplate(source: source)
      template.limits = limits
      _ = try template.render(messages: [ChatMessage(role: "user", content: "hi")], addGenerationPrompt: true)
      return nil
    } catch { return error }
  }

  @Test(arguments: [
    ("{% include 'x' %}", "the tag {% include %} is not supported"), ("a\n\n{{ x|wordwrap }}", "line 3: the filter wordwrap is not supported"),
    ("{{ 1 is sameas(1) }}", "the test sameas is not supported"),
    ("{% for x in y recursive %}{% endfor %}", "a recursive loop is not supported"), ("{{ strftime_now('%Y') }}", "strftime_now"),
    ("{{ lipsum() }}", "the function or method lipsum is not known"), ("{{ ''.__class__ }}{{ x.y }}", "x is undefined"),
    ("{{ 'a'.encode() }}", "the function or method encode is not known"), ("{% if true %}", "a block does not end: elif or else or endif is missing"),
    ("{{ raise_exception('Roles must alternate') }}", "does not take this conversation: Roles must alternate"), ("{{ f(*a) }}", "arguments by * are not supported"),
    ("{{ 'unclosed", "a text in quotes does not end"), ("{{ 99999999999999999999 }}", "the number 99999999999999999999 is 2⁶³ or more"),
  ]) func refusalsNameTheConstruct(source: String, message: String) throws {
    let error = try #require(Self.error(source))
    #expect(error.message.contains(message), "\(error.message)")
    #expect(error.message.contains("--chat-template FILE") || error.message.contains("conversation"))
  }

  @Test(arguments: [
    "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
    "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
    "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
    "{% set ns = namespace(l={}) %}{% for i in range(100) %}{% set ns.l = {'a': ns.l} %}{% endfor %}", "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "{{ 'x' * 1000000000000 }}", "{{ range(100000000) }}", "{{ 9223372036854775807 + 1 }}",
    "{{ (-9223372036854775807 - 1) // -1 }}", "{{ (-9223372036854775807 - 1) % -1 }}", "{{ 2 ** 63 }}", "{{ 2 ** 99999999 }}", "{{ 1 % 0 }}",
    "{% set s = 'a' * 40000 %}{{ s.replace('a', s) }}", "{% set s = 'a' * 40000 %}{{ s.find(s[:20000] ~ 'b') }}",
    "{% set s = 'a' * 40000 %}{{ [s, s, s, s]|join }}", "{% set s = ' ' * 40000 %}{% for i in range(1000) %}{{ s.strip() }}{% endfor %}", "{{ [1]|tojson(indent=1000000000) }}",
    "{{ 'x'|indent(1000000000) }}", "{{ " + String(repeating: "(", count: 10000),
    "{{ " + String(repeating: "-", count: 10000) + "1 }}", "{{ " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500) + " }}",
    "{{ 1" + String(repeating: " + 1", count: 5000) + " }}", "{{ x" + String(repeating: ".x", count: 5000) + " }}",
    "{{ x" + String(repeating: "|upper", count: 5000) + " }}", String(repeating: "{% if true %}", count: 5000), "{{ 1" + String(repeating: " if 1 else 1", count: 5000) + " }}",
    "{{ " + String(repeating: "not ", count: 5) + String(repeating: "x or ", count: 5000) + "x }}",
    "{{ 1 is divisibleby(-1) }}{{ (-9223372036854775807 - 1)|abs|abs }}{{ 1|unknown }}", "{% set ns = namespace() %}{% set ns.f = ns %}{{ ns|tojson }}",
    "{% macro f() %}{{ g }}{% endmacro %}{% set g = [f] %}{{ [f, f]|tojson }}",
  ]) func limitsHold(source: String) throws {
    #expect(Self.error(source) != nil)
  }

  private static let words = [
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " if ", " else ", " for ", " in ", " set ", " endif ", " endfor ", " not ", " is ", "defined", "|", "tojson", "trim", "(", ")",
    "[", "]", "{", "}", ":", ",", ".", "'", "\"", "\\", "messages",
    "loop.index0", "[::-1]", "[1:]", "1", "0", "-1", "9223372036854775807", "0.5", "1e9", "~", "*", "/", "//", "%", "**", "==", "<", "namespace(x=1)", "ns.x", "macro f(x)",
    "endmacro", "f(1)", "raw", "endraw", "\n", "  ", "é", "🙂", "\u{0}", "none",
    "range(9)", "selectattr('role')", "map('upper')", "split('a')", "replace('', 'x')", "content", "'a'*9", "sort", "join(messages)", "break", "continue", "generation", "items()",
    ".get('role')", "raise_exception('x')",
  ]

  @Test(arguments: 0..<2) func mutationsAreRefusedOrWork(part: Int) throws {
    let fuzz = Fuzz("HostileTemplateTests", rounds: 20_000, part: part, of: 2)
    let seed = fuzz.seed
    var random = Randomness(seed)
    let good =
      try ["smollm2", "qwen2.5", "llama3.1"].map { String(decoding: try Fixtures.bytes("chat/\($0).jinja"), as: UTF8.self) }
      + (try ChatGoldenTests.cases().map(\.source).filter { $0.count < 400 })
    for round in 0..<fuzz.rounds {
      var scalars = Array(random.element(good).unicodeScalars)
      // Long templates are cut, so that a round is short.
      if scalars.count > 400 { scalars = Array(scalars[random.below(scalars.count - 400)...].prefix(400)) }
      for _ in 0...random.below(4) {
        let place = random.below(scalars.count + 1), length = random.below(min(20, scalars.count - place + 1))
        switch random.below(4) {
        case 0: scalars.removeSubrange(place..<(place + length))
        case 1: scalars.insert(contentsOf: Array(scalars[place..<(place + length)]), at: random.below(scalars.count + 1))
        default: scalars.insert(contentsOf: Array(random.element(Self.words).unicodeScalars), at: place)
        }
      }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      let message = ChatMessage(role: random.element(["user", "system", "", "tool\n"]), content: random.text(12))
      do throws(ModelFileError) {
        _ = try ChatTemplate(source: String(view)).render(
          messages: [message, ChatMessage(role: "assistant", content: .null)], addGenerationPrompt: true, variables: ["bos_token": "<s>"])
      } catch {
        guard !error.message.isEmpty else {
          Issue.record("seed \(seed), round \(round): \(String(view))")
          return
        }
      }
    }
  }
}
