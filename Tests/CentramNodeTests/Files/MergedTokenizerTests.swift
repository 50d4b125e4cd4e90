import Foundation
import Testing

@testable import CentramNode

@Suite struct MergedTokenizerTests {
  private func merged(_ scratch: ScratchFolder, _ tokenizers: [String], source: VocabularySettings.Source = .union) throws -> OrderedJSON {
    let models = try tokenizers.enumerated().map { index, text in
      let folder = try scratch.folder("m\(index)", ["tokenizer.json": text])
      let vocabulary = try Vocabulary(folder: folder)
      return VocabularyModel(reference: "m\(index)", folder: folder, vocabulary: vocabulary, rows: vocabulary.idLimit)
    }
    return try MergedTokenizer(try VocabularyPlan(VocabularySettings(source: source, tokens: [.init("<new>")]), models: models, base: 0)).document
  }

  @Test func appendsMergesWithoutDuplicatesAndWithoutThoseThatNameNoTokens() throws {
    let scratch = try ScratchFolder()
    let one = #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b", "a x", "ab", "a b b"]}}"#
    let two = #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3}, "merges": [["a", "b"], ["ab", "a"], ["b", "b"], ["a"], [], 7]}}"#
    let document = try merged(scratch, [one, two])
    #expect(document["model"]?["merges"] == .strings(["a b", "ab a"]))
    #expect(document["model"]?["vocab"] == .object(["a": .integer(0), "b": .integer(1), "ab": .integer(2), "aba": .integer(3), "<new>": .integer(4)]))
    #expect(document["added_tokens"]?.array?.count == 1)
  }

  @Test func writesPairsWhereATokenHoldsASpace() throws {
    let scratch = try ScratchFolder()
    let one = #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}"#
    let two = #"{"model": {"type": "BPE", "vocab": {"a": 0, " ": 1, " a": 2}, "merges": [[" ", "a"]]}}"#
    #expect(try merged(scratch, [one, two])["model"]?["merges"] == .array([.strings(["a", "b"]), .strings([" ", "a"])]))
  }

  @Test func countsTheMarkOfPiecesInsideWordsOnce() throws {
    let scratch = try ScratchFolder()
    let text = ###"{"model": {"type": "BPE", "continuing_subword_prefix": "##", "vocab": {"a": 0, "##b": 1, "ab": 2}, "merges": [["a", "##b"]]}}"###
    #expect(try merged(scratch, [text], source: .base)["model"]?["merges"] == .array([.strings(["a", "##b"])]))
  }

  @Test func numbersPiecesByTheirPlaceWhereIdsHaveGaps() throws {
    let scratch = try ScratchFolder()
    let one = #"{"model": {"unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.25]]}, "added_tokens": [{"id": 3, "content": "<x>", "special": true}]}"#
    let two = #"{"model": {"unk_id": 0, "vocab": [["<unk>", 0.0], ["b", -2.5e0], ["a", -9]]}}"#
    let pieces = try merged(scratch, [one, two])["model"]?["vocab"]?.array
    #expect(pieces?.compactMap { $0.array?.first?.string } == ["<unk>", "a", "<|unused_2|>", "<x>", "b", "<new>"])
    #expect(pieces?.compactMap { $0.array?.last } == ["0.0", "-1.25", "-19.0", "-19.0", "-2.5e0", "-19.0"].map { .number($0) })
  }

  @Test func keepsEverythingElseOfThePatternsFile() throws {
    let scratch = try ScratchFolder()
    let text = #"{"version": "1.0", "normalizer": {"type": "NFC"}, "model": {"dropout": 1e-1, "type": "WordLevel", "vocab": {"a": 0}}, "decoder": null}"#
    let document = try merged(scratch, [text], source: .base)
    #expect(document.object?.members.map(\.key) == ["version", "normalizer", "model", "decoder", "added_tokens"])
    #expect(document["model"]?["dropout"] == .number("1e-1") && document["normalizer"]?["type"] == .string("NFC"))
  }

  /// Damaged tokenizers are refused with a typed error or give a document that is read again.
  @Test func survivesMutatedTokenizers() throws {
    var numbers = SeededNumbers.printed("MergedTokenizer fuzz")
    let scratch = try ScratchFolder()
    let good = try String(contentsOfFile: MergeGolden.model("llama-base-f32") + "/tokenizer.json", encoding: .utf8)
    let original = Array(try Data(contentsOf: URL(fileURLWithPath: MergeGolden.model("llama-alttok-f32") + "/tokenizer.json")))
    var accepted = 0
    for _ in 0..<1000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        if Bool.random(using: &numbers) {
          bytes[place] = UInt8.random(in: 0x20..<0x7f, using: &numbers)
        } else {
          bytes.insert(UInt8.random(in: 0x30...0x39, using: &numbers), at: place)
        }
      }
      do {
        let document = try merged(scratch, [good, String(decoding: bytes, as: UTF8.self)])
        let again = try OrderedJSON(parsing: document.serialized())
        #expect(again == document)
        accepted += 1
      } catch {
        #expect((error as? MergeError)?.code == .input, "\(error)")
      }
    }
    #expect(accepted > 0 && accepted < 1000)
  }
}
