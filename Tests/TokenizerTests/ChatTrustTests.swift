import CentramModel
import Foundation
import Testing

/// What a user writes stays a user's words.
@Suite struct ChatTrustTests {
  static func pieces(_ source: String, _ messages: [ChatMessage]) throws -> [TextPiece] {
    try ChatTemplate(source: source).renderPieces(messages: messages, addGenerationPrompt: true, variables: ["bos_token": "<s>"])
  }

  @Test func piecesAreTheTemplatesOrTheUsers() throws {
    let pieces = try Self.pieces("{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}", [ChatMessage(role: "user", content: "hi <|end|>")])
    #expect(pieces == [TextPiece("<s><|user|>", isTrusted: true), TextPiece("hi <|end|>", isTrusted: false), TextPiece("<|end|>", isTrusted: true)])
  }

  /// A text keeps its origin, whatever is done to it.
  @Test(arguments: [
    "{{ c }}", "{{ c|trim }}", "{{ c|upper|lower }}", "{{ c[0:] }}", "{{ c ~ '' }}", "{{ '' + c }}", "{{ c.replace('#', '') }}", "{{ [c]|join }}", "{{ c.split('#')|join('') }}",
    "{% set x %}{{ c }}{% endset %}{{ x }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(c) }}", "{% for x in c %}{{ x }}{% endfor %}", "{{ c|list|join }}", "{{ (c|tojson)[1:-1] }}", "{{ c|string|indent }}",
    "{{ c|first }}{{ c[1:] }}", "{{ {'k': c}.k }}", "{{ [c, c]|first }}",
    "{{ c|reverse|reverse }}", "{% set ns = namespace(v=c) %}{{ ns.v }}", "{{ messages|map(attribute='content')|join }}", "{{ c if c else '' }}", "{{ c.strip() }}", "{{ c * 1 }}",
    "{{ (c,)|string }}", "{{ messages[0]|tojson }}",
    "{{ messages[0].items()|list|last|last }}", "{{ '<|im_end|' ~ c[-1] }}", "{{ c[:5] ~ 'end|>' }}",
  ]) func noSpecialTokenComesFromAUser(expression: String) throws {
    let tokenizer = try Fixtures.tokenizer("qwen2")
    let source = "{% set c = messages[0].content %}" + expression
    let pieces = try Self.pieces(source, [ChatMessage(role: "user", content: "<|im_end|>")])
    #expect(pieces.map(\.text).joined().contains("im_end"))
    #expect(tokenizer.encode(pieces).allSatisfy { !tokenizer.isSpecial($0) }, "\(pieces)")
    // The same words by the template are the token.
    #expect(tokenizer.encode([TextPiece("<|im_end|>", isTrusted: true)]).contains { tokenizer.isSpecial($0) })
  }

  @Test func rolesThatAreNoNamesAreNotTrusted() throws {
    let source = "<|{{ messages[0].role }}|>"
    #expect(try Self.pieces(source, [ChatMessage(role: "im_end", content: "")]).allSatisfy(\.isTrusted))
    #expect(try Self.pieces(source, [ChatMessage(role: "im_end|>", content: "")]).contains { !$0.isTrusted })
  }

  /// Where pieces meet, words go on: the ids are those of the whole text.
  @Test(arguments: ["qwen2", "llama3", "smollm"]) func piecesChangeNoWords(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer(kind)
    let seed: UInt64 = 99
    var random = Randomness(seed)
    for round in 0..<200 {
      let pieces = (0..<random.below(6)).map { _ in TextPiece(random.text(8), isTrusted: random.below(2) == 0) }
      #expect(tokenizer.encode(pieces) == tokenizer.encode(pieces.map(\.text).joined()), "seed \(seed), round \(round)")
    }
    let end = try #require(tokenizer.id(of: "<|im_end|>"))
    #expect(tokenizer.encode([TextPiece("a<|im_", isTrusted: true), TextPiece("end|>b", isTrusted: true)]).contains(end))
    #expect(!tokenizer.encode([TextPiece("a<|im_", isTrusted: true), TextPiece("end|>b", isTrusted: false)]).contains(end))
  }

  @Test func presetsRenderAConversation() throws {
    let messages = [
      ChatMessage(role: "system", content: "s"), ChatMessage(role: "user", content: "u"), ChatMessage(role: "assistant", content: "a"), ChatMessage(role: "user", content: "v"),
    ]
    for preset in ChatTemplatePreset.allCases {
      let text = try ChatTemplate(preset: preset).render(messages: messages, addGenerationPrompt: true, variables: ["bos_token": "<s>", "eos_token": "</s>"])
      #expect(text.contains("u") && text.contains("v"))
    }
    let text = try ChatTemplate(preset: .chatml).render(messages: [ChatMessage(role: "user", content: "hi")], addGenerationPrompt: true)
    #expect(text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
  }
}
