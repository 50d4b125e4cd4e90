import CentramModel
import Foundation
import Testing

/// Tokenizers in GGUF files against llama.cpp and Hugging Face's library; `make_gguf_tokens.py` made the values.
@Suite struct GGUFTokenTests {
  /// Where CENTRAM_TEST_SMOLLM2 says, or where the set-up puts it.
  static let smollm2 =
    ProcessInfo.processInfo.environment["CENTRAM_TEST_SMOLLM2"] ?? NSString(string: "~/.cache/centram/models/smollm2-135m-instruct-q4_1.gguf").expandingTildeInPath

  static func rows(_ name: String) throws -> [[[Int32]?]] {
    try JSONDecoder().decode([[[Int32]?]].self, from: Data(try Fixtures.bytes("tokenizers/gguf/\(name).golden.json")))
  }

  @Test(arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "default", "qwen35"]) func idsAreLlamaCpps(pre: String) throws {
    let tokenizer = try Tokenizer(gguf: GGUFFile(data: try Fixtures.bytes("tokenizers/gguf/\(pre).gguf"), name: pre))
    for (text, row) in zip(try Fixtures.texts().short, try Self.rows(pre)) {
      guard let parsed = row[0], let plain = row[1] else { continue }
      // llama.cpp leaves out what Qwen's own tokenizer does first: there its ids are those of another text.
      if pre.hasPrefix("qwen"), Array(text.precomposedStringWithCanonicalMapping.unicodeScalars) != Array(text.unicodeScalars) { continue }
      #expect(tokenizer.encode(text, parsingSpecial: true) == parsed, "\(text.debugDescription) \(parsed.map { tokenizer.text(of: $0) ?? "" })")
      #expect(tokenizer.encode(text) == plain, "\(text.debugDescription)")
    }
  }

  @Test func aQwenFileComposesAsItsTokenizerDoes() throws {
    let tokenizer = try Tokenizer(gguf: GGUFFile(data: try Fixtures.bytes("tokenizers/gguf/qwen2.gguf"), name: "qwen2"))
    #expect(tokenizer.encode("cafe\u{301} A\u{30a}") == tokenizer.encode("café Å"))
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: smollm2), "SmolLM2 is not there: run Scripts/setup, or set CENTRAM_TEST_SMOLLM2 to its GGUF file"))
  func idsOfSmolLM2AreLlamaCppsAndTheLibrarys() throws {
    let tokenizer = try Tokenizer(gguf: GGUFFile(path: Self.smollm2))
    #expect(tokenizer.count == 49152)
    #expect(tokenizer.endTokens == [2] && tokenizer.beginToken == 1 && tokenizer.prefix.isEmpty)
    for (text, row) in zip(try Fixtures.texts().short, try Self.rows("smollm2")) {
      let ids = tokenizer.encode(text, parsingSpecial: true)
      #expect(ids == row[2], "\(text.debugDescription)")
      if let parsed = row[0] { #expect(ids == parsed, "llama.cpp: \(text.debugDescription)") }
      if let plain = row[1] { #expect(tokenizer.encode(text) == plain, "llama.cpp: \(text.debugDescription)") }
    }
  }
}
