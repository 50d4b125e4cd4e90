import Foundation
import Fuzzing
import Testing

@testable import CentramModel

/// tokenizer.json comes from strangers.
@Suite struct HostileTokenizerTests {
  /// Small, with everything in it.
  static let document = #"""
    {"version":"1.0","added_tokens":[{"id":9,"content":"<s>","special":true},{"id":10,"content":"<x>","lstrip":true,"rstrip":true,"single_word":false,"normalized":true,"special":false}],
    "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"}]},
    "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+|[^\\s]{1,2}"},"behavior":"Isolated","invert":false},{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]},
    "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[9],"tokens":["<s>"]}}},
    "decoder":{"type":"ByteLevel"},
    "model":{"type":"BPE","unk_token":null,"ignore_merges":false,"vocab":{"a":0,"b":1,"Ġ":2,"c":3,"ab":4,"Ġab":5,"1":6,"\u00c3":7,"©":8},"merges":["a b",["Ġ","ab"]]}}
    """#

  private static let splices = [
    "-1", "0", "1", "3", "4294967295", "2147483647", "2147483648", "99999999999999999999", "1e9", "1.5", "null", "true", "[]", "{}", "\"\"", "\"a\"", "\"a b\"", "\"a  b\"",
    "[\"a\",\"b\"]",
    "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"x\":", "\"a\":0,", ",", ":", "[", "]", "{", "}", "\"", "\\", "\"vocab\":", "\"merges\":", "\"model\":", "\"ids\":",
    "\"Removed\"", "\"MergedWithNext\"", "(?=",
    "+", "*", "{1,9}", "(", ")", "|", "\\\\s", "\\\\p{N}", "\"Regex\"", "\"String\"", "\"Metaspace\"", "\"NFKC\"", "\"unk_token\":\"a\",", "\"byte_fallback\":true,", "\u{7f}",
    "\u{0}", "é", "\"id\":", "\"content\":\"ab\"",
  ]

  private static func mutate(_ document: [UInt8], _ random: inout Randomness) -> [UInt8] {
    var bytes = document
    for _ in 0...random.below(3) {
      let place = random.below(bytes.count), length = random.below(min(60, bytes.count - place))
      switch random.below(8) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] ^= 1 << UInt8(random.below(8))
      case 2: bytes.removeSubrange(place..<(place + length))
      case 3: bytes.insert(contentsOf: Array(bytes[place..<(place + length)]), at: random.below(bytes.count))
      case 4, 5: bytes.insert(contentsOf: Array(random.element(splices).utf8), at: place)
      case 6:
        // A number, or a text, for another.
        guard let start = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) || $0 == 0x22 }) else { continue }
        let isText = bytes[start] == 0x22
        let end = bytes[(start + 1)...].firstIndex { isText ? $0 == 0x22 : !(0x30...0x39).contains($0) } ?? bytes.count
        bytes.replaceSubrange(start..<min(end + (isText ? 1 : 0), bytes.count), with: Array(random.element(splices).utf8))
      default: bytes.removeLast(random.below(8) == 0 ? length : 0)
      }
      if bytes.isEmpty { bytes = [0x7b] }
    }
    return bytes
  }

  @Test(arguments: 0..<4) func mutationsAreRefusedOrWork(part: Int) throws {
    let fuzz = Fuzz("HostileTokenizerTests", rounds: 100_000, part: part, of: 4)
    let seed = fuzz.seed
    var random = Randomness(seed)
    let document = Array(Self.document.utf8)
    var accepted = 0
    for round in 0..<fuzz.rounds {
      let bytes = Self.mutate(document, &random)
      do throws(ModelFileError) {
        let tokenizer = try Tokenizer(json: bytes)
        accepted += 1
        let ids = tokenizer.encode("ab é <s><x> 1ab", parsingSpecial: true, addingSpecial: true)
        guard ids.allSatisfy({ tokenizer.text(of: $0) != nil }), tokenizer.count < 2_000_000 else {
          Issue.record("seed \(seed), round \(round): \(ids)")
          return
        }
        _ = tokenizer.decode(ids)
      } catch {
        guard !error.message.isEmpty else {
          Issue.record("seed \(seed), round \(round)")
          return
        }
      }
    }
    #expect(accepted > fuzz.rounds / 100, "seed \(seed): only \(accepted) of \(fuzz.rounds) were good")
  }

  static func refusal(_ change: (String) -> String) -> ModelFileError? {
    do throws(ModelFileError) {
      _ = try Tokenizer(json: Array(change(document).utf8))
      return nil
    } catch { return error }
  }

  @Test func theDocumentItselfWorks() throws {
    let tokenizer = try Tokenizer(json: Array(Self.document.utf8))
    #expect(tokenizer.encode("ab1 <x> c", addingSpecial: true) == [9, 5, 2, 6, 10, 2, 3])
    #expect(tokenizer.prefix == [9])
  }

  @Test(arguments: [
    ("\"b\":1", "\"b\":0", "the token \"b\" has the id 0, which another has"), ("\"b\":1", "\"a\":1", "the token \"a\" stands twice"),
    ("\"b\":1", "\"b\":-1", "the number is negative"),
    ("\"b\":1", "\"b\":1.5", "expected a whole number"), ("\"b\":1", "\"b\":99999999999", "the number is 2³¹ or more"),
    ("\"b\":1", "\"b\":2000000000", "the highest that a file of this size may have"),
    ("\"a b\"", "\"a z\"", "merge 0 needs the token \"z\", which the vocabulary does not have"), ("\"a b\"", "\"b a\"", "merge 0 needs the token \"ba\""),
    ("\"a b\"", "\"ab\"", "merge 0 is not two tokens with a space between them"),
    ("\"BPE\"", "\"Unigram\"", "byte-level BPE is supported"), ("\"NFC\"", "\"NFKC\"", "the normalizer is \"NFKC\""),
    ("\"Digits\"", "\"Metaspace\"", "the pre-tokenizer is \"Metaspace\""),
    ("\"Isolated\"", "\"Sideways\"", "the behavior of a Split is \"Sideways\""),
    ("\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"ByteFallback\"}", "the decoder is \"ByteFallback\""),
    ("\"unk_token\":null", "\"byte_fallback\":true", "byte_fallback is true"), ("\"unk_token\":null", "\"end_of_word_suffix\":\"</w>\"", "end_of_word_suffix is \"</w>\""),
    ("\"unk_token\":null", "\"unk_token\":\"q\"", "unk_token is \"q\", which the vocabulary does not have"), ("\"ids\":[9]", "\"ids\":[77]", "has the id 77.0, which no token has"),
    ("\"TemplateProcessing\"", "\"RobertaProcessing\"", "the post-processor is \"RobertaProcessing\""), (#"\\p{L}+|[^\\s]{1,2}"#, #"(?<=a)b"#, "the group (?< is not supported"),
    ("\"version\":\"1.0\"", "\"model\":1,\"version\":\"1.0\"", "expected '{'"), ("{\"version\":\"1.0\"", "{\"version\":\"1.0\",\"version\":1", "the key \"version\" stands twice"),
  ]) func refusalsNameWhatIsWrong(old: String, new: String, message: String) throws {
    #expect(Self.document.contains(old))
    let error = try #require(Self.refusal { $0.replacingOccurrences(of: old, with: new) })
    #expect(error.message.contains(message), "\(error.message)")
  }

  @Test func mergesMayStandBeforeTheVocabulary() throws {
    let moved = Self.document.replacingOccurrences(of: #","merges":["a b",["Ġ","ab"]]"#, with: "").replacingOccurrences(
      of: #""vocab":"#, with: #""merges":["a b",["Ġ","ab"]],"vocab":"#)
    #expect(try Tokenizer(json: Array(moved.utf8)).encode("ab") == [5])
  }

  @Test func deepNestingIsRefused() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(Self.refusal { $0.replacingOccurrences(of: "\"1.0\"", with: deep) }?.code == .malformed)
    #expect(
      Self.refusal {
        $0.replacingOccurrences(of: "{\"type\":\"NFC\"}", with: String(repeating: "{\"type\":\"Sequence\",\"normalizers\":[", count: 30) + String(repeating: "]}", count: 30))
      } != nil)
  }

  @Test func manyTokensThatBeginAlikeAreFoundQuickly() throws {
    let added = (0..<300).map { "{\"id\":0,\"content\":\"<|\(String(repeating: "<", count: $0))\",\"special\":true}" }.joined(separator: ",")
    let json = Self.document.replacingOccurrences(of: "\"added_tokens\":[", with: "\"added_tokens\":[\(added),")
    let tokenizer = try Tokenizer(json: Array(json.replacingOccurrences(of: "[9]", with: "[8]").utf8))
    #expect(!tokenizer.encode(String(repeating: "<|", count: 2000), parsingSpecial: true).isEmpty)
  }
}
