import CentramModel
import Foundation
import Testing

/// Everything as the tokenizers library has it; `make_tokenizers.py` made the values.
@Suite struct GoldenTokenTests {
  @Test(arguments: Fixtures.kinds) func idsAreTheTokenizersLibrarys(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer(kind)
    let texts = try Fixtures.texts().short
    let goldens = try Fixtures.goldens(kind).short
    #expect(texts.count == goldens.count)
    for (text, golden) in zip(texts, goldens) {
      let ids = tokenizer.encode(text, parsingSpecial: true, addingSpecial: true)
      #expect(ids == golden.ids, "\(text.debugDescription): \(golden.ids.map { tokenizer.text(of: $0) ?? "?" })")
      let plain = tokenizer.encode(text)
      #expect(plain == golden.plain, "\(text.debugDescription): \(golden.plain.map { tokenizer.text(of: $0) ?? "?" })")
      #expect(Array(tokenizer.decode(golden.ids).unicodeScalars) == Array(golden.text.unicodeScalars), "\(text.debugDescription)")
      #expect(Array(tokenizer.decode(golden.ids, skippingSpecial: true).unicodeScalars) == Array(golden.skipped.unicodeScalars), "\(text.debugDescription)")
    }
  }

  @Test(arguments: ["gpt2", "qwen2", "deepseek", "flags"]) func idsOfLongTextsAreTheTokenizersLibrarys(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer(kind)
    func digest(_ ids: [Int32]) -> [UInt64] { [UInt64(ids.count), ids.enumerated().reduce(0) { ($0 + UInt64($1.element) * UInt64($1.offset + 1)) & 0xffff_ffff }] }
    for (long, golden) in zip(try Fixtures.texts().long, try Fixtures.goldens(kind).long) {
      let text = long.text
      #expect(digest(tokenizer.encode(text, parsingSpecial: true, addingSpecial: true)) == golden[0], "\(long)")
      #expect(digest(tokenizer.encode(text)) == golden[1], "\(long)")
    }
  }
}
